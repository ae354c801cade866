"""The error tree: the kind of a failure decides what happens next.

RenownError
├── BadRecordError          refuse the record, count it, go on
├── BadSettingError         refuse to start, say which setting and why
└── BrokenGuaranteeError    corrupt state or a broken promise: crash loudly
└── FencedError         another worker owns the partition now
"""

from __future__ import annotations

from schemas.reasons import Reason

MAX_SHOWN_CHARS = 80


def shown(value: object) -> str:
    """Return `value` for an error message: its repr, cut to 80 characters.

    >>> shown("a" * 100)[-5:]
    'aaaa…'
    """
    text = repr(value)
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"


class RenownError(Exception):
    """Base of every error that Renown raises on purpose."""


class BadRecordError(RenownError):
    """A record that breaks its contract: `reason` is one of the closed set, `detail` is for people."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason
        self.detail = detail


class BadSettingError(RenownError):
    """A setting that cannot be used: names it, its value and the remedy."""

    def __init__(self, name: str, value: object, remedy: str) -> None:
        super().__init__(f"{name}={shown(value)}: {remedy}")
        self.name = name


class BrokenGuaranteeError(RenownError):
    """State that contradicts what the engine promises; going on would count wrong."""


class FencedError(BrokenGuaranteeError):
    """Another worker has claimed the partition; this one may write nothing more."""

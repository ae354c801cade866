"""What governs each durable format, and what is said when a newer release has written it.

A topic's name ends in its contract's version (`.v1`): scores, reports, dead letters, commands and engagements are
read under that name for ever, and fields may only be added. Rows, pairs, credits and maps carry a version each; the
changelog's metas are governed by the state's; Redis by `contract_version` in its meta hash.
"""

from __future__ import annotations

from schemas.errors import BrokenGuaranteeError


def newer(what: str, kind: str, version: int, reads: int) -> BrokenGuaranteeError:
    """Return the refusal of `what`, whose `kind` of version is above the one that this release reads."""
    return BrokenGuaranteeError(f"{what} {newer_text(kind, version, reads)}; run that release or a newer one")


def newer_text(kind: str, version: int, reads: int) -> str:
    """Return what is wrong, without what it is wrong with.

    >>> newer_text("state", 2, 1)
    'was written by a newer release: state version 2, this release reads up to 1'
    """
    return f"was written by a newer release: {kind} version {version}, this release reads up to {reads}"

"""Cuts: the instants at which scores are asked to foretell, and how far ahead. What is after a cut is the future."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.errors import BadRecordError, BadSettingError
from schemas.instants import epoch_ms, rfc3339

_UNITS_S: Final = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def duration_s(text: str, name: str) -> float:
    """Return a duration such as 30m, 6h or 7d in seconds; raise BadSettingError for anything else.

    >>> duration_s("6h", "horizons")
    21600.0
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None or float(found[1]) == 0.0:
        raise BadSettingError(name, text, "send durations such as 30m, 6h or 7d")
    return float(found[1]) * _UNITS_S[found[2]]


def spelt(seconds: float) -> str:
    """Return a duration in its greatest whole unit.

    >>> spelt(21600.0), spelt(86400.0), spelt(90.0)
    ('6h', '1d', '90s')
    """
    for unit in "dhm":
        if seconds % _UNITS_S[unit] == 0:
            return f"{seconds / _UNITS_S[unit]:g}{unit}"
    return f"{seconds:g}s"


def horizons(text: str) -> tuple[float, ...]:
    """Return the horizons named in a comma-separated list, shortest first, in seconds."""
    return tuple(sorted({duration_s(part, "horizons") for part in text.split(",")}))


def cuts(text: str, begin: float, end: float, ahead: Sequence[float]) -> tuple[float, ...]:
    """Return the cuts in seconds since the epoch, in order; `ahead` are the horizons in seconds.

    `text` is a number of cuts, spread evenly from the middle of the recording (begin..end) to the longest
    horizon before its end, or a list of RFC 3339 instants or of durations since the first act, each with at
    least the shortest horizon after it.

    >>> cuts("3", 0.0, 100.0, [10.0, 20.0]), cuts("1m,2m", 10.0, 500.0, [20.0])
    ((50.0, 65.0, 80.0), (70.0, 130.0))
    """
    if text.strip().isdigit():
        return _spread(int(text), begin, end, max(ahead))
    found = tuple(sorted({_instant(part.strip(), begin) for part in text.split(",")}))
    latest = end - min(ahead)
    for cut in found:
        if not begin <= cut <= latest:
            first, last = (rfc3339(round(at * 1000)) for at in (begin, latest))
            remedy = f"{rfc3339(round(cut * 1000))} leaves no past or no future; send cuts in {first}..{last}"
            raise BadSettingError("cuts", text, remedy)
    return found


def _spread(count: int, begin: float, end: float, longest_s: float) -> tuple[float, ...]:
    if count < 1:
        raise BadSettingError("cuts", count, "send at least 1")
    half_s = (end - begin) / 2
    if longest_s > half_s:
        remedy = f"the longest must fit the second half of the recording, {half_s:,.0f} s"
        raise BadSettingError("horizons", spelt(longest_s), remedy)
    return tuple(float(cut) for cut in np.linspace(begin + half_s, end - longest_s, count))


def _instant(text: str, begin: float) -> float:
    if _DURATION.fullmatch(text):
        return begin + duration_s(text, "cuts")
    try:
        return epoch_ms(text, "cuts") / 1000.0
    except BadRecordError as error:
        remedy = "send a number of cuts, RFC 3339 instants, or durations such as 84h"
        raise BadSettingError("cuts", text, remedy) from error

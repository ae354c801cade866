"""What one look found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A check by name, whether all is well, what was seen, and what to do when it is not."""

    check: str
    well: bool
    detail: str
    remedy: str = ""


def well(check: str, detail: str) -> Finding:
    """Return a finding without fault."""
    return Finding(check, well=True, detail=detail)


def fault(check: str, detail: str, remedy: str) -> Finding:
    """Return a finding with a fault and its remedy."""
    return Finding(check, well=False, detail=detail, remedy=remedy)

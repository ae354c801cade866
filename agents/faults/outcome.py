"""What became of one fault, and the table of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

from agents.faults.judge import Verdict


@dataclass(frozen=True)
class Outcome:
    """`events` are the distinct acts that Kafka acknowledged; `problems` and `faults` must be empty, `lost`,
    `doubled` zero. `recovery_s` holds the seconds until something new was readable, one per injection that waited.
    """

    name: str
    title: str
    injected: int = 0
    events: int = 0
    counted: int = 0
    lost: int = 0
    doubled: int = 0
    refused: int = 0
    letters: int = 0
    recovery_s: tuple[float, ...] = ()
    seconds_s: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_tried: str = ""

    @property
    def kept(self) -> bool:
        """Whether everything promised was kept."""
        return not self.faults and not self.problems

    def document(self) -> dict[str, Any]:
        """Return the outcome as JSON-able values."""
        return {"kept": self.kept, **asdict(self)}


def judged(name: str, title: str, verdict: Verdict, acts: int, beside: dict[str, Any]) -> Outcome:
    """Return the outcome of a verdict; acts that Kafka acknowledged and does not hold are lost as well."""
    gone = max(0, acts - verdict.events - verdict.poisoned)
    faults = dict(verdict.faults)
    if gone:
        faults["lost_before_kafka"] = gone
    return Outcome(
        name=name,
        title=title,
        events=acts,
        counted=verdict.counted,
        lost=verdict.lost + gone,
        doubled=verdict.doubled,
        refused=sum(verdict.refused.values()),
        letters=verdict.letters,
        faults=faults,
        **beside,
    )


def table(outcomes: Iterable[Outcome]) -> Table:
    """Return the table that a suite ends with."""
    shown = Table(box=None, header_style="bold")
    for column in ("fault", "injected", "events in", "counted exactly", "lost", "doubled", "recovery", "kept"):
        shown.add_column(column, justify="left" if column in {"fault", "kept"} else "right", no_wrap=True)
    for one in outcomes:
        if one.not_tried:
            shown.add_row(one.name, "-", "-", "-", "-", "-", "-", f"not tried: {one.not_tried}")
            continue
        numbers = [f"{number:,}" for number in (one.injected, one.events, one.counted, one.lost, one.doubled)]
        shown.add_row(one.name, *numbers, recovery(one.recovery_s), "yes" if one.kept else "NO")
    return shown


def recovery(seconds: Sequence[float]) -> str:
    """Return median and longest as text.

    >>> recovery([1.0, 2.0, 6.0])
    '2.0 s (max 6.0)'
    """
    if not seconds:
        return "-"
    return f"{median(seconds):.1f} s (max {max(seconds):.1f})"

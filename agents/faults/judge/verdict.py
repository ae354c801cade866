"""What the judge found: counts of everything, and up to twenty names of each fault."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

MAX_EXAMPLES: Final = 20
FAULTS: Final = (
    "lost",
    "doubled",
    "users_wrong",
    "users_strayed",
    "letters_missing",
    "letters_wrong",
    "stale_scores",
    "missing_scores",
    "stray_scores",
    "counts_wrong",
    "rows_unlike_scores",
    "boards_wrong",
    "why_missing",
    "scores_out_of_range",
    "unreadable",
    "input_gone",
    "unfinished",
)
"""Every one of these must be zero."""


class Findings:
    """Faults collected on the way: a count and the first names of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = defaultdict(list)

    def add(self, fault: str, example: str, count: int = 1) -> None:
        """Count a fault `count` times under one example."""
        self.counts[fault] += count
        if len(self.examples[fault]) < MAX_EXAMPLES:
            self.examples[fault].append(example)


@dataclass(frozen=True)
class Verdict:
    """The judge's answer. Input: records, events (acts to be counted), repeats, rerouted, refused by reason.

    `undone` are events taken back later, which their actors have given all the same. `counted` are events found in the
    tables, `lost` and `doubled` the worse of both sides, summed over users and kinds. Everything named in FAULTS is a
    number of faults; `examples` name the first twenty of each.
    """

    records: int
    events: int
    repeats: int
    rerouted: int
    refused: Mapping[str, int]
    poisoned: int
    undone: int
    counted: int
    lost: int
    lost_received: int
    lost_given: int
    doubled: int
    doubled_received: int
    doubled_given: int
    users: int
    users_wrong: int
    users_strayed: int
    letters: int
    letters_repeated: int
    letters_missing: int
    letters_wrong: int
    scores: int
    stale_scores: int
    missing_scores: int
    stray_scores: int
    counts_wrong: int
    rows_unlike_scores: int
    boards_wrong: int
    why_missing: int
    scores_out_of_range: int
    unreadable: int
    input_gone: int
    unfinished: int
    examples: Mapping[str, list[str]]

    @property
    def faults(self) -> dict[str, int]:
        """The faults that are not zero."""
        return {name: count for name in FAULTS if (count := getattr(self, name))}

    @property
    def exact(self) -> bool:
        """Whether every event counted exactly once and every score is readable as it was published."""
        return not self.faults

    def document(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values."""
        return {"exact": self.exact, "faults": self.faults, **asdict(self)}

    def text(self) -> str:
        """Return the verdict in a few lines for people."""
        head = f"{'exact' if self.exact else 'NOT EXACT'}: {self.counted:,} of {self.events:,} events counted"
        about = (
            f"{self.records:,} records, {self.repeats:,} repeats, {self.rerouted:,} re-routed, "
            f"{self.undone:,} undone, refused {self.refused}"
        )
        lines = [head, about, f"{self.users:,} users, {self.scores:,} scores, {self.letters:,} dead letters"]
        for name, count in self.faults.items():
            lines.append(f"{name}: {count:,}")
            lines += [f"  {example}" for example in self.examples.get(name, [])]
        return "\n".join(lines)

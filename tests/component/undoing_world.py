"""A world on several partitions whose people take back what they did."""

from __future__ import annotations

import json
from typing import Any

from schemas.reasons import Reason
from tests.component.linked_world import World, home


class Undoing(World):
    """A world whose people take things back."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        super().__init__()

    def does(self, actor: str, target: str, kind: str = "share") -> int:
        """Have an act appended; return its number."""
        self.act(actor, target, kind)
        self.done.append(json.loads(self.engagements[home(actor)][-1][0]))
        return len(self.done) - 1

    def undoes(self, number: int, **instead: Any) -> None:
        """Have the undo of an act appended."""
        self.now_ms += 1
        act = self.done[number] | {"undo": True, "occurred_at": self.now_ms} | instead
        self.engagements[home(act["actor"])].append((json.dumps(act).encode(), self.now_ms))

    def refused(self, reason: Reason) -> int:
        """Return how often something was refused for this reason."""
        return int(self.metrics.refused.labels(reason.value)._value.get())

    def log(self) -> list[bytes]:
        """Return every engagement in order of time."""
        return [
            value for value, _ in sorted((e for each in self.engagements.values() for e in each), key=lambda e: e[1])
        ]

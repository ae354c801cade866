"""Named places to die, for tests of what survives: `RENOWN_CRASH_POINT=name[:nth]` ends the process there."""

from __future__ import annotations

import os
from typing import Final

from schemas.errors import BadSettingError

VARIABLE: Final = "RENOWN_CRASH_POINT"
EXIT_CODE: Final = 86
WORKER: Final = {
    "claiming": "a partition's epoch is raised, its claim is not in the log",
    "claimed": "every partition is claimed, none of their state is read",
    "restoring": "some records of the changelog are read, not all",
    "recovered": "state is read, nothing processed",
    "step_applied": "a chunk changed the state, nothing of it is durable",
    "barrier_forwards": "forwards are acknowledged, rows are not",
    "barrier_rows": "a batch of rows is durable, the last one with their watermarks is not",
    "barrier_partition": "one partition's rows and watermarks are durable, others' may not be",
    "barrier_done": "everything is durable, offsets are not committed",
    "committed": "offsets are committed, nothing was done since",
}
LINKING: Final = {
    "link_held": "a partition waits for a link to be obeyed, nothing has moved",
    "link_sent": "what an account has received is on its way to the person, its row is not durably empty",
    "link_done": "the link is durably obeyed, its partition goes on",
}
SCORING: Final = {
    "scoring_started": "the scoring agent has its partitions, it has not asked Redis for their positions",
    "scoring_write": "scores are read from the topic, none is in Redis",
    "scoring_part": "some scores of a poll are in Redis, the position behind them is not",
    "scoring_written": "scores and position are in Redis, Kafka does not know",
    "scoring_committed": "scores are in Redis and Kafka knows",
}
POINTS: Final = {**WORKER, **LINKING, **SCORING}
"""Every point and what holds when the process dies there; one registry, whichever process passes it."""


class CrashPlan:
    """Where to die: `name` on its `nth` visit; an empty name means never."""

    def __init__(self, text: str) -> None:
        """Read `name[:nth]`; BadSettingError for an unknown name or a bad number."""
        self.name, _, nth = text.partition(":")
        if self.name and (self.name not in POINTS or not (nth or "1").isdigit()):
            raise BadSettingError(VARIABLE, text, f"name one of {', '.join(sorted(POINTS))}, then :nth")
        self._left = int(nth or "1")

    def visit(self, name: str) -> bool:
        """Return whether to die now."""
        if name != self.name:
            return False
        self._left -= 1
        return self._left <= 0


_plan: CrashPlan | None = None


def arm(text: str | None = None) -> None:
    """Read the plan from `text` or the environment; BadSettingError when it names no crash point."""
    global _plan  # noqa: PLW0603
    found = CrashPlan(os.environ.get(VARIABLE, "") if text is None else text)
    _plan = found if found.name else None


def reach(name: str) -> None:
    """Die here if the plan says so."""
    if _plan is not None and _plan.visit(name):
        os._exit(EXIT_CODE)

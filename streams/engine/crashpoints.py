"""Named places to die, for tests of what survives: `RENOWN_CRASH_POINT=name[:nth]` ends the process there."""

from __future__ import annotations

import os
from typing import Final

from schemas.errors import BadSettingError

VARIABLE: Final = "RENOWN_CRASH_POINT"
EXIT_CODE: Final = 86
NAMES: Final = frozenset(
    {
        "step_applied",  # a chunk changed the state, nothing of it is durable
        "barrier_forwards",  # forwards are acknowledged, rows are not
        "barrier_partition",  # one partition's rows are durable, others' may not be
        "barrier_done",  # everything is durable, offsets are not committed
        "claimed",  # a partition is claimed, its state not read
        "recovered",  # state is read, nothing processed
    }
)


class CrashPlan:
    """Where to die: `name` on its `nth` visit; an empty name means never."""

    def __init__(self, text: str) -> None:
        """Read `name[:nth]`; BadSettingError for an unknown name or a bad number."""
        self.name, _, nth = text.partition(":")
        if self.name and (self.name not in NAMES or not (nth or "1").isdigit()):
            raise BadSettingError(VARIABLE, text, f"name one of {', '.join(sorted(NAMES))}, then :nth")
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

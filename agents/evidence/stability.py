"""Stability: a recording replayed by hourly epochs, and what moved that nothing but time or chance moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from agents.epochs import EPOCH_S, Epochs, Moment
from agents.evidence.disorder import DISORDERS, off
from agents.evidence.movement import DIGITS, HIGH, LEADERS, PERSISTENCE, Day, day_on_day, kept, movement
from agents.evidence.pauses import rests, stopped
from agents.recorded import Acts, Recorded
from schemas.instants import rfc3339
from streams.model.parameters import DAY_S, Parameters

STOPS_DAYS: Final = (1, 7)
STEPS: Final = 2 + len(STOPS_DAYS) + len(DISORDERS)


def stability(
    found: Recorded,
    parameters: Parameters,
    model: str,
    seed: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the document of a recording with at least one act; `advance` is told how many of STEPS are done.

    Days are counted back from the newest act. One of an hour and a day or less has neither
    movement nor pauses: its map knows fresh mass only.
    """
    acts, users = found.acts.in_order(), len(found.users)
    epochs = Epochs(acts, users, parameters)
    days, last = _days(epochs, acts)
    advance(1)
    document = _described(found, acts, model, days, last)
    document["rests"] = rests(epochs.rows(), last, parameters) if len(days) > 1 else []
    advance(2)
    document["stops"] = []
    for step, length in enumerate(STOPS_DAYS, 3):
        document["stops"] += filter(None, [stopped(acts, users, parameters, days, last, length)])
        advance(step)
    document["disorder"] = {}
    for step, (name, (meaning, reordered)) in enumerate(DISORDERS.items(), 3 + len(STOPS_DAYS)):
        ended = Epochs(reordered(acts, seed), users, parameters).until(last.at)
        document["disorder"][name] = {"meaning": meaning, **off(last, ended)}
        advance(step)
    return document


def _days(epochs: Epochs, acts: Acts) -> tuple[list[Day], Moment]:
    """Return the ends of whole days, the last being the newest act's instant, and the moment of that one.

    Days that end in the recording's first hour, the warm-up, are none.
    """
    end = float(acts.at[-1])
    whole = max(0, int((end - acts.at[0] - EPOCH_S) // DAY_S))
    days = []
    for back in range(whole, -1, -1):
        last = epochs.until(end - back * DAY_S)
        days.append(kept(last))
    return days, last


def _described(found: Recorded, acts: Acts, model: str, days: list[Day], last: Moment) -> dict[str, Any]:
    scored = last.shown[last.shown > 1]
    return {
        "model": model,
        "acts": len(acts),
        "users": len(found.users),
        "from": rfc3339(round(acts.at[0] * 1000)),
        "to": rfc3339(round(acts.at[-1] * 1000)),
        "scored": len(scored),
        "mean": round(float(scored.mean()), DIGITS) if len(scored) else None,
        "high_share": round(float(np.mean(scored >= HIGH)), DIGITS) if len(scored) else None,
        "high": HIGH,
        "leaders": LEADERS,
        "persistence": PERSISTENCE,
        "movement": movement(days),
        "days": day_on_day(days),
    }

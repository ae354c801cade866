"""Histories in which acts are taken back, run through the kernels as a replay does and through the slow reference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from agents.offline import BothStages
from agents.recorded import Acts
from schemas.kinds import KIND_CODE
from streams.model.parameters import Parameters
from tests.property.histories import GAPS_S, PUNCTUAL_S, USERS, histories
from tests.property.vectorised import DAY, Event
from tests.reference.model import Credit, Reference


class Step(NamedTuple):
    """An act, or the undo of the act number `undoes`, arriving; acts are numbered in order of arrival."""

    event: Event
    undoes: int = -1


@st.composite
def stories(
    draw: st.DrawFn,
    max_size: int = 30,
    gaps: st.SearchStrategy[float] = GAPS_S,
    late: st.SearchStrategy[float] = PUNCTUAL_S,
) -> list[Step]:
    """Return acts and undos in order of arrival: of acts before them, soon or late, some of them twice."""
    steps: list[Step] = []
    now, events = 0.0, draw(histories(max_size, gaps=gaps, late=late))
    for number, event in enumerate(events):
        steps.append(Step(event))
        now = max(now, event.at)
        for back in draw(st.lists(st.integers(0, 3), max_size=2)):
            undone = max(number - back, 0)
            wait = draw(st.sampled_from((0.0, 0.0, 60.0)))
            steps.append(Step(events[undone]._replace(at=now + wait), undone))
    return steps


def acts_of(steps: list[Step]) -> Acts:
    """Return the steps as columns of a replay."""
    numbers, made = [], 0
    for step in steps:
        numbers.append(made if step.undoes < 0 else step.undoes)
        made += step.undoes < 0
    return Acts(
        np.array([step.event.actor for step in steps]),
        np.array([step.event.target for step in steps]),
        np.array([KIND_CODE[step.event.kind] for step in steps], np.uint8),
        np.array([step.event.at for step in steps]),
        np.array(numbers, np.uint64) + np.uint64(1),
        np.array([step.undoes >= 0 for step in steps]),
    )


def replayed(
    steps: list[Step], parameters: Parameters, partitions: int = 1, users: int = USERS, window_s: float = DAY
) -> BothStages:
    """Return the stages after all steps."""
    stages = BothStages(parameters, users, partitions, window_s)
    stages.apply(acts_of(steps))
    return stages


def reference_of(steps: list[Step], window_s: float = DAY) -> Reference:
    """Return the reference after all steps."""
    world, credits_, undone, newest = Reference(), list[Credit](), set[int](), -np.inf
    for event, undoes in steps:
        actor, target = str(event.actor), str(event.target)
        if undoes < 0:
            credits_.append(world.act(event.at, actor, target, event.kind))
            newest = max(newest, event.at)
        elif undoes not in undone and max(newest, event.at) - credits_[undoes].at <= window_s:
            undone.add(undoes)
            world.undo(actor, target, credits_[undoes])
            newest = max(newest, event.at)
    return world

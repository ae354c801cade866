"""Compiling every kernel before it is needed: a first call takes seconds, and no group waits that long."""

from __future__ import annotations

import numpy as np

from streams.model.actor import price
from streams.model.parameters import Parameters
from streams.model.scoring import read
from streams.model.state import UserState
from streams.model.target import credit


def warm() -> None:
    """Run every kernel once on a tiny input, with the argument types of the stages."""
    parameters, state = Parameters(), UserState()
    state.ensure(2)
    slots, others = np.zeros(1, np.int64), np.ones(1, np.uint64)
    kinds, at, keep = np.zeros(1, np.uint8), np.zeros(1), np.ones(1, np.uint8)
    offsets = np.zeros(1, np.int64)
    priced = price(state, slots, others, kinds, at, offsets, keep, parameters)
    credit(state, slots, others, kinds, at, *priced, offsets, offsets, keep, parameters)
    read(state.live(), 0.0, parameters)
    state.pairs.find(slots, others)
    state.pairs.load(slots, others, state.pairs.slots.copy())
    state.pairs.remove(np.ones(len(state.pairs), np.bool_))

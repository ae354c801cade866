"""Compiling every kernel before it is needed: a first call takes seconds, and no group waits that long."""

from __future__ import annotations

import numpy as np

from streams.model.actor import price
from streams.model.join import join_pairs, join_rows
from streams.model.parameters import Parameters
from streams.model.scoring import read
from streams.model.state import UserState
from streams.model.target import credit
from streams.model.undo import take_back


def warm() -> None:
    """Run every kernel once on a tiny input, with the argument types of the stages."""
    parameters, state = Parameters(), UserState()
    state.ensure(2)
    slots, others = np.zeros(1, np.int64), np.ones(1, np.uint64)
    kinds, at, keep = np.zeros(1, np.uint8), np.zeros(1), np.ones(1, np.uint8)
    offsets = np.zeros(1, np.int64)
    priced = price(state, slots, others, kinds, at, offsets, keep, parameters)
    credit(state, slots, others, kinds, at, *priced, offsets, offsets, keep, parameters)
    take_back(state, slots, others, at, at, offsets, keep.copy(), parameters)
    read(state.live(), 0.0, parameters)
    state.pairs.find(slots, others)
    state.pairs.load(slots, others, state.pairs.slots.copy())
    join_rows(state, 1, state.rows[0], parameters)
    join_pairs(state, 1, others, state.pairs.slots[:1].copy(), parameters)
    state.pairs.remove(np.ones(len(state.pairs), np.bool_))

"""Choosing whom an attack serves, injecting it and reading every measure without and with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from agents.attack.injection import Facts, Injected, with_injected
from agents.attack.measures import Measured, measured
from agents.attack.outcome import Outcome, moved
from agents.attack.scenarios import SCENARIOS
from agents.attack.stream import Stream
from schemas.errors import BadSettingError
from streams.model.parameters import Parameters

BANDS: Final = {"low": (0.05, 0.20), "middle": (0.45, 0.55)}
"""Ranks among the scored, from the least, out of which a beneficiary is drawn."""


def beneficiaries(base: Measured, floor: float, seed: int) -> dict[str, int]:
    """Return one scored person of low and one of middle rank, drawn by `seed`."""
    scored = np.flatnonzero(base.values >= floor)
    if not len(scored):
        raise BadSettingError("file", "", "nobody in it is scored, so there is nobody to attack for")
    ordered = scored[np.argsort(base.values[scored], kind="stable")]
    rng, found = np.random.default_rng(seed), {}
    for name, (low, high) in BANDS.items():
        start, end = int(low * len(ordered)), int(high * len(ordered))
        found[name] = int(rng.choice(ordered[start : max(end, start + 1)]))
    return found


def facts_of(stream: Stream, base: Measured, beneficiary: int, end_ms: int, parameters: Parameters) -> Facts:
    """Return what an attack knows; the celebrity is established where anybody is."""
    tau_ms = int(parameters.tau_s * 1000)
    born_ms = np.full(len(stream.users), np.iinfo(np.int64).max)
    np.minimum.at(born_ms, stream.actors, stream.at_ms)
    standing = np.where(
        born_ms <= end_ms - tau_ms - 86_400_000, base.values + 1.0, base.values / (base.values.max() + 1)
    )
    standing[beneficiary] = -1.0
    receivers = np.unique(stream.targets)
    return Facts(len(stream.users), receivers, beneficiary, int(standing.argmax()), end_ms, tau_ms)


def attack(
    stream: Stream,
    names: Sequence[str],
    sizes: Sequence[int],
    parameters: Parameters,
    *,
    seed: int,
    price: float,
) -> Iterator[Outcome]:
    """Yield the outcome of every attack at every size for both beneficiaries; price is for one act."""
    end_ms = int(stream.at_ms[-1])
    base = measured(stream, end_ms, parameters)
    for standing, user in beneficiaries(base["renown"], parameters.unscored_raw, seed).items():
        facts = facts_of(stream, base["renown"], user, end_ms, parameters)
        for name in names:
            for size in sizes:
                injected = SCENARIOS[name].build(facts, size, seed)
                found = measured(with_injected(stream, injected), end_ms, parameters)
                paid = paid_acts(injected, user, own=SCENARIOS[name].own_acts)
                touched = np.unique(injected.targets[injected.targets < facts.people])
                changes = {key: moved(base[key], found[key], user, touched, paid * price) for key in base}
                who = stream.users[user].decode()
                yield Outcome(name, size, who, standing, len(injected), paid, paid * price, changes)


def paid_acts(injected: Injected, user: int, *, own: bool) -> int:
    """Return how many acts are paid for: those delivered to `user`, or those that `user` does."""
    return int(((injected.actors if own else injected.targets) == user).sum())

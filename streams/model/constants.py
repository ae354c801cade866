"""The parameters as kernels take them: one flat tuple of floats, with what follows from them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from streams.model.parameters import Parameters

Triple = tuple[float, float, float]


class Constants(NamedTuple):
    """What kernels read; letters as in the formula."""

    weights: tuple[float, float, float, float]  # c by kind code
    half_lives_s: Triple  # h_j
    alphas: Triple  # (1/h_j) / sum(1/h)
    kernel_half_life_s: float  # age at which sum alpha_j 2^(-age/h_j) is 1/2
    fair_volume: float
    volume_half_life_s: float
    pair_capacity: float
    pair_half_life_s: float
    pair_floor: float
    bond_half_life_s: float
    bond_weight: float
    tau_s: float
    newcomer_limit: float
    newcomer_gain: float
    momentum_half_life_s: float
    reach_half_life_s: float


def _kernel_half_life_s(half_lives_s: Triple, alphas: Triple) -> float:
    low, high = 0.0, max(half_lives_s)
    for _ in range(100):
        middle = (low + high) / 2
        left = sum(alpha * 2.0 ** (-middle / h) for alpha, h in zip(alphas, half_lives_s, strict=True))
        low, high = (middle, high) if left > 1 / 2 else (low, middle)
    return (low + high) / 2


@lru_cache(maxsize=64)
def constants_of(parameters: Parameters) -> Constants:
    """Return the kernels' view of `parameters`.

    >>> [round(alpha, 3) for alpha in constants_of(Parameters()).alphas]
    [0.85, 0.121, 0.028]
    """
    p = parameters
    half_lives_s = (p.half_life_short_s, p.half_life_middle_s, p.half_life_long_s)
    total = sum(1 / h for h in half_lives_s)
    alphas = (1 / half_lives_s[0] / total, 1 / half_lives_s[1] / total, 1 / half_lives_s[2] / total)
    return Constants(
        weights=(p.weight_like, p.weight_share, p.weight_mention, p.weight_reply),
        half_lives_s=half_lives_s,
        alphas=alphas,
        kernel_half_life_s=_kernel_half_life_s(half_lives_s, alphas),
        fair_volume=p.fair_volume,
        volume_half_life_s=p.volume_half_life_s,
        pair_capacity=p.pair_capacity,
        pair_half_life_s=p.pair_half_life_s,
        pair_floor=p.pair_floor,
        bond_half_life_s=p.bond_half_life_s,
        bond_weight=p.bond_weight,
        tau_s=p.tau_s,
        newcomer_limit=p.newcomer_limit,
        newcomer_gain=p.newcomer_gain,
        momentum_half_life_s=p.momentum_half_life_s,
        reach_half_life_s=p.reach_half_life_s,
    )

"""Baselines: scores that need no more than the acts, which the product must be measured against.

Each takes the acts up to a cut T, in order of time, and gives one number per user code. PageRank (Brin and
Page 1998) and EigenTrust (Kamvar et al. 2003) are the graph library's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from agents.evidence.katz import temporal_katz
from agents.evidence.outcomes import pairs
from agents.recorded import Acts
from schemas.errors import RenownError
from schemas.kinds import KIND_CODE
from streams.model.constants import constants_of
from streams.model.parameters import DAY_S, HOUR_S, Parameters

Floats = npt.NDArray[np.float64]
NOISE: Final = 1e-8
"""Of the mean rank: the graph library's ranks differ by 3e-10 from call to call, which would break ties by chance."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a baseline may know: the acts up to `at`, among `users` people."""

    acts: Acts
    users: int
    at: float
    parameters: Parameters


Baseline = Callable[[Past], Floats]


def count(past: Past) -> Floats:
    """Return how many acts everybody received."""
    return np.bincount(past.acts.targets, minlength=past.users).astype(np.float64)


def decayed_count(half_life_s: float) -> Baseline:
    """Return the baseline sum over received acts of 2^(-age/half-life)."""

    def counted(past: Past) -> Floats:
        left = np.exp2(-(past.at - past.acts.at) / half_life_s)
        return np.bincount(past.acts.targets, left, past.users).astype(np.float64)

    return counted


def decay_mix(past: Past) -> Floats:
    """Return the decayed counts at the product's three half-lives, mixed as the product mixes them."""
    c = constants_of(past.parameters)
    parts = (alpha * decayed_count(h)(past) for alpha, h in zip(c.alphas, c.half_lives_s, strict=True))
    total: Floats = np.sum(list(parts), axis=0)
    return total


def distinct(past: Past) -> Floats:
    """Return how many different people everybody received acts from."""
    return np.bincount(pairs(past.acts, past.users) // past.users, minlength=past.users).astype(np.float64)


def log_shares(past: Past) -> Floats:
    """Return ln(1 + shares received), the backbone of early influence scores."""
    shares = past.acts.targets[past.acts.kinds == KIND_CODE["share"]]
    return np.log1p(np.bincount(shares, minlength=past.users).astype(np.float64))


def pagerank(past: Past) -> Floats:
    """Return PageRank with damping .85 on the graph actor -> target, weighted by the number of acts."""
    graph, weights = _graph(past)
    return levelled(np.array(graph.pagerank(damping=0.85, weights=weights)), NOISE / past.users)


def eigentrust(past: Past) -> Floats:
    """Return EigenTrust: PageRank that restarts with .5 at the pre-trusted, here those who have acted for tau.

    PageRank normalises an actor's weights to 1, which is EigenTrust's local trust. While nobody has acted for
    tau all actors are pre-trusted.
    """
    born = np.full(past.users, np.inf)
    np.minimum.at(born, past.acts.actors, past.acts.at)
    trusted = past.at - born >= past.parameters.tau_s
    trusted = trusted if trusted.any() else np.isfinite(born)
    graph, weights = _graph(past)
    reset = trusted.astype(np.float64).tolist()
    return levelled(
        np.array(graph.personalized_pagerank(damping=0.5, reset=reset, weights=weights)), NOISE / past.users
    )


def levelled(values: Floats, noise: float) -> Floats:
    """Return the values with those that lie within `noise` of their neighbour made equal, so that ties are ties.

    >>> levelled(np.array([0.5, 0.2, 0.5 + 1e-12]), 1e-9).tolist()
    [0.5, 0.2, 0.5]
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.concatenate(([0], np.flatnonzero(np.diff(ordered) > noise) + 1))
    sizes = np.diff(np.append(starts, len(values)))
    found = np.empty(len(values))
    found[order] = np.repeat(ordered[starts], sizes)
    return found


def katz(half_life_s: float) -> Baseline:
    """Return temporal Katz with beta .2 and this half-life."""

    def walked(past: Past) -> Floats:
        acts = past.acts
        return temporal_katz(acts.actors, acts.targets, acts.at, past.at, past.users, half_life_s)

    return walked


def _graph(past: Past) -> tuple[Any, list[float]]:
    try:
        import igraph
    except ImportError as error:
        raise RenownError("the graph baselines need igraph: pip install 'renown[evidence]'") from error
    edges, weights = np.unique(past.acts.actors * past.users + past.acts.targets, return_counts=True)
    ends = np.column_stack((edges // past.users, edges % past.users))
    return igraph.Graph(n=past.users, edges=ends, directed=True), weights.astype(np.float64).tolist()


BASELINES: Final[dict[str, tuple[str, Baseline]]] = {
    "count": ("acts received", count),
    "count_6h": ("acts received, half-life 6 h", decayed_count(6 * HOUR_S)),
    "count_1d": ("acts received, half-life 1 d", decayed_count(DAY_S)),
    "count_7d": ("acts received, half-life 7 d", decayed_count(7 * DAY_S)),
    "count_mix": ("acts received, the product's three half-lives, nothing else of it", decay_mix),
    "distinct": ("different people received from", distinct),
    "log_shares": ("ln(1 + shares received)", log_shares),
    "pagerank": ("PageRank, damping .85", pagerank),
    "eigentrust": ("EigenTrust, restart .5 at those who have acted for tau", eigentrust),
    "katz_3h": ("temporal Katz, beta .2, half-life 3 h", katz(3 * HOUR_S)),
    "katz_1d": ("temporal Katz, beta .2, half-life 1 d", katz(DAY_S)),
}

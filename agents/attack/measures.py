"""The product and four naive measures, read off one stream at its end, all on the product's scale 1..100."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from agents.attack.stream import Stream
from agents.replay import replay
from streams.model.calibration import curve, histogram, score_of
from streams.model.parameters import DAY_S, Parameters

Floats = npt.NDArray[np.float64]
DAMPING: Final = 0.85
_ROUNDS: Final = 40


class Measured(NamedTuple):
    """Columns over the stream's users: what is measured, and the score 1..100 that it would show."""

    values: Floats
    scores: Floats


def product(stream: Stream, end_ms: int, parameters: Parameters) -> Measured:
    """Return raw mass and target score by the product's kernels and calibration."""
    found = replay([stream.columns()], parameters, as_of=end_ms / 1000)
    return Measured(found.reading.raw, found.score)


def on_the_map(values: Floats, parameters: Parameters) -> Measured:
    """Return `values` with the scores that the product's own calibration makes of them."""
    fitted = curve(histogram(values, parameters.unscored_raw))
    return Measured(values, score_of(values, fitted, parameters))


def count(stream: Stream, end_ms: int) -> Floats:  # noqa: ARG001 - measures share a signature
    """Return how many acts everybody received."""
    return np.bincount(stream.targets, minlength=len(stream.users)).astype(np.float64)


def decayed_count(stream: Stream, end_ms: int) -> Floats:
    """Return received acts, each halved every day."""
    left = np.exp2(-(end_ms - stream.at_ms) / (1000.0 * DAY_S))
    return np.bincount(stream.targets, left, minlength=len(stream.users)).astype(np.float64)


def distinct(stream: Stream, end_ms: int) -> Floats:  # noqa: ARG001 - measures share a signature
    """Return how many different people engaged."""
    return np.bincount(_edges(stream)[1], minlength=len(stream.users)).astype(np.float64)


def pagerank(stream: Stream, end_ms: int) -> Floats:  # noqa: ARG001 - measures share a signature
    """Return PageRank at damping .85 times the number of users, edges weighted by acts; 0 for who received none."""
    users = len(stream.users)
    actors, targets, weights = _edges(stream)
    out = np.bincount(actors, weights, minlength=users)
    shares, rank = weights / out[actors], np.ones(users)
    for _ in range(_ROUNDS):
        flow = np.bincount(targets, rank[actors] * shares, minlength=users)
        rank = 1.0 - DAMPING + DAMPING * (flow + rank[out == 0].sum() / users)
    received = np.bincount(targets, minlength=users) > 0
    return np.where(received, rank.round(9), 0.0)


def _edges(stream: Stream) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    users = len(stream.users)
    keys, acts = np.unique(stream.actors * users + stream.targets, return_counts=True)
    return keys // users, keys % users, acts.astype(np.float64)


NAIVE: Final[Mapping[str, Callable[[Stream, int], Floats]]] = {
    "count": count,
    "decayed": decayed_count,
    "distinct": distinct,
    "pagerank": pagerank,
}


def measured(stream: Stream, end_ms: int, parameters: Parameters) -> dict[str, Measured]:
    """Return every measure of the stream, the product first."""
    found = {"renown": product(stream, end_ms, parameters)}
    for name, naive in NAIVE.items():
        found[name] = on_the_map(naive(stream, end_ms), parameters)
    return found

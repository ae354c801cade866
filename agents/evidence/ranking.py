"""Ranking metrics that do not depend on the order in which equals happen to stand.

Where a score has ties, each metric is the expectation over all orders of the equals: gains and hits of a
group are shared evenly over the places that the group takes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def _tied(score: Floats) -> tuple[Ints, Ints, Ints]:
    """Return (group of every item, size of every group, first place of every group), best group first."""
    _, group, sizes = np.unique(-score, return_inverse=True, return_counts=True)
    return group, sizes, np.cumsum(sizes) - sizes


def _gained(score: Floats, gain: Floats, depth: int) -> float:
    group, sizes, first = _tied(score)
    discounts = np.zeros(len(score) + 1)
    places = np.arange(min(depth, len(score)))
    discounts[1 : len(places) + 1] = 1.0 / np.log2(places + 2.0)
    total = np.cumsum(discounts)
    total[len(places) + 1 :] = total[len(places)]
    mean_gain = np.bincount(group, gain, len(sizes)) / sizes
    return float((mean_gain * (total[first + sizes] - total[first])).sum())


def ndcg(score: Floats, outcome: Floats, depth: int) -> float:
    """Return NDCG at `depth` with gain log2(1 + outcome) and discount 1/log2(1 + place); nan without outcomes.

    Jarvelin and Kekalainen 2002; ties as McSherry and Najork 2008.

    >>> ndcg(np.array([3.0, 2.0, 1.0]), np.array([3.0, 1.0, 0.0]), 3)
    1.0
    >>> round(ndcg(np.array([1.0, 1.0]), np.array([1.0, 0.0]), 2), 4)  # (1 + 1/log2(3)) / 2
    0.8155
    """
    gain = np.log2(1.0 + outcome)
    best = _gained(outcome, gain, depth)
    return _gained(score, gain, depth) / best if best > 0 else float("nan")


def _share_in_top(score: Floats, depth: int) -> Floats:
    group, sizes, first = _tied(score)
    share: Floats = (np.clip(depth - first, 0, sizes) / sizes)[group]
    return share


def precision(score: Floats, outcome: Floats, depth: int) -> float:
    """Return how many of the first `depth` by score are among the first by outcome, as a share of `depth`.

    Nobody without an outcome counts among the first by outcome; nan without outcomes.

    >>> precision(np.array([4.0, 3.0, 2.0, 1.0]), np.array([9.0, 0.0, 5.0, 1.0]), 2)
    0.5
    """
    depth = min(depth, len(score))
    if not outcome.any():
        return float("nan")
    hits = _share_in_top(score, depth) * _share_in_top(outcome, depth) * (outcome > 0)
    return float(hits.sum() / depth)


def ranks(values: Floats) -> Floats:
    """Return ranks from 1, least first; equals share the mean of their places.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    mean: Floats = np.cumsum(sizes) - (sizes - 1) / 2.0
    return mean[group]


def spearman(one: Floats, other: Floats) -> float:
    """Return Spearman's rank correlation, -1..1; nan when either has no two different values.

    >>> round(spearman(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0])), 12)
    0.5
    """
    x, y = ranks(one) - (len(one) + 1) / 2.0, ranks(other) - (len(other) + 1) / 2.0
    spread = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / spread if spread > 0 else float("nan")


def overlap(one: Ints, other: Ints, persistence: float = 0.98) -> float:
    """Return the extrapolated rank-biased overlap of two rankings of one length, best first, 0..1.

    RBO = X_k/k p^k + (1-p)/p sum_d X_d/d p^d, X_d = items common to both first d (Webber et al. 2010).

    >>> overlap(np.array([1, 2, 3]), np.array([1, 2, 3])), overlap(np.array([1, 2]), np.array([3, 4]))
    (1.0, 0.0)
    """
    depth = len(one)
    if depth == 0:
        return float("nan")
    place = {item: d for d, item in enumerate(other.tolist(), 1)}
    meets = [max(d, place[item]) for d, item in enumerate(one.tolist(), 1) if item in place]
    common = np.cumsum(np.bincount(np.array(meets, np.int64), minlength=depth + 1))[1:]
    d = np.arange(1, depth + 1)
    agreement = common / d
    weighted = (1 - persistence) / persistence * float((agreement * persistence**d).sum())
    return round(weighted + float(agreement[-1]) * persistence**depth, 12)


def first(score: Floats, count: int) -> Ints:
    """Return the indices of the `count` greatest scores, best first; equals in the order of their index.

    >>> first(np.array([1.0, 3.0, 3.0]), 2).tolist()
    [1, 2]
    """
    found: Ints = np.argsort(-score, kind="stable")[:count]
    return found

"""Calibration: from mass to percentile to score, over everybody alike.

A histogram of ln mass in bins of 1/32 octave merges by addition, so all partitions' masses give one map.
p(mass) by linear interpolation of -ln(1-p) over ln mass between 32 knots of fixed p, continued beyond the
last with the tail's slope, below the first y0 mass/x0.  target = 1 + 99 (1 - (1-p)^gamma).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from schemas.calibration import BINS, BINS_PER_OCTAVE, CalibrationMap, Curve, Histogram
from streams.model.parameters import HOUR_S, Parameters
from streams.model.scoring import Reading

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

_KNOTS_P: Final = (
    *(0.005, 0.02, 0.05),
    *(step / 20 for step in range(2, 19)),
    *(0.93, 0.96, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99997, 0.99999),
)
KNOT_DEPTHS: Final[Floats] = -np.log1p(-np.array(_KNOTS_P))
"""-ln(1-p) at the 32 knots: even in p for the many, even in -ln(1-p) for the few."""
STEEPEST_TAIL: Final = 3.0
"""No population thins out faster than mass^-3; a crowd of equals at the top must not make it look so."""
STALE_HOURS: Final = 2
"""A map is renewed once an hour; one that was not for so long has lost a partition."""
_TAIL_FACTOR: Final = float(np.log(8.0))


def counted(masses: Floats, floor: float) -> Counts:
    """Return how many of `masses` fall into each bin; those below `floor`, unscored, into none."""
    scored = masses[masses >= floor]
    bins = np.floor(np.log2(scored / floor) * BINS_PER_OCTAVE).astype(np.int64)
    return np.bincount(np.clip(bins, 0, BINS - 1), minlength=BINS).astype(np.int64)


def sparse(counts: Counts, floor: float) -> Histogram:
    """Return counts i8[BINS] as a histogram, bins without users left out."""
    bins = np.flatnonzero(counts)
    return Histogram(floor, tuple(bins.tolist()), tuple(counts[bins].tolist()))


def histogram(masses: Floats, floor: float) -> Histogram:
    """Return the histogram of `masses` as partitions report it."""
    return sparse(counted(masses, floor), floor)


def merged(histograms: Iterable[Histogram], floor: float) -> Histogram:
    """Return the sum of `histograms`, which must share `floor`."""
    counts = np.zeros(BINS, np.int64)
    for one in histograms:
        if one.floor != floor:
            message = f"histogram with floor {one.floor} among those with {floor}"
            raise ValueError(message)
        np.add.at(counts, np.asarray(one.bins, np.int64), np.asarray(one.counts, np.int64))
    return sparse(counts, floor)


def curve(one: Histogram) -> Curve:
    """Return the knots of a merged histogram; they end where fewer than one user is above."""
    if not one.counts:
        return Curve(one.floor)
    counts = np.asarray(one.counts, np.float64)
    edges = np.log(one.floor) + np.asarray(one.bins) * (np.log(2.0) / BINS_PER_OCTAVE)
    below = np.concatenate(([0.0], np.cumsum(counts)))
    users = below[-1]
    depths = KNOT_DEPTHS[np.log(max(users, 2.0)) >= KNOT_DEPTHS]
    ranks = -np.expm1(-depths) * users
    at = np.clip(np.searchsorted(below, ranks, side="left") - 1, 0, len(counts) - 1)
    inside = (ranks - below[at]) / counts[at]
    ln_mass = edges[at] + inside * (np.log(2.0) / BINS_PER_OCTAVE)
    return Curve(one.floor, tuple(ln_mass.tolist()), tuple(depths.tolist()), _tail_slope(ln_mass, depths))


def _tail_slope(ln_mass: Floats, depths: Floats) -> float:
    """Return the slope over the last eightfold thinning of the population, at most the steepest tail."""
    start = int(np.searchsorted(depths, depths[-1] - _TAIL_FACTOR, side="right")) - 1
    start = min(max(start, 0), len(depths) - 2)
    if start < 0:
        return 1.0
    rise = float(depths[-1] - depths[start])
    return rise / max(float(ln_mass[-1] - ln_mass[start]), rise / STEEPEST_TAIL)


def calibrated(
    influence: Histogram, relationships: Histogram, *, epoch: int, as_of: float, model: str = ""
) -> CalibrationMap:
    """Return the map of an epoch from the merged histograms of both dimensions."""
    users = sum(influence.counts)
    return CalibrationMap(epoch, as_of, users, curve(influence), curve(relationships), model)


def calibrate(reading: Reading, parameters: Parameters, *, epoch: int, as_of: float, model: str = "") -> CalibrationMap:
    """Return the map of a population that is read in one place."""
    floor = parameters.unscored_raw
    influence, relationships = histogram(reading.raw, floor), histogram(reading.relationships, floor)
    return calibrated(influence, relationships, epoch=epoch, as_of=as_of, model=model)


def weighed_at(one: CalibrationMap, at: float) -> float:
    """Return the instant at which masses are weighed at `at` under this map: that of the map.

    A map that is no longer renewed is left behind in steps of an hour, so that no mass grows without end.
    """
    return max(one.as_of, (at // HOUR_S - STALE_HOURS) * HOUR_S)


def depth(masses: Floats, one: Curve) -> Floats:
    """Return -ln(1-p) of every mass, 0 for the unscored."""
    if not one.ln_mass:
        return np.zeros(len(masses))
    x, y = np.asarray(one.ln_mass), np.asarray(one.depth)
    ln_mass = np.log(np.maximum(masses, one.floor))
    inner = np.interp(ln_mass, x, y)
    above = y[-1] + one.tail_slope * (ln_mass - x[-1])
    below = y[0] * np.exp(ln_mass - x[0])
    found = np.where(ln_mass > x[-1], above, np.where(ln_mass < x[0], below, inner))
    return np.where(masses < one.floor, 0.0, found)


def percentile(masses: Floats, one: Curve) -> Floats:
    """Return p, the share of scored users with less mass, in 0..1."""
    return -np.expm1(-depth(masses, one))


def score_of(masses: Floats, one: Curve, parameters: Parameters) -> Floats:
    """Return the target scores of `masses`, 1..100; never less for more mass."""
    return 1.0 - 99.0 * np.expm1(-parameters.gamma * depth(masses, one))

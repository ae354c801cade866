"""Calibration: what every partition reports and the map that turns masses into scores."""

from __future__ import annotations

from typing import Final

import msgspec

CALIBRATION_VERSION: Final = 1
BINS_PER_OCTAVE: Final = 32
OCTAVES: Final = 32
BINS: Final = BINS_PER_OCTAVE * OCTAVES
"""From the least scored mass upwards; 32 octaves end at 4e7, beyond every account there is."""


class Histogram(msgspec.Struct, frozen=True, gc=False):
    """How many users have a mass in each bin; bins without users are left out.

    Bin b holds masses in [floor 2^(b/32), floor 2^((b+1)/32)); the first and last bin also what is beyond.
    Merging is adding: exact, in any order.
    """

    floor: float
    bins: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()


class Curve(msgspec.Struct, frozen=True, gc=False):
    """Knots of -ln(1-p) over ln mass, both strictly increasing; empty = nobody is scored yet.

    Beyond the last knot the curve goes on with `tail_slope`; below the first it is y0 mass/x0.
    """

    floor: float
    ln_mass: tuple[float, ...] = ()
    depth: tuple[float, ...] = ()
    tail_slope: float = 1.0


class CalibrationMap(msgspec.Struct, frozen=True, gc=False):
    """One epoch's map: made from everybody's masses at `as_of` (seconds), the same for all partitions."""

    epoch: int
    as_of: float
    users: int
    influence: Curve
    relationships: Curve
    model: str = ""
    version: int = CALIBRATION_VERSION

"""Compiles every kernel of a worker, or finds it in the cache."""

from __future__ import annotations

import gc

from streams.engine.warm import warm as warm_engine
from streams.model.warm import warm as warm_model
from streams.stages.warm import warm as warm_stages


def warm() -> None:
    """Return when no kernel is left to compile; a worker that compiles in its group would be thrown out of it.

    Nothing of a kernel is ever garbage, so the collector is told to pass it over, now and later.
    """
    gc.disable()
    warm_model()
    warm_engine()
    warm_stages()
    gc.freeze()
    gc.enable()

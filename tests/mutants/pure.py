"""Stands in for `streams/model/compiled.py` in a mutated copy: kernels run as the Python that they are written in.

Kernels read rows by attribute, which numpy offers on record arrays only, and mix 64-bit hashes by overflow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


def _as_records(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.view(np.recarray) if value.dtype.names and not isinstance(value, np.recarray) else value
    if hasattr(value, "slots"):
        return value._replace(slots=_as_records(value.slots))
    return value


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` taking structured arrays as record arrays."""

    @wraps(function)
    def run(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*(_as_records(each) for each in arguments))

    return run

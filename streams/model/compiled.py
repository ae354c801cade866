"""How every kernel is compiled: ahead of its use, without the interpreter's lock, kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def compiled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return `function` compiled by numba: float64 throughout, no fast-math, callable from any thread.

    The on-disk cache knows only the file of `function`; the folder it lies in is named by the digest of all.
    """
    return cast("Callable[Arguments, Result]", njit(cache=True, nogil=True)(function))

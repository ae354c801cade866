"""Live sources, one file each: what `renown collect` can switch on. A new file here is a new source."""

from __future__ import annotations

import importlib
import pkgutil

from agents.ingest.live.contract import Source


def names() -> list[str]:
    """Return the names of all sources: those of the files in this folder."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__))


def source_class(name: str) -> type[Source]:
    """Return the class of the source in `<name>.py`; its docstring says what it takes in."""
    found: type[Source] = importlib.import_module(f"{__name__}.{name}").SOURCE
    return found

"""What the machine must give: open files, a place for temporary files, compiled kernels."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agents.operations.doctor.finding import Finding, fault, well

LEAST_FILES: Final = 4_096
"""Connections of HTTP senders are what takes files."""


def examine() -> Iterator[Finding]:
    """Yield what was found on this machine."""
    yield _files()
    yield _temporary()
    yield _kernels()


def _files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < LEAST_FILES:
        return fault("open files", f"{soft:,} allowed", f"raise the limit: `ulimit -n {LEAST_FILES}` or LimitNOFILE")
    return well("open files", f"{soft:,} allowed")


def _temporary() -> Finding:
    try:
        with tempfile.TemporaryFile() as file:
            file.write(b"1")
    except OSError as error:
        place = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - named, not used
        return fault("temporary files", f"{place}: {error}", "give it a place that can be written: TMPDIR")
    return well("temporary files", tempfile.gettempdir())


def _kernels() -> Finding:
    place = Path(os.environ["NUMBA_CACHE_DIR"])  # set by our own package
    compiled = len(list(place.glob("*/*.nbc")))
    if not compiled:
        remedy = "`python -m agents.warm` compiles them; else the first start takes half a minute longer"
        return fault("kernels", f"none compiled in {place}", remedy)
    return well("kernels", f"{compiled} compiled in {place}")

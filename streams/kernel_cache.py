"""Compiled kernels in a folder that is not ours to write, as a container's image holds them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path


def usable(folder: Path) -> Path:
    """Return `folder`, or when it holds kernels and may not be written, a folder of this process with links to them.

    numba passes over a cache that it cannot write to, and would compile at every start. Through a link it reads
    the file behind it; a kernel that is not there it compiles and keeps beside the links. Without a place for
    temporary files `folder` is returned, and numba refuses when the first kernel is wanted: look-ups want none.
    """
    if not os.access(folder, os.R_OK | os.X_OK) or os.access(folder, os.W_OK):
        return folder
    try:
        own = Path(tempfile.mkdtemp(prefix="renown-kernels-"))
    except FileNotFoundError:
        return folder
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    for file in folder.glob("*/*.nb[ci]"):
        link = own / file.relative_to(folder)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(file)
    return own

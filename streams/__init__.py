"""The computation: weighs engagements, keeps every user's decaying state exactly once, and scores it.

Compiled kernels are cached by a digest of this package's source: the compiler's own cache looks at a kernel's
file only, and would go on using a kernel whose callee in another file has changed.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from streams.kernel_cache import usable


def _source_digest() -> str:
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _kernel_cache() -> Path:
    home = os.environ.get("RENOWN_CACHE") or os.environ.get("XDG_CACHE_HOME")
    base = Path(home) if home else Path.home() / ".cache"
    return base / "renown" / "kernels" / _source_digest()


if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(usable(_kernel_cache()))

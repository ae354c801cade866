"""The facts of the machine and of the libraries that a measurement depends on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import psutil

PACKAGES: Final = ("renown", "faust-streaming", "aiokafka", "numpy", "numba")
CPU_FILE: Final = Path("/proc/cpuinfo")


def machine() -> dict[str, Any]:
    """Return cores, CPU model, memory in bytes, system, Python and the versions of the packages that work."""
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "cpu": _cpu_model(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
    }


def load_average() -> float:
    """Return the load of the last minute: above zero before a measurement, something else is running."""
    return round(float(psutil.getloadavg()[0]), 2)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cpu_model() -> str:
    """Return the CPU's name as the system tells it, else its architecture."""
    if CPU_FILE.exists():
        for line in CPU_FILE.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()

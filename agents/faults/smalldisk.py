"""A disk of a few megabytes, in memory, that a fault may fill; it takes root's rights."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

MOUNT: Final = shutil.which("mount") or "/bin/mount"
UMOUNT: Final = shutil.which("umount") or "/bin/umount"


def mount(folder: Path, size_mb: int) -> None:
    """Put a disk of this size in the place of an empty folder; CalledProcessError when that is not allowed."""
    done = [MOUNT, "-t", "tmpfs", "-o", f"size={size_mb}m", "renown-faults", str(folder)]
    subprocess.run(done, check=True, capture_output=True)


def unmount(folder: Path) -> None:
    """Take a folder's disk away, if it has one."""
    if folder.is_mount():
        subprocess.run([UMOUNT, "--lazy", str(folder)], check=True, capture_output=True)


@cache
def missing() -> str:
    """Return why no small disk can be made here, empty when it can."""
    with tempfile.TemporaryDirectory() as name:
        try:
            mount(Path(name), 1)
        except (OSError, subprocess.CalledProcessError):
            return "mounting a small disk takes root's rights"
        unmount(Path(name))
    return ""

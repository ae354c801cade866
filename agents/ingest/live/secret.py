"""Secrets of sources, from files: several lines while one is being changed for another."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import BadSettingError


def secrets(option: str, path: str) -> list[bytes]:
    """Return the secrets in a file; BadSettingError, which names `option`, without one."""
    if not path:
        raise BadSettingError(option, path, "name a file that holds the secret that both sides know")
    try:
        found = [line for line in Path(path).read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise BadSettingError(option, path, f"cannot be read ({error.strerror})") from error
    if not found:
        raise BadSettingError(option, path, "is empty; write the secret into it")
    return found

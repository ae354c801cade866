"""The keys in force: read anew whenever their file changes, so that revoking needs no restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from agents.access.key import Cause, Key, Purpose, id_in, is_text_of
from agents.access.key_file import KeyFileError, Stamp, read, stamp_of

SCHEME: Final = "bearer"
log = structlog.get_logger()


class KeyRefusedError(Exception):
    """A request's key opens nothing here; holds no part of the key."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class KeyRing:
    """Checks keys against the file at `path`; `now_s` is the wall clock. Raises KeyFileError when it is no good."""

    def __init__(self, path: Path, now_s: Callable[[], float]) -> None:
        self._path = path
        self._now_s = now_s
        self._keys, self._stamp = self._read()

    def names(self) -> set[str]:
        """Return the names that keys bear now."""
        return {key.name for key in self._keys.values()}

    def checked(self, authorization: str, purpose: Purpose) -> Key:
        """Return the key in an Authorization header; raise KeyRefusedError, or KeyFileError while nobody can be let in.

        A file that cannot be read lets nobody in: yesterday's keys may be the ones that were to be revoked.
        Every text is hashed and compared, so that the time of an answer tells nothing.
        """
        self._refresh()
        scheme, _, rest = authorization.strip().partition(" ")
        text = rest.strip()
        own_id = id_in(text) if scheme.lower() == SCHEME else None
        key = None if own_id is None else self._keys.get(own_id)
        same = is_text_of(text, key)
        if not authorization:
            raise KeyRefusedError(Cause.MISSING)
        if own_id is None:
            raise KeyRefusedError(Cause.MALFORMED)
        if key is None:
            raise KeyRefusedError(Cause.UNKNOWN)
        if not same:
            raise KeyRefusedError(Cause.WRONG)
        if not key.is_valid_at(self._now_s()):
            raise KeyRefusedError(Cause.EXPIRED)
        if key.purpose is not purpose:
            raise KeyRefusedError(Cause.PURPOSE)
        return key

    def _refresh(self) -> None:
        try:
            if self._stamp is not None and stamp_of(self._path.stat()) == self._stamp:
                return
            self._keys, self._stamp = self._read()
        except (OSError, KeyFileError) as error:
            if self._stamp is not None:
                log.error("keys cannot be read, nobody is let in", error=str(error))  # noqa: TRY400 - the text says all
            self._keys, self._stamp = {}, None
            raise KeyFileError(str(error)) from error
        log.info("keys read", keys=len(self._keys))

    def _read(self) -> tuple[dict[str, Key], Stamp | None]:
        return read(self._path)

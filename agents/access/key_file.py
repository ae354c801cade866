"""The file of keys: one JSON document that only its owner may change and strangers may not read."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec

from agents.access.key import Key
from schemas.errors import RenownError

MAX_FILE_BYTES: Final = 4 * 1024 * 1024
MOST_KEYS: Final = 1_000
"""Each name is a metric label: a file beyond is refused, so that series stay bounded."""
OWN_MODE: Final = 0o600
FOREIGN_BITS: Final = stat.S_IWGRP | stat.S_IRWXO
"""A group may read, as a mounted secret's group does; nobody but the owner may write, and others see nothing."""


class KeyFileError(RenownError):
    """The file cannot be trusted or read; says why and what to do."""


class Stamp(NamedTuple):
    """What tells one state of a file from another; the inode tells replacements, ctime tells chmod."""

    inode: int
    modified_ns: int
    changed_ns: int
    size: int


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1]
    keys: tuple[Key, ...]


_DECODER: Final = msgspec.json.Decoder(_Document)


def stamp_of(found: os.stat_result) -> Stamp:
    """Return the stamp of a file's state."""
    return Stamp(found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def read(path: Path) -> tuple[dict[str, Key], Stamp]:
    """Return the keys by id and the stamp of what was read; raise KeyFileError."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            _trusted(path, found)
            text = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        remedy = "make it by `renown keys add NAME`, or let this user read it"
        raise KeyFileError(f"keys {path}: {error.strerror}; {remedy}") from error
    return _parsed(path, text), stamp_of(found)


@contextmanager
def changing(path: Path) -> Iterator[dict[str, Key]]:
    """Give the keys to be changed in place, alone, and save them at the end; a missing file is an empty one."""
    with _alone(path.with_name(path.name + ".lock")):
        keys = read(path)[0] if path.exists() else {}
        yield keys
        if len(keys) > MOST_KEYS:
            raise KeyFileError(f"keys {path}: more than {MOST_KEYS} keys; revoke keys that nobody uses")
        _save(path, keys)


def _trusted(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileError(f"keys {path}: not a regular file; name the file that `renown keys add` made")
    if found.st_uid not in {0, os.geteuid()}:
        raise KeyFileError(f"keys {path}: belongs to user {found.st_uid}; must be root's or this user's: chown it")
    if found.st_mode & FOREIGN_BITS:
        shown = oct(stat.S_IMODE(found.st_mode))
        raise KeyFileError(f"keys {path}: mode {shown} lets others in; chmod 600 it (640 for a reading group)")


def _parsed(path: Path, text: bytes) -> dict[str, Key]:
    if len(text) > MAX_FILE_BYTES:
        raise KeyFileError(f"keys {path}: over {MAX_FILE_BYTES} bytes; revoke keys that nobody uses")
    try:
        keys = _DECODER.decode(text).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise KeyFileError(f"keys {path}: {error}; restore it, or make it anew by `renown keys add NAME`") from error
    if len(keys) > MOST_KEYS:
        raise KeyFileError(f"keys {path}: more than {MOST_KEYS} keys; revoke keys that nobody uses")
    by_id = {key.id: key for key in keys}
    if len(by_id) < len(keys):
        raise KeyFileError(f"keys {path}: one id stands there twice; remove one")
    return by_id


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, OWN_MODE)
    except OSError as error:
        raise KeyFileError(f"keys {lock}: {error.strerror}; name a file in a folder that you may write") from error
    with os.fdopen(descriptor, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _save(path: Path, keys: Mapping[str, Key]) -> None:
    """Replace the file in one step; mode and owner stay, or the service could not read it any more."""
    text = msgspec.json.format(msgspec.json.encode(_Document(1, tuple(keys.values()))), indent=1)
    before = path.stat() if path.exists() else None
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, OWN_MODE)
    with os.fdopen(descriptor, "wb") as file:
        if before is not None:
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)

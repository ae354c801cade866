"""Where a source stopped and what it remembers: one SQLite file in the data folder.

A cursor is written after Kafka has acknowledged everything up to it, so a crash repeats and never skips. A file
rather than a topic, because a producer needs no right to read Kafka. Commits are not forced to the disk: they
survive the end of the process, and after a loss of power an older state is whole, which again only repeats.
"""

from __future__ import annotations

import re
import sqlite3
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from schemas.errors import BadSettingError, BrokenGuaranteeError, shown

FORM: Final = 1
KEY_BYTES: Final = 16
_MOST_NAME_CHARS: Final = 100
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS position (
    one INTEGER PRIMARY KEY CHECK (one = 1), feed TEXT NOT NULL, cursor TEXT, at_ms INTEGER
);
CREATE TABLE IF NOT EXISTS memory (number INTEGER PRIMARY KEY, key BLOB UNIQUE NOT NULL, value BLOB NOT NULL);
"""


class State:
    """The state of one feed of one source; a Memory of `most` entries, about 110 bytes each on the disk.

    One process at a time: opening raises BadSettingError while another holds the file, BrokenGuaranteeError when the
    file is damaged.
    """

    def __init__(self, folder: Path, name: str, feed: str, most: int) -> None:
        self.path = path_of(folder, name, feed)
        self._feed, self._most = feed, most
        _make(folder)
        self._db = sqlite3.connect(self.path, timeout=0.0)
        try:
            self._open()
        except sqlite3.OperationalError as error:
            self._db.close()
            remedy = f"cannot be opened ({error}); end the other collector that uses it, or look at the disk"
            raise BadSettingError("collector's state", str(self.path), remedy) from error
        except (sqlite3.DatabaseError, BrokenGuaranteeError) as error:
            self._db.close()
            remedy = "delete it, then start with --cursor where the feed should be taken up"
            raise BrokenGuaranteeError(f"collector's state {self.path} is damaged ({error}); {remedy}") from error

    def __enter__(self) -> Self:
        """Return the state itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file; what was not committed is dropped."""
        self._db.close()

    @property
    def cursor(self) -> str | None:
        """Return where to go on, None = nothing was read yet."""
        cursor: str | None = self._db.execute("SELECT cursor FROM position").fetchone()[0]
        return cursor

    @property
    def at_ms(self) -> int:
        """Return the feed's instant at the cursor, 0 = unknown."""
        at_ms: int | None = self._db.execute("SELECT at_ms FROM position").fetchone()[0]
        return at_ms or 0

    def commit(self, cursor: str | None, at_ms: int) -> None:
        """Make durable that everything up to `cursor` (None = nothing yet) is in Kafka; forget the oldest."""
        self._db.execute("UPDATE position SET cursor = ?, at_ms = ?", (cursor, at_ms))
        self._db.execute("DELETE FROM memory WHERE number <= (SELECT max(number) FROM memory) - ?", (self._most,))
        self._db.commit()

    def revert(self) -> None:
        """Forget what was kept since the last commit: it may belong to frames that never reached Kafka."""
        self._db.rollback()

    def keep(self, key: str, value: bytes) -> None:
        """Remember `value` from the next commit on; what is kept under `key` already stays."""
        self._db.execute("INSERT OR IGNORE INTO memory (key, value) VALUES (?, ?)", (_digest(key), value))

    def kept(self, key: str) -> bytes | None:
        """Return what was kept under `key`, None = nothing, or forgotten."""
        found = self._db.execute("SELECT value FROM memory WHERE key = ?", (_digest(key),)).fetchone()
        return found[0] if found else None

    def _open(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        (form,) = self._db.execute("PRAGMA user_version").fetchone()
        if form not in {0, FORM}:
            raise BrokenGuaranteeError(f"form {form}, this version reads {FORM}")
        self._db.executescript(_SCHEMA + f"PRAGMA user_version = {FORM};")
        self._db.execute("INSERT OR IGNORE INTO position VALUES (1, ?, NULL, NULL)", (self._feed,))
        (feed,) = self._db.execute("SELECT feed FROM position").fetchone()
        if feed != self._feed:
            raise BrokenGuaranteeError(f"it belongs to feed {shown(feed)}, not {shown(self._feed)}")
        self._db.commit()


def path_of(folder: Path, name: str, feed: str) -> Path:
    """Return the file that keeps a feed's state."""
    return folder / f"{_file_name(name, feed)}.db"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettingError("--data", str(folder), f"cannot be made ({error.strerror}); name another") from error


def _file_name(name: str, feed: str) -> str:
    """Return a name that differs for feeds that people tell apart.

    >>> _file_name("mastodon", "https://a.example/@x")
    'mastodon-https-a.example-x'
    """
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", f"{name}-{feed}" if feed else name).strip("-")
    return plain if len(plain) <= _MOST_NAME_CHARS else f"{plain[:_MOST_NAME_CHARS]}-{_digest(feed).hex()}"


def _digest(key: str) -> bytes:
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()

"""How far an interrupted run has brought a file into Kafka, so that the same command goes on there."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from agents.ingest.live.state import State, path_of
from schemas.errors import BadSettingError

NAME: Final = "ingest"
FINGERPRINT_BYTES: Final = 64 * 1024


class Position:
    """The position of one file in one format on its way to one topic, kept in `folder` while it is not at the end.

    A file of the same place whose first bytes differ is another file. Where nothing can be kept, `complaint` says why,
    and the run goes on without: it does not depend on it.
    """

    def __init__(self, folder: Path, path: str, form: str, destination: str) -> None:
        self._folder, self._feed = folder, _feed(path, form, destination)
        self.complaint = ""
        self._state: State | None = None
        if self._feed and path_of(folder, NAME, self._feed).exists():
            self._state = self._opened()
        self.start = int(self._state.cursor or 0) if self._state else 0
        self.kept = self.start

    def reached(self, count: int) -> None:
        """Keep that `count` outcomes after the start are in Kafka, and all before them."""
        if self._state is None and self._feed and not self.complaint:
            self._state = self._opened()
        if self._state is not None:
            self.kept = self.start + count
            self._state.commit(str(self.kept), 0)

    def begin_anew(self) -> None:
        """Forget what was reached."""
        self.start = 0

    def close(self, *, done: bool) -> None:
        """Close the file; when all is in Kafka, remove it."""
        if self._state is not None:
            with self._state:
                pass
            if done:
                self._state.path.unlink(missing_ok=True)

    def _opened(self) -> State | None:
        try:
            return State(self._folder, NAME, self._feed, 0)
        except BadSettingError as error:
            self.complaint = f"an interruption would not be remembered: {error}"
            return None


def _feed(path: str, form: str, destination: str) -> str:
    """Return what tells files and destinations apart, empty for what cannot be read twice."""
    if not Path(path).is_file():
        return ""
    with Path(path).open("rb") as stream:
        fingerprint = blake2b(stream.read(FINGERPRINT_BYTES), digest_size=16).hexdigest()
    return msgspec.json.encode([str(Path(path).resolve()), form, destination, fingerprint]).decode()

"""Suppression: whose events no longer count, known by keyed hashes alone.

Of a user who opted out nothing counts; of one who was forgotten, or came back, nothing that was appended before. So
what is still on its way, and a replay of the whole log, cannot bring back what was deleted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog

from schemas.command import FORGET, LINK, OPT_IN, OPT_OUT, UNLINK, Command, Person, decode_command
from schemas.errors import BadRecordError
from schemas.reasons import Reason
from streams.stages.links import Change, Links

FOR_EVER: Final = np.iinfo(np.int64).max
_log = structlog.get_logger()


@dataclass(slots=True)
class Suppression:
    """What the commands topic says so far; `known` is set once its end was reached.

    `following` is the offset behind the last command read. `deletions` holds (offset, hash) of each command that
    deletes; who leaves takes her accounts along. `newest_at_ms` is when the newest command was appended.
    """

    known: asyncio.Event = field(default_factory=asyncio.Event)
    following: int = 0
    newest_at_ms: int = 0
    links: Links = field(default_factory=Links)
    deletions: list[tuple[int, int]] = field(default_factory=list)
    refused: int = 0
    _until: dict[int, int] = field(default_factory=dict)
    _hashes: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint64))
    _limits: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    _is_sorted: bool = True

    def take(self, offset: int, appended_at_ms: int, value: bytes | None) -> None:
        """Take in one record of the commands topic; what is no command is counted and left out."""
        self.following, self.newest_at_ms = offset + 1, max(self.newest_at_ms, appended_at_ms)
        try:
            command = decode_command(value)
            if command.person is not None:
                self._link(offset, appended_at_ms, command, command.person)
        except BadRecordError as error:
            self.refused += 1
            _log.warning("not a command", offset=offset, error=str(error))
            return
        subject = int(command.subject, 16)
        if command.command in {OPT_OUT, FORGET}:
            for account in self.links.accounts_of(subject):
                self._obey(offset, appended_at_ms, command, account)
            self._obey(offset, appended_at_ms, command, subject)
        elif command.command == OPT_IN:
            self._obey(offset, appended_at_ms, command, subject)
        elif command.command == UNLINK:
            self.links.unlink(offset, subject)

    def is_out(self, hashed: int) -> bool:
        """Whether the one with this key hash has opted out and not come back."""
        return self._until.get(hashed, -1) == FOR_EVER

    def _link(self, offset: int, appended_at_ms: int, command: Command, person: Person) -> None:
        account, whose = int(command.subject, 16), int(person.subject, 16)
        objection = self.links.objection(account, whose, self.is_out)
        if objection is not None:
            raise BadRecordError(Reason.INVALID_FIELD, f"command {LINK}: {objection}")
        self.links.link(Change(offset, account, whose, person.home, person.introduced, appended_at_ms))

    def _obey(self, offset: int, appended_at_ms: int, command: Command, subject: int) -> None:
        before = self._until.get(subject, -1)
        if command.command == OPT_OUT:
            self._until[subject] = FOR_EVER
        elif command.command == FORGET:
            self._until[subject] = max(before, appended_at_ms)
        elif command.command == OPT_IN and before == FOR_EVER:
            self._until[subject] = appended_at_ms
        if command.command in {OPT_OUT, FORGET}:
            self.deletions.append((offset, subject))
            self.links.unlink(offset, subject)
        self._is_sorted = False

    def __bool__(self) -> bool:
        """Whether anybody's events are suppressed."""
        return bool(self._until)

    def drops(self, hashes: np.ndarray, appended_at_ms: np.ndarray) -> np.ndarray:
        """Return which events (b1[n]) do not count: by key hash (u8[n]) of a person and append time (i8[n], ms)."""
        if not self:
            return np.zeros(len(hashes), np.bool_)
        self._sort()
        place = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        found: np.ndarray = (self._hashes[place] == hashes) & (appended_at_ms <= self._limits[place])
        return found

    def _sort(self) -> None:
        """Have the columns say what the commands do: once for all that came since, as a start reads every command."""
        if not self._is_sorted:
            self._hashes = np.array(sorted(self._until), np.uint64)
            self._limits = np.array([self._until[one] for one in sorted(self._until)], np.int64)
            self._is_sorted = True

    def to_delete(self, since: int, following: int = FOR_EVER) -> np.ndarray:
        """Return the hashes (u8[n]) that commands from offset `since` on and before `following` delete."""
        return np.unique(np.array([hash_ for at, hash_ in self.deletions if since <= at < following], np.uint64))

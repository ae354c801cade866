"""Links: which accounts are one person, as the commands say; known by keyed hashes alone.

An account has one person, and a person is nobody's account: chains and circles cannot be. Every worker reads the same
commands and so refuses the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

NOBODY: Final = -1
Introduced = tuple[tuple[int, int], ...]


class Change(NamedTuple):
    """From the command at `offset` on, `account` belongs to `person` (NOBODY = to itself), who lives at `home`."""

    offset: int
    account: int
    person: int
    home: int = 0
    introduced: Introduced = ()
    appended_at_ms: int = 0


class Table:
    """Who belongs to whom after some command; false while nobody does."""

    def __init__(self, person_of: dict[int, int], homes: dict[int, int]) -> None:
        self.homes = homes
        self._accounts = np.array(sorted(person_of), np.uint64)
        self._persons = np.array([person_of[one] for one in sorted(person_of)], np.uint64)

    def __bool__(self) -> bool:
        """Whether anybody is linked."""
        return len(self._accounts) > 0

    def __contains__(self, account: int) -> bool:
        """Whether the account is somebody's."""
        return bool(self.linked(np.array([account], np.uint64))[0])

    def linked(self, hashes: np.ndarray) -> np.ndarray:
        """Return which of `hashes` (u8[n]) are somebody's accounts (b1[n])."""
        if not self:
            return np.zeros(len(hashes), np.bool_)
        found: np.ndarray = self._accounts[self._places(hashes)] == hashes
        return found

    def persons(self, hashes: np.ndarray) -> np.ndarray:
        """Return whom each of `hashes` (u8[n]) counts for (u8[n]): its person, or itself."""
        if not self:
            return hashes
        return np.where(self.linked(hashes), self._persons[self._places(hashes)], hashes)

    def _places(self, hashes: np.ndarray) -> np.ndarray:
        return np.minimum(np.searchsorted(self._accounts, hashes), len(self._accounts) - 1)


@dataclass(slots=True)
class Links:
    """The links so far, and each change with the offset of its command."""

    changes: list[Change] = field(default_factory=list)
    _person_of: dict[int, int] = field(default_factory=dict)
    _tables: dict[int, Table] = field(default_factory=dict)

    def objection(self, account: int, person: int, is_out: Callable[[int], bool]) -> str | None:
        """Return why `account` cannot be linked to `person`, None when it can; repeating a link is no fault."""
        if account == person:
            return "ACCOUNT and PERSON are one id"
        if self._person_of.get(account, person) != person:
            return "ACCOUNT is linked to somebody else; unlink it first"
        if person in self._person_of:
            return "PERSON is itself an account of somebody; link ACCOUNT to that person"
        if account in self._person_of.values():
            return "ACCOUNT has accounts of its own; unlink those first, or link PERSON to it"
        if is_out(account) or is_out(person):
            return "one of them has opted out; opt in first"
        return None

    def link(self, change: Change) -> None:
        """Take in a link to which there is no objection."""
        if self._person_of.get(change.account) != change.person:
            self._person_of[change.account] = change.person
            self.changes.append(change)

    def unlink(self, offset: int, account: int) -> None:
        """End the account's link, if it has one."""
        if account in self._person_of:
            del self._person_of[account]
            self.changes.append(Change(offset, account, NOBODY))

    def person_of(self, account: int) -> int:
        """Return whose account it is, NOBODY when nobody's."""
        return self._person_of.get(account, NOBODY)

    def accounts_of(self, person: int) -> list[int]:
        """Return the accounts of a person."""
        return [account for account, whose in self._person_of.items() if whose == person]

    def between(self, since: int, following: int) -> list[int]:
        """Return the offsets from `since` on and before `following` at which something changed, in order."""
        return sorted({change.offset for change in self.changes if since <= change.offset < following})

    def at(self, offset: int) -> list[Change]:
        """Return what the command at `offset` changed."""
        return [change for change in self.changes if change.offset == offset]

    def table(self, following: int) -> Table:
        """Return who belonged to whom before the command at `following`."""
        count = sum(change.offset < following for change in self.changes) if self.changes else 0
        if count not in self._tables:
            self._tables = {count: _table(self.changes[:count])}
        return self._tables[count]


def _table(changes: Iterable[Change]) -> Table:
    person_of: dict[int, int] = {}
    homes: dict[int, int] = {}
    for change in changes:
        if change.person == NOBODY:
            person_of.pop(change.account, None)
        else:
            person_of[change.account] = change.person
            homes[change.person] = change.home
    return Table(person_of, homes)

"""Scores as readers get them: plain reads of Redis, nothing else needed."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, NamedTuple, cast

from redis.asyncio import Redis

from agents.lookup.gathering import Gathering
from agents.lookup.stored import REBUILD, StoredScore, person_in, stored_day, stored_moments, stored_score
from agents.redis_connection import redis_client
from schemas.errors import BadSettingError, BrokenGuaranteeError, shown
from schemas.redis_keys import RedisKeys
from schemas.score import CONTRACT_VERSION, Moment
from schemas.versions import newer_text

TIMEOUT_S = 5.0
NETWORK_PATTERN = r"[a-z0-9-]{1,32}"


class Ranked(NamedTuple):
    """A place on a leaderboard, counted from 1."""

    rank: int
    score: StoredScore


class Neighbourhood(NamedTuple):
    """A user's place among all: those just above and just below, nearest last and first; `size` counts everybody."""

    size: int
    above: list[Ranked]
    user: Ranked
    below: list[Ranked]


class Day(NamedTuple):
    """The last shown score of a UTC day, YYYY-MM-DD."""

    day: str
    score: float


def connected(url: str, **login: Any) -> Redis:
    """Return a client for reading; failures show at once."""
    return redis_client(url, name="renown-lookup", connect_s=TIMEOUT_S, reply_s=TIMEOUT_S, **login)


class Reader:
    """Reads what the scoring agent wrote under `keys`. Users are valid ids in NFC; an account is read as its person."""

    def __init__(self, redis: Redis, keys: RedisKeys) -> None:
        self._redis = redis
        self._keys = keys
        self._gathering = Gathering(redis)

    async def require_contract(self) -> None:
        """Raise BadSettingError when a newer release has filled this Redis: its hashes may mean something else."""
        meta = self._keys.meta()
        found = await cast("Awaitable[bytes | None]", self._redis.hget(meta, "contract_version"))
        if found is not None and not found.isdigit():
            raise BrokenGuaranteeError(f"Redis {meta} contract_version is {shown(found)}; {REBUILD}")
        contract = int(found or 0)
        if contract > CONTRACT_VERSION:
            remedy = f"{newer_text('contract', contract, CONTRACT_VERSION)}; run that release or a newer one"
            raise BadSettingError(f"Redis {meta} contract_version", contract, remedy)

    async def score(self, user: str) -> StoredScore | None:
        """Return a user's score, None when there is none; reads at the same time share a round trip."""
        fields = await self._gathering.hash(self._keys.user(user))
        person = person_in(fields)
        if person is not None:
            fields = await self._gathering.hash(self._keys.user(person))
        return stored_score(user, fields, person) if fields else None

    async def scores(self, users: Sequence[str]) -> list[StoredScore | None]:
        """Return one score per user in order, None for those without."""
        found = await self._hashes(users)
        persons = {user: person for user, fields in zip(users, found, strict=True) if (person := person_in(fields))}
        if persons:
            found = await self._hashes([persons.get(user, user) for user in users])
        return [
            stored_score(user, fields, persons.get(user)) if fields else None
            for user, fields in zip(users, found, strict=True)
        ]

    async def _hashes(self, users: Sequence[str]) -> list[dict[bytes, bytes]]:
        pipe = self._redis.pipeline(transaction=False)
        for user in users:
            pipe.hgetall(self._keys.user(user))
        found: list[dict[bytes, bytes]] = await pipe.execute()
        return found

    async def _person(self, user: str) -> str | None:
        """Return whose account the user is, None for nobody's."""
        found = await cast("Awaitable[bytes | None]", self._redis.hget(self._keys.user(user), "linked_to"))
        return None if found is None else found.decode()

    async def top(self, count: int, network: str | None = None, *, by_momentum: bool = False) -> list[Ranked]:
        """Return the first `count` of a leaderboard: of everybody, of one network, or by momentum."""
        board = self._keys.top_momentum() if by_momentum else self._keys.top(network)
        members = cast("list[bytes]", await self._redis.zrevrange(board, 0, count - 1))
        users = [member.decode() for member in members]
        scores = await self.scores(users)
        return [Ranked(rank, score) for rank, score in enumerate(scores, 1) if score is not None]

    async def size(self, network: str | None = None) -> int:
        """Return how many people stand on the leaderboard of everybody or of one network."""
        return int(await self._redis.zcard(self._keys.top(network)))

    async def neighbours(self, user: str, each_side: int) -> Neighbourhood | None:
        """Return who stands around a user on the leaderboard of all, None when the user does not."""
        board = self._keys.top()
        rank = cast("int | None", await self._redis.zrevrank(board, user))
        if rank is None:
            person = await self._person(user)
            return None if person is None else await self.neighbours(person, each_side)
        first = max(0, rank - each_side)
        members = cast("list[bytes]", await self._redis.zrevrange(board, first, rank + each_side))
        scores = await self.scores([member.decode() for member in members])
        ranked = [Ranked(first + at, score) for at, score in enumerate(scores, 1) if score is not None]
        own = [each for each in ranked if each.score.user == user]
        if not own:
            return None  # moved away, or left, between two reads
        above = [each for each in ranked if each.rank < own[0].rank]
        below = [each for each in ranked if each.rank > own[0].rank]
        return Neighbourhood(await self.size(), above, own[0], below)

    async def history(self, user: str) -> list[Day]:
        """Return the user's days, oldest first; empty for unknown users."""
        found = cast("dict[bytes, bytes]", await self._redis.hgetall(self._keys.history(user)))
        if not found and (person := await self._person(user)) is not None:
            found = cast("dict[bytes, bytes]", await self._redis.hgetall(self._keys.history(person)))
        return sorted(Day(*stored_day(day, score)) for day, score in found.items())

    async def moments(self, user: str) -> tuple[Moment, ...]:
        """Return the events that weigh most, heaviest first as the score said."""
        found = cast("bytes | None", await self._redis.get(self._keys.why(user)))
        if found is None and (person := await self._person(user)) is not None:
            found = cast("bytes | None", await self._redis.get(self._keys.why(person)))
        return stored_moments(found)

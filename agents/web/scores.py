"""The reading operations: each a request in, a document out. Whatever goes wrong is raised as ProblemError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NoReturn

from aiohttp import web

from agents.access.gate import Caller, OpenGate
from agents.access.key import Purpose
from agents.http.admission import Reception
from agents.http.faults import Fault
from agents.http.problems import ProblemError
from agents.lookup.documents import ranked_document, score_document
from agents.lookup.reader import Reader
from agents.web import queries
from agents.web.answers import History, HistoryDay, Leaderboard, ManyScores, Neighbours
from agents.web.conditional import MAX_AGE_S, answer

USERS: Final = f'{{"users": ["network:id", …]}}, at most {queries.MOST_USERS}'
UNKNOWN: Final = "no score: nothing received yet, or not the id as sent"


@dataclass(slots=True)
class Scores:
    """Handlers over `reader`; `reception` lets callers in."""

    reader: Reader
    reception: Reception
    cache_control: str = field(init=False)

    def __post_init__(self) -> None:
        """Choose who may keep answers: where keys are asked for, only the caller itself."""
        scope = "public" if isinstance(self.reception.gate, OpenGate) else "private"
        self.cache_control = f"{scope}, max-age={MAX_AGE_S}"

    async def one(self, request: web.Request) -> web.Response:
        """Answer with one user's score."""
        queries.asked(request, queries.NoQuery)
        self.admit(request, 1)
        found = await self.reader.score(queries.user_in_path(request))
        if found is None:
            unknown()
        return answer(request, score_document(found), self.cache_control)

    async def many(self, request: web.Request) -> web.Response:
        """Answer with the scores of the users in the query."""
        users = queries.asked(request, queries.ManyQuery).user
        self.admit(request, len(users))
        return await self._many(request, users)

    async def many_posted(self, request: web.Request) -> web.Response:
        """Answer with the scores of the users in the body."""
        queries.asked(request, queries.NoQuery)
        caller = self.reception.caller(request, Purpose.READ)
        users = queries.sent(await self.reception.body(request, caller), queries.ManyBody, USERS).users
        self.reception.charge(caller, len(users))
        return await self._many(request, users)

    async def top(self, request: web.Request) -> web.Response:
        """Answer with the first places of a leaderboard."""
        query = queries.asked(request, queries.TopQuery)
        self.admit(request, query.limit)
        return answer(request, await self.leaderboard(query.network, query.sort, query.limit), self.cache_control)

    async def neighbours(self, request: web.Request) -> web.Response:
        """Answer with who stands around a user."""
        around = queries.asked(request, queries.NeighboursQuery).limit
        self.admit(request, 2 * around + 1)
        found = await self.reader.neighbours(queries.user_in_path(request), around)
        if found is None:
            unknown()
        above, below = map(ranked_document, found.above), map(ranked_document, found.below)
        document = Neighbours(found.size, list(above), ranked_document(found.user), list(below))
        return answer(request, document, self.cache_control)

    async def history(self, request: web.Request) -> web.Response:
        """Answer with a user's days."""
        queries.asked(request, queries.NoQuery)
        self.admit(request, 1)
        user = queries.user_in_path(request)
        days = await self.reader.history(user)
        if not days:
            unknown()
        return answer(request, History(user, [HistoryDay(*each) for each in days]), self.cache_control)

    async def leaderboard(self, network: str | None, sort: str, limit: int) -> Leaderboard:
        """Return the first places; raise ProblemError for a board that is not kept."""
        by_momentum = sort == "momentum"
        if by_momentum and network is not None:
            detail = "no leaderboard by momentum is kept for single networks; leave network or sort out"
            raise ProblemError(HTTPStatus.NOT_FOUND, Fault.BAD_QUERY, detail)
        found = await self.reader.top(limit, network, by_momentum=by_momentum)
        places = [ranked_document(each) for each in found]
        return Leaderboard(network, "momentum" if by_momentum else "raw", await self.reader.size(network), places)

    def admit(self, request: web.Request, scores: int) -> Caller:
        """Return who asks, charged for so many scores."""
        caller = self.reception.caller(request, Purpose.READ)
        self.reception.charge(caller, scores)
        return caller

    async def _many(self, request: web.Request, users: Sequence[str]) -> web.Response:
        wanted = list(map(queries.valid_user, users))
        found = await self.reader.scores(wanted)
        missing = [user for user, score in zip(wanted, found, strict=True) if score is None]
        scores = [score_document(score) for score in found if score is not None]
        return answer(request, ManyScores(scores, missing), self.cache_control)


def unknown() -> NoReturn:
    """Raise the answer for a user of whom nothing is known."""
    raise ProblemError(HTTPStatus.NOT_FOUND, Fault.UNKNOWN, UNKNOWN)

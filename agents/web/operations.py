"""Every operation of the API as data: from this table requests are routed and the documentation is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from agents.lookup.documents import ScoreDocument
from agents.lookup.explanation import ExplanationDocument
from agents.lookup.week import WeeklyReport
from agents.web import answers, queries

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Operation:
    """`name` is the handler's, `meaning` what people read; `problems` are the statuses of its refusals."""

    name: str
    method: str
    path: str
    meaning: str
    answer: Any
    query: type[msgspec.Struct] = queries.NoQuery
    body: type[msgspec.Struct] | None = None
    problems: tuple[int, ...] = ()
    media: str = JSON


_KEYED: Final = (400, 401, 429, 500, 503)
_OF_USER: Final = (*_KEYED, 404)
USER: Final = "/v1/scores/{user}"
OPERATIONS: Final = (
    Operation("one", "GET", USER, "One user's score.", ScoreDocument, problems=_OF_USER),
    Operation(
        "many", "GET", "/v1/scores", "Scores of several users.", answers.ManyScores, queries.ManyQuery, problems=_KEYED
    ),
    Operation(
        "many_posted",
        "POST",
        "/v1/scores",
        "Scores of up to 1,000 users.",
        answers.ManyScores,
        body=queries.ManyBody,
        problems=(*_KEYED, 408, 413, 415),
    ),
    Operation(
        "top",
        "GET",
        "/v1/top",
        "The first places of a leaderboard.",
        answers.Leaderboard,
        queries.TopQuery,
        problems=(*_KEYED, 404),
    ),
    Operation(
        "neighbours",
        "GET",
        f"{USER}/neighbours",
        "Who stands just above and below.",
        answers.Neighbours,
        queries.NeighboursQuery,
        problems=_OF_USER,
    ),
    Operation(
        "history", "GET", f"{USER}/history", "The score day by day, 90 days back.", answers.History, problems=_OF_USER
    ),
    Operation(
        "explanation",
        "GET",
        f"{USER}/explanation",
        "Why the score is what it is.",
        ExplanationDocument,
        problems=_OF_USER,
    ),
    Operation("week", "GET", f"{USER}/report", "The last seven days.", WeeklyReport, problems=_OF_USER),
    Operation(
        "stream",
        "GET",
        "/v1/changes",
        "Live changes of a user or, without `user`, of a leaderboard, as server-sent events. `data` of an event "
        "`score` is a ScoreDocument, of `top` a Leaderboard, of `gone` an object with the user who has no score. "
        "Send the last `id` back as Last-Event-ID.",
        str,
        queries.ChangesQuery,
        problems=(*_KEYED, 404),
        media=EVENTS,
    ),
)

"""Every operation of the API as data: from this table requests are routed and the documentation is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from agents.access.key import Purpose
from agents.lookup.documents import ScoreDocument
from agents.lookup.explanation import ExplanationDocument
from agents.lookup.week import WeeklyReport
from agents.web import answers, queries

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Operation:
    """`name` is the handler's, `meaning` what people read; `problems` are the statuses of its refusals.

    `example` is a body; `purpose` is the key's, and only what is for reading is open where no keys are asked for.
    """

    name: str
    method: str
    path: str
    meaning: str
    answer: Any
    query: type[msgspec.Struct] = queries.NoQuery
    body: type[msgspec.Struct] | None = None
    example: Mapping[str, Any] | None = None
    problems: tuple[int, ...] = ()
    media: str = JSON
    status: HTTPStatus = HTTPStatus.OK
    purpose: Purpose = Purpose.READ


_KEYED: Final = (400, 401, 429, 500, 503)
_OF_USER: Final = (*_KEYED, 404)
_BODIED: Final = (*_KEYED, 408, 413, 415)
USER: Final = "/v1/scores/{user}"
DEPARTURES: Final = "/v1/departures"
LINKS: Final = "/v1/links"
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
        example={"users": ["github:torvalds", "github:gvanrossum"]},
        problems=_BODIED,
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
    Operation(
        "depart",
        "POST",
        DEPARTURES,
        "Have a user leave, return or be forgotten; the command stands once it is answered, and may be sent again.",
        answers.Asked,
        queries.CommandQuery,
        body=queries.DepartureBody,
        example={"user": "github:torvalds", "command": "opt_out"},
        problems=(*_BODIED, 403),
        status=HTTPStatus.ACCEPTED,
        purpose=Purpose.STEWARD,
    ),
    Operation(
        "link",
        "POST",
        LINKS,
        "Have an account be one of a person's, or nobody's; the command stands once it is answered.",
        answers.Linked,
        queries.CommandQuery,
        body=queries.LinkBody,
        example={"account": "mastodon:ann@example.social", "person": "github:ann"},
        problems=(*_BODIED, 403, 409),
        status=HTTPStatus.ACCEPTED,
        purpose=Purpose.STEWARD,
    ),
)

"""What may be asked for: the query and body of each operation as types, from which requests are read and documented."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import msgspec
from aiohttp import web

from agents.departures import Name
from agents.http.faults import Fault
from agents.http.problems import ProblemError
from agents.lookup.reader import NETWORK_PATTERN
from schemas.engagement import UserId
from schemas.errors import BadRecordError, shown
from schemas.identifiers import user_id

MOST_USERS: Final = 1_000
MOST_IN_QUERY: Final = 50
"""The whole line of a request is bounded, too: 4,096 bytes."""
MOST_PLACES: Final = 1_000
MOST_AROUND: Final = 50
MOST_WATCHED: Final = 50
_FIELDS_LIMIT: Final = MOST_IN_QUERY + 10
_USER_SEGMENT: Final = 3
"""Of /v1/scores/{user}, counted in what stands between slashes."""
LONGEST_WAIT_S: Final = 30
T = TypeVar("T", bound=msgspec.Struct)

Network = Annotated[str, msgspec.Meta(pattern=f"^{NETWORK_PATTERN}$", description="only people of this network")]


class BadQueryError(ProblemError):
    """What was asked for makes no sense; says what to send."""

    def __init__(self, detail: str) -> None:
        super().__init__(HTTPStatus.BAD_REQUEST, Fault.BAD_QUERY, detail)


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to choose."""


class ManyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Users, each as one `user=`; a long list goes into a POST."""

    user: Annotated[list[UserId], msgspec.Meta(min_length=1, max_length=MOST_IN_QUERY)]


class ManyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Users by their ids."""

    users: Annotated[list[UserId], msgspec.Meta(min_length=1, max_length=MOST_USERS)]


class DepartureBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who leaves or returns: `opt_out` deletes and drops what comes, `opt_in` ends that, `forget` only deletes."""

    user: UserId
    command: Name


class LinkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose account it is from now on; nobody's with `person` null."""

    account: UserId
    person: UserId | None


class CommandQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the answer may wait for the command to be obeyed."""

    wait: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_WAIT_S, description="seconds")] = 0


class TopQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which leaderboard; only the one by raw is kept for single networks."""

    network: Network | None = None
    sort: Annotated[Literal["raw", "momentum"], msgspec.Meta(description="influence, or who is rising now")] = "raw"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_PLACES)] = 10


class NeighboursQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many people on each side."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_AROUND)] = 5


class ChangesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose changes: one user's, or without `user` those of a leaderboard."""

    user: UserId | None = None
    network: Network | None = None
    sort: Literal["raw", "momentum"] = "raw"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_WATCHED)] = 10


def asked(request: web.Request, kind: type[T]) -> T:
    """Return the request's query as `kind`; raise BadQueryError for unknown names and values out of range."""
    text = request.rel_url.raw_query_string
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_LIMIT) if text else []
        return msgspec.convert(_fields(pairs, kind), kind, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(kind.__struct_fields__) or "none"
        raise BadQueryError(f"query: {error}; it takes {known}: see /openapi.json") from error
    except (UnicodeDecodeError, ValueError) as error:
        raise BadQueryError(f"query: {error!s:.120}; send UTF-8, percent-encoded") from error


def _fields(pairs: list[tuple[str, str]], kind: type[msgspec.Struct]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if kind is ManyQuery and name == "user":
            found.setdefault(name, []).append(value)
        elif name in found:
            raise BadQueryError(f"query: {shown(name)} stands there twice; send it once")
        else:
            found[name] = value
    return found


def sent(body: bytes, kind: type[T], remedy: str) -> T:
    """Return the body as `kind`; raise BadQueryError with `remedy` when it is none."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BadQueryError(f"body: {error!s:.200}; send {remedy}") from error


def user_in_path(request: web.Request) -> str:
    """Return the user named by the path, in NFC; raise BadQueryError when it is no user id.

    Read from the path as it was sent: a framework's decoding would leave bytes that are no UTF-8 half decoded.
    """
    segment = request.rel_url.raw_path.split("/")[_USER_SEGMENT]
    try:
        return valid_user(unquote_to_bytes(segment).decode())
    except UnicodeDecodeError as error:
        raise BadQueryError(f"user {shown(segment)}: not UTF-8; percent-encode the id's UTF-8 bytes") from error


def valid_user(user: str) -> str:
    """Return the id in NFC; raise BadQueryError when it is none."""
    try:
        return user_id(user).decode()
    except BadRecordError as error:
        raise BadQueryError(error.detail) from error

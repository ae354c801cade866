"""Mastodon by its streaming API (https://docs.joinmastodon.org/methods/streaming), server-sent events.

| stream `user`: what concerns the token's account | kind    | towards                  | id ends in         |
|--------------------------------------------------|---------|--------------------------|--------------------|
| notification favourite                           | like    | author of the post       | `#like:<acct>`     |
| notification reblog                              | share   | author of the post       | `#share:<acct>`    |
| notification mention, quote                      | what its post says, as below                          |||
| streams `public`, `public:local`: every post     |         |                          |                    |
| a boost                                          | share   | author of the post       | `#share:<acct>`    |
| a post in reply to somebody whom it mentions     | reply   | that person              | `#reply`           |
| … that quotes, where that was accepted           | share   | author of the quoted     | `#quote`           |
| … that mentions                                  | mention | whom it names            | `#mention:<acct>`  |
| delete                                           | undo of each of the post's acts, with their ids       |||

Ids begin with the post's address, `mastodon:<uri>`, the same on every server; people are `mastodon:name@domain`. One
post speaks to a person once: reply before quote before mention. Posts that not everybody may see are passed over.

After a cut, what came between is asked for by the REST API, from the cursor (the last id); posts from elsewhere may
come late, so from OVERLAP_MS before it. Nobody tells of a favourite taken back, of a boost taken back to its author,
nor of deletions during a cut. A deletion names no acts, so they are remembered; its instant is that of its arrival.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec

from agents.ingest.live.answers import checked
from agents.ingest.live.contract import FeedError, Frame, Memory, Reading, option
from agents.ingest.live.secret import secrets
from agents.ingest.live.sse import server_events
from agents.ingest.outcomes import Outcome, Refused, outcome_of
from schemas.errors import BadRecordError, BadSettingError, shown
from schemas.instants import epoch_ms
from schemas.reasons import Reason
from streams.clock import wall_ms

NOTIFICATION, UPDATE, DELETE = "notification", "update", "delete"
STREAMS: Final = {"user": "user", "public": "public", "public:local": "public/local"}
OVERLAP_MS: Final = 300_000
SNOWFLAKE_SHIFT: Final = 16
"""A post's id is its instant in ms, shifted by so much."""
PAGE: Final = 40
MOST_MENTIONS: Final = 64
OPEN_TO_ALL: Final = frozenset({"public", "unlisted"})
_TYPES: Final = ("favourite", "reblog", "mention", "quote")


class _Account(msgspec.Struct, gc=False):
    id: str
    acct: str
    url: str


class _Quote(msgspec.Struct, gc=False):
    state: str = ""
    quoted_status: _Status | None = None


class _Status(msgspec.Struct):
    id: str
    uri: str
    created_at: str
    visibility: str
    account: _Account
    mentions: list[_Account] = []
    in_reply_to_account_id: str | None = None
    reblog: _Status | None = None
    quote: _Quote | None = None


class _Notification(msgspec.Struct):
    id: str
    type: str
    created_at: str
    account: _Account | None = None
    status: _Status | None = None


class _Said(NamedTuple):
    """One act: its id, its kind, who, towards whom."""

    id: str
    kind: str
    actor: str
    target: str


_NOTIFICATION: Final = msgspec.json.Decoder(_Notification)
_STATUS: Final = msgspec.json.Decoder(_Status)
_KEPT: Final = msgspec.json.Decoder(list[_Said])
_PAGE: Final = msgspec.json.Decoder(list[msgspec.Raw])


class _Identified(msgspec.Struct, gc=False):
    id: str


@dataclass(frozen=True)
class Mastodon:
    """Favourites, boosts, quotes, replies and mentions of a Mastodon account, or of all posts that a server sees."""

    server: str = option("", "The server's address, https://….")
    stream: str = option("user", f"{', '.join(STREAMS)}: the token's account, all posts, those of the server.")
    token_file: str = option("", "File with an access token, scope read; needed for `user`.")
    streaming: str = option("", "Address of the streaming service, where it is not the server's.")
    silence_s: float = option(60.0, "A connection silent for so long is given up.", at_least=0.1)
    remember: int = option(500_000, "Posts remembered, so that their deletion can be told.", at_least=0)

    @property
    def feed(self) -> str:
        """Return whose ids these are."""
        return f"{self.server} {self.stream}"

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002 - one server
        """Yield what came since the cursor, then the stream, each led by its event; raise when it breaks off."""
        path = self._path()
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal()):
            raise BadSettingError("--cursor", cursor, "send the id of a notification, or of a post for public streams")
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=self.silence_s)
        async with aiohttp.ClientSession(headers=self._headers(), timeout=timeout) as session:
            address = f"{(self.streaming or self.server).rstrip('/')}/api/v1/streaming/{path}"
            async with session.get(address) as stream:
                checked(stream, "--token-file")
                async with aclosing(self._missed(session, cursor)) as missed:
                    async for frame in missed:
                        yield frame
                async for event in server_events(stream.content.iter_any()):
                    if event.name != UPDATE or self.stream != "user":
                        yield Frame(_lead(event.name) + event.data)
                raise FeedError(f"{address} closed the connection")

    def read(self, raw: bytes, memory: Memory) -> Reading:
        """Return what one event says; one that breaks Mastodon's form is refused whole."""
        lead, _, data = raw.partition(b"\n")
        try:
            return self._read(lead.decode("ascii", "replace"), data, memory, raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"{shown(data)}: {str(error)[:80]}; not an event of Mastodon's"
            return Reading([Refused(BadRecordError(Reason.UNDECODABLE, detail), 0, raw)])
        except BadRecordError as error:
            return Reading([Refused(error, 0, raw)])

    def _read(self, lead: str, data: bytes, memory: Memory, raw: bytes) -> Reading:
        event, _, arrived = lead.partition(" ")
        if event == DELETE:
            kept, at = memory.kept(data.decode()), epoch_ms(int(arrived) if arrived.isdecimal() else arrived)
            return Reading(_outcomes(_KEPT.decode(kept) if kept else [], at, raw, undo=True))
        if event == UPDATE:
            status = _STATUS.decode(data)
            at, said = epoch_ms(status.created_at), _kept(status, memory)
            return Reading(_outcomes(said, at, raw, upon=(status.reblog or status).uri), status.id, at)
        if event == NOTIFICATION:
            told = _NOTIFICATION.decode(data)
            at = epoch_ms(told.created_at)
            return Reading(_told(told, at, memory, raw), told.id, at)
        return Reading()

    def _path(self) -> str:
        if self.stream not in STREAMS:
            raise BadSettingError("--stream", self.stream, f"send one of {', '.join(STREAMS)}")
        if not self.server.startswith(("https://", "http://")):
            raise BadSettingError("--server", self.server, "send the server's address, https://…")
        return STREAMS[self.stream]

    def _headers(self) -> dict[str, str]:
        if not self.token_file and self.stream != "user":
            return {}
        try:
            return {"Authorization": f"Bearer {secrets('--token-file', self.token_file)[0].decode('ascii')}"}
        except UnicodeDecodeError as error:
            raise BadSettingError("--token-file", self.token_file, "holds no access token") from error

    async def _missed(self, session: aiohttp.ClientSession, cursor: str | None) -> AsyncGenerator[Frame, None]:
        """Yield what the REST API has after the cursor, oldest first; nothing without a cursor."""
        event = NOTIFICATION if self.stream == "user" else UPDATE
        after = cursor
        if cursor is not None and event == UPDATE:
            after = str(max(0, int(cursor) - (OVERLAP_MS << SNOWFLAKE_SHIFT)))
        while after is not None:
            found = await self._page(session, after)
            for each in reversed(found):
                yield Frame(_lead(event) + bytes(each))
            newest = max((int(_identified(each)) for each in found), default=0)
            after = str(newest) if newest > int(after) else None

    async def _page(self, session: aiohttp.ClientSession, after: str) -> list[msgspec.Raw]:
        asked = [("min_id", after), ("limit", str(PAGE))]
        if self.stream == "user":
            address, asked = "/api/v1/notifications", [*asked, *(("types[]", each) for each in _TYPES)]
        else:
            address = "/api/v1/timelines/public"
            asked += [("local", "true")] if self.stream == "public:local" else []
        async with session.get(f"{self.server.rstrip('/')}{address}", params=asked) as answer:
            checked(answer, "--token-file")
            try:
                return _PAGE.decode(await answer.read())
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise FeedError(f"{address}: {error}") from error


SOURCE = Mastodon


def _lead(event: str) -> bytes:
    """Return the first line of a frame: the event, and of a deletion its arrival."""
    return f"{event} {wall_ms()}\n".encode() if event == DELETE else f"{event}\n".encode()


def _identified(raw: msgspec.Raw) -> str:
    try:
        found = msgspec.json.decode(raw, type=_Identified).id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return "0"
    return found if found.isascii() and found.isdecimal() else "0"


def _told(told: _Notification, at_ms: int, memory: Memory, raw: bytes) -> list[Outcome]:
    """Return what a notification says."""
    status = told.status
    if told.type not in _TYPES or status is None or told.account is None or status.visibility not in OPEN_TO_ALL:
        return []
    if told.type in {"mention", "quote"}:
        return _outcomes(_kept(status, memory), epoch_ms(status.created_at), raw, upon=status.uri)
    kind, actor = ("like" if told.type == "favourite" else "share"), _person(told.account)
    said = _Said(f"mastodon:{status.uri}#{kind}:{actor}", kind, actor, _person(status.account))
    return _outcomes([said], at_ms, raw, upon=status.uri)


def _kept(status: _Status, memory: Memory) -> list[_Said]:
    """Return what a post says, remembered for its deletion."""
    said = list(_said(status)) if status.visibility in OPEN_TO_ALL else []
    if said:
        memory.keep(status.id, msgspec.json.encode(said))
    return said


def _said(status: _Status) -> Iterator[_Said]:
    """Yield the acts of a post, at most one towards each person, none towards its author."""
    actor, start = _person(status.account), f"mastodon:{status.uri}"
    if (boosted := status.reblog) is not None:
        if (author := _person(boosted.account)) != actor:
            yield _Said(f"mastodon:{boosted.uri}#share:{actor}", "share", actor, author)
        return
    addressed = {actor}
    for ending, kind, person in _addressed(status):
        if person not in addressed:
            addressed.add(person)
            yield _Said(f"{start}#{ending}", kind, actor, person)


def _addressed(status: _Status) -> Iterator[tuple[str, str, str]]:
    named = status.mentions[:MOST_MENTIONS]
    for each in named:
        if each.id == status.in_reply_to_account_id:
            yield "reply", "reply", _person(each)
    quote = status.quote
    if quote is not None and quote.state == "accepted" and quote.quoted_status is not None:
        yield "quote", "share", _person(quote.quoted_status.account)
    for each in named:
        yield f"mention:{_person(each)}", "mention", _person(each)


def _person(account: _Account) -> str:
    """Return name@domain: accounts of the server itself are named without theirs."""
    name, _, domain = account.acct.partition("@")
    return f"{name}@{domain or urlsplit(account.url).netloc}".lower()


def _outcomes(
    said: list[_Said], at_ms: int, raw: bytes, upon: str | None = None, *, undo: bool = False
) -> list[Outcome]:
    shared = {"occurred_at": at_ms, "object": f"mastodon:{upon}" if upon else None, "undo": undo or None}
    return [
        outcome_of(
            shared | {"id": i, "kind": kind, "actor": f"mastodon:{actor}", "target": f"mastodon:{target}"}, 0, raw
        )
        for i, kind, actor, target in said
    ]

"""Bluesky by Jetstream (https://github.com/bluesky-social/jetstream), whose frames are JSON over a websocket.

| record                                 | kind    | towards                   | id ends in     |
|----------------------------------------|---------|---------------------------|----------------|
| app.bsky.feed.like                     | like    | author of the subject     |                |
| app.bsky.feed.repost                   | share   | author of the subject     |                |
| app.bsky.feed.post with reply          | reply   | author of the parent      | `#reply`       |
| … with embed.record(WithMedia), a post | share   | author of the quoted post | `#quote`       |
| … with facet#mention                   | mention | whom it names             | `#mention:did` |
| deletion of any of these               | undo of each of its acts, with their ids             ||

Ids begin with the record's address, `bsky:at://did/collection/rkey`; no record key can hold a `#`.
One post speaks to a person once: reply before quote before mention. A deletion names no target, so acts are
remembered (`remember` of them, the oldest forgotten first); the deletion of a forgotten one is passed over.

`occurred_at` is the feed's `time_us`, not the record's `createdAt`: that is what a client claims, and acts dated
back would buy tenure. Hosts differ in `time_us` by seconds, so every connection begins OVERLAP_US before the cursor.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, NamedTuple

import aiohttp
import msgspec

from agents.ingest.live.contract import FeedError, Frame, Memory, Reading, option
from agents.ingest.live.packed import unpacker_of
from agents.ingest.outcomes import Outcome, Refused, outcome_of
from schemas.engagement import MAX_OCCURRED_AT_MS
from schemas.errors import BadRecordError, BadSettingError, shown
from schemas.reasons import Reason

HOSTS: Final = tuple(
    f"wss://jetstream{n}.us-{coast}.bsky.network/subscribe" for coast in ("east", "west") for n in (1, 2)
)
LIKE, REPOST, POST = "app.bsky.feed.like", "app.bsky.feed.repost", "app.bsky.feed.post"
DICTIONARY: Final = Path(__file__).parent / "jetstream" / "zstd_dictionary"
OVERLAP_US: Final = 10_000_000
LATEST_US: Final = MAX_OCCURRED_AT_MS * 1000
MOST_FRAME_BYTES: Final = 1 << 20
MOST_MENTIONS: Final = 64
"""A post of 300 letters has no room for more."""
PING_S: Final = 20.0
CLOSE_S: Final = 0.5
QUOTING: Final = frozenset({"app.bsky.embed.record", "app.bsky.embed.recordWithMedia"})


class _Commit(msgspec.Struct, gc=False):
    operation: str
    collection: str
    rkey: str
    record: msgspec.Raw = msgspec.Raw()


class _Event(msgspec.Struct, gc=False):
    did: str
    time_us: Annotated[int, msgspec.Meta(ge=0, le=LATEST_US)]
    kind: str
    commit: _Commit | None = None


class _Reference(msgspec.Struct, gc=False):
    uri: str


class _Pointing(msgspec.Struct, gc=False):
    """A like or a repost."""

    subject: _Reference


class _Reply(msgspec.Struct, gc=False):
    parent: _Reference


class _Embed(msgspec.Struct, gc=False):
    type: str = msgspec.field(default="", name="$type")
    record: msgspec.Raw = msgspec.Raw()


class _Nested(msgspec.Struct, gc=False):
    record: _Reference


class _Feature(msgspec.Struct, gc=False):
    type: str = msgspec.field(default="", name="$type")
    did: str = ""


class _Facet(msgspec.Struct, gc=False):
    features: list[_Feature] = []


class _Post(msgspec.Struct, gc=False):
    reply: _Reply | None = None
    embed: _Embed | None = None
    facets: list[_Facet] | None = None


class _Said(NamedTuple):
    """One act of a record: what its id ends in, its kind, towards which DID, upon which object."""

    ending: str
    kind: str
    target: str
    object: str | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_POINTING: Final = msgspec.json.Decoder(_Pointing)
_POST: Final = msgspec.json.Decoder(_Post)
_KEPT: Final = msgspec.json.Decoder(list[tuple[str, str, str]])


@dataclass(frozen=True)
class Bluesky:
    """Likes, reposts, replies, quotes and mentions of all of Bluesky, deletions too, by Jetstream."""

    continuous_s: ClassVar[float] = 60.0
    host: tuple[str, ...] = option(HOSTS, "A Jetstream server's address; several: the next one when one fails.")
    compress: bool = option(False, "Take frames compressed by zstd with Jetstream's dictionary: about half the bytes.")
    silence_s: float = option(30.0, "A connection silent for so long is given up.", at_least=0.1)
    remember: int = option(2_000_000, "Acts remembered, so that their deletion can be told.", at_least=0)

    @property
    def feed(self) -> str:
        """Return nothing: cursors are instants, good on every host."""
        return ""

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:
        """Yield the frames of one host, from a little before `cursor`; raise when it closes, fails or falls silent."""
        address = self.host[attempt % len(self.host)]
        closing = aiohttp.ClientWSTimeout(ws_close=CLOSE_S)
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=10.0))
        async with (
            session,
            session.ws_connect(
                address,
                params=_asked(cursor, compress=self.compress),
                timeout=closing,
                heartbeat=PING_S,
                max_msg_size=2 * MOST_FRAME_BYTES,
                decode_text=False,
            ) as socket,
        ):
            unpack = unpacker_of(DICTIONARY, MOST_FRAME_BYTES) if self.compress else None
            while True:
                message = await socket.receive(self.silence_s)
                if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                    raise FeedError(f"{address} closed the connection ({socket.close_code})")
                packed = unpack is not None and message.type == aiohttp.WSMsgType.BINARY
                yield Frame(unpack(message.data) if unpack and packed else message.data)

    def read(self, raw: bytes, memory: Memory) -> Reading:
        """Return the acts of one frame; a frame that breaks Jetstream's form is refused whole."""
        try:
            event = _EVENT.decode(raw)
            acts = list(_acts(event, memory))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"{shown(raw)}: {str(error)[:80]}; not a Jetstream frame"
            return Reading([Refused(BadRecordError(Reason.UNDECODABLE, detail), 0, raw)])
        except BadRecordError as error:
            return Reading([Refused(error, 0, raw)], *_place(event))
        outcomes: list[Outcome] = [outcome_of(act, 0, raw) for act in acts]
        return Reading(outcomes, *_place(event))


SOURCE = Bluesky


def _asked(cursor: str | None, *, compress: bool = False) -> list[tuple[str, str]]:
    asked = [("wantedCollections", name) for name in (LIKE, REPOST, POST)]
    asked += [("maxMessageSizeBytes", str(MOST_FRAME_BYTES)), *([("compress", "true")] if compress else [])]
    if cursor is None:
        return asked
    if not (cursor.isascii() and cursor.isdecimal()):
        raise BadSettingError("--cursor", cursor, "send microseconds since 1970, as Jetstream's time_us")
    return [*asked, ("cursor", str(max(0, int(cursor) - OVERLAP_US)))]


def _place(event: _Event) -> tuple[str, int]:
    return str(event.time_us), event.time_us // 1000


def _acts(event: _Event, memory: Memory) -> Iterator[dict[str, Any]]:
    commit = event.commit
    if commit is None or commit.collection not in {LIKE, REPOST, POST}:
        return
    uri = f"at://{event.did}/{commit.collection}/{commit.rkey}"
    shared = {"actor": f"bsky:{event.did}", "occurred_at": event.time_us // 1000}
    if commit.operation == "delete":
        kept = memory.kept(uri)
        for ending, kind, target in _KEPT.decode(kept) if kept else ():
            yield shared | {"id": f"bsky:{uri}{ending}", "kind": kind, "target": f"bsky:{target}", "undo": True}
    elif commit.operation == "create":
        said = list(_said(commit))
        if said:
            memory.keep(uri, msgspec.json.encode([each[:3] for each in said]))
        for ending, kind, target, upon in said:
            act = {"id": f"bsky:{uri}{ending}", "kind": kind, "target": f"bsky:{target}"}
            yield shared | act | ({"object": f"bsky:{upon}"} if upon else {})


def _said(commit: _Commit) -> Iterator[_Said]:
    """Yield the acts of a new record; of a post at most one towards each person."""
    if commit.collection != POST:
        subject = _POINTING.decode(commit.record).subject.uri
        yield _Said("", "like" if commit.collection == LIKE else "share", _author(subject), subject)
        return
    addressed: set[str] = set()
    for said in _of_post(_POST.decode(commit.record)):
        if said.target not in addressed:
            addressed.add(said.target)
            yield said


def _of_post(post: _Post) -> Iterator[_Said]:
    parent = post.reply.parent.uri if post.reply else None
    if parent is not None:
        yield _Said("#reply", "reply", _author(parent), parent)
    quoted = _quoted(post.embed)
    if quoted is not None:
        yield _Said("#quote", "share", _author(quoted), quoted)
    features = (feature for facet in post.facets or () for feature in facet.features)
    named = dict.fromkeys(f.did for f in features if f.type == "app.bsky.richtext.facet#mention")
    for did in list(named)[:MOST_MENTIONS]:
        yield _Said(f"#mention:{did}", "mention", did, parent)


def _quoted(embed: _Embed | None) -> str | None:
    """Return the address of the quoted post; lists, feeds and starter packs are shown, not quoted."""
    if embed is None or embed.type not in QUOTING:
        return None
    if embed.type == "app.bsky.embed.record":
        uri = msgspec.json.decode(embed.record, type=_Reference).uri
    else:
        uri = msgspec.json.decode(embed.record, type=_Nested).record.uri
    return uri if f"/{POST}/" in uri else None


def _author(uri: str) -> str:
    """Return whose record `uri` names; BadRecordError for what is not `at://did:…/…`."""
    did = uri.removeprefix("at://").partition("/")[0]
    if not (uri.startswith("at://did:") and did.count(":") > 1):
        raise BadRecordError(Reason.INVALID_FIELD, f"{shown(uri)}: not the address of a record, at://did:…")
    return did

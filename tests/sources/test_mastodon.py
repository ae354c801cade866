"""What Mastodon's events become, and how its server is asked."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.live.contract import FeedError, Forgetful, Memory, Reading
from agents.ingest.live.sse import MOST_BYTES, ServerEvent, server_events
from agents.ingest.outcomes import Ready, Refused
from agents.sources.mastodon import MOST_MENTIONS, OVERLAP_MS, Mastodon
from schemas.errors import BadSettingError
from schemas.kinds import KINDS
from schemas.reasons import Reason
from tests.sources.feeds.mastodon import TOKEN, events, notification, responses
from tests.sources.test_bluesky import Remembering

HOST = "localhost:3000"
TEST, TEST_2, ADMIN = (f"mastodon:{name}@{HOST}" for name in ("mastodonpy_test", "mastodonpy_test_2", "admin"))
AT_S = 1_785_578_400


def read(event: str, data: Any, memory: Memory | None = None) -> Reading:
    text = data if isinstance(data, str) else json.dumps(data)
    lead = f"{event} {AT_S}000" if event == "delete" else event
    return Mastodon().read(f"{lead}\n{text}".encode(), memory or Forgetful())


def said(event: str, data: Any, memory: Memory | None = None) -> list[tuple[str, str, str, str, bool]]:
    acts = [each.act for each in read(event, data, memory).outcomes if isinstance(each, Ready)]
    return [
        (a.id.decode().rpartition("/")[2], KINDS[a.kind], a.actor.decode(), a.target.decode(), a.undo) for a in acts
    ]


def test_a_recorded_account_s_stream_says_who_spoke_to_it() -> None:
    """A mention for all to see; the direct messages after it are nobody's business; the deletion takes nothing back."""
    memory = Remembering()
    told = [one for name, data in events("test_stream_user_direct.user") for one in said(name, data, memory)]
    assert told == [
        (f"117024236408130890#mention:mastodonpy_test@{HOST}", "mention", ADMIN, TEST, False),
    ]
    direct = [data["status"] for _, data in events("test_stream_user_direct.user") if "status" in data][1]
    assert direct["visibility"] == "direct"
    opened = direct | {"visibility": "public"}
    assert said("update", opened) == [("117024236635443611#reply", "reply", TEST_2, TEST, False)]


def test_a_recorded_answer_quote_and_boost() -> None:
    """As they stand in a server's public streams."""
    (reply,) = (each for each in responses("test_status_reply") if each.get("in_reply_to_id") and "content" in each)
    assert said("update", reply) == [("117020583258292382#reply", "reply", ADMIN, TEST_2, False)]
    (quote,) = (each for each in responses("test_status_post_with_quote") if each.get("quote") and "content" in each)
    assert said("update", quote) == []  # its author's own post
    other = {"id": "9", "acct": "Ann@Example.org", "url": "https://social.example.org/@Ann"}
    quote["quote"]["quoted_status"]["account"] |= other
    assert said("update", quote) == [("117020582925004921#quote", "share", TEST, "mastodon:ann@example.org", False)]
    quote["quote"]["state"] = "pending"
    assert said("update", quote) == []
    boost = next(each for each in responses("test_status_reblog_unreblog") if each.get("reblog"))
    assert said("update", boost) == []
    boost["account"] |= other
    assert said("update", boost) == [
        ("117020586019094258#share:ann@example.org", "share", "mastodon:ann@example.org", TEST, False)
    ]


def test_favourites_and_boosts_are_notified_to_the_author() -> None:
    """A boost has the same id in a notification as in a stream."""
    for kind, word in (("favourite", "like"), ("reblog", "share")):
        assert said("notification", notification(kind, 5, AT_S)) == [
            (f"5#{word}:admin@{HOST}", word, ADMIN, TEST, False)
        ]
    for kind in ("follow", "poll", "status", "admin.report"):
        assert read("notification", notification(kind, 5, AT_S)).outcomes == []


def test_a_post_speaks_to_a_person_once_and_never_to_its_author() -> None:
    """The strongest word counts."""
    status = copy.deepcopy(notification("mention", 5, AT_S)["status"])
    (named,) = status["mentions"]
    author = {name: status["account"][name] for name in ("id", "acct", "url")}
    status |= {"in_reply_to_account_id": named["id"], "mentions": [named, named, author]}
    assert [each[:2] for each in said("update", status)] == [("5#reply", "reply")]
    assert len(read("update", status).outcomes) == 1
    status["mentions"] = [named | {"id": str(n), "acct": f"p{n}"} for n in range(1_000)]
    assert len(said("update", status)) == MOST_MENTIONS


@pytest.mark.parametrize("visibility", ["private", "direct", "limited"])
def test_what_is_not_for_everybody_is_passed_over(visibility: str) -> None:
    """A letter to a friend is nobody's influence, and its address nobody's business."""
    found = notification("mention", 5, AT_S)
    found["status"]["visibility"] = visibility
    assert read("notification", found).outcomes == read("update", found["status"]).outcomes == []
    found["type"] = "favourite"
    assert read("notification", found).outcomes == []


def test_a_deletion_takes_back_each_act_of_its_post() -> None:
    """It names none; the undo must say whose act, of what kind, towards whom, under the same id."""
    memory, status = Remembering(), notification("mention", 5, AT_S)["status"]
    done, undone = (read(*each, memory).outcomes for each in (("update", status), ("delete", status["id"])))
    for did, undid in zip(done, undone, strict=True):
        assert isinstance(did, Ready)
        assert isinstance(undid, Ready)
        assert undid.act.undo
        for name in ("id", "kind", "actor", "target"):
            assert getattr(did.act, name) == getattr(undid.act, name)
    assert len(undone) == 1
    assert read("delete", status["id"]).outcomes == []


@given(st.data())
def test_no_damage_to_a_real_frame_ends_the_reader(data: st.DataObject) -> None:
    """A refusal holds the frame as it came."""
    frames = [f"{name}\n{json.dumps(each)}" for name, each in events("test_stream_user_direct.user")]
    frames += [f"notification\n{json.dumps(notification('favourite', 5, AT_S))}", f"delete {AT_S}\n5"]
    raw = bytearray(data.draw(st.sampled_from(frames)).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    for outcome in Mastodon().read(bytes(raw), Remembering()).outcomes:
        assert isinstance(outcome, Ready) or outcome.value == bytes(raw)


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@given(st.lists(st.integers(0, 70), max_size=6))
async def test_events_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    """A network delivers as it likes; an event that breaks off is none."""
    text = b":)\nevent: update\r\ndata: {\r\ndata:  1}\r\n\r\n:thump\n\ndata: x\n\nevent: y\n\ndata: torn"
    places = [0, *sorted(cuts), len(text)]
    chunks = [text[a:b] for a, b in pairwise(places)]
    found = [each async for each in server_events(_chunks(*chunks))]
    assert found == [ServerEvent("update", b"{\n 1}"), ServerEvent("message", b"x")]


@pytest.mark.parametrize(
    "text", [b"data: " + b"x" * MOST_BYTES + b"x\n\n", b"data: x\n" * (MOST_BYTES // 7 + 2), b"x" * (MOST_BYTES + 2)]
)
async def test_an_endless_event_breaks_the_connection(text: bytes) -> None:
    """Memory is bounded, whatever a server sends."""
    with pytest.raises(FeedError):
        _ = [each async for each in server_events(_chunks(text))]


class Server:
    """A server that notes what it is asked and answers as the test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.status, self.headers, self.pages = 200, dict[str, str](), list[bytes]()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer anything."""
        self.asked.append((request.path, dict(request.query)))
        if "streaming" in request.path:
            return web.Response(status=self.status, headers=self.headers, body=b"event: update\ndata: {}\n\n")
        return web.Response(body=self.pages.pop(0) if self.pages else b"[]")


@asynccontextmanager
async def _serving() -> AsyncIterator[tuple[Server, str]]:
    server, app = Server(), web.Application()
    app.router.add_get("/{any:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield server, "http://{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


async def _frames(source: Mastodon, cursor: str | None) -> list[bytes]:
    """Return the frames of one connection, up to its end."""
    found: list[bytes] = []
    async with aclosing(source.frames(cursor, 0)) as frames:
        try:
            async for frame in frames:
                found.append(frame.raw)  # noqa: PERF401 - what came before the error counts
        except FeedError:
            return found
    raise AssertionError("a stream never ends of itself")


async def test_what_was_missed_is_asked_for_page_by_page_and_comes_first(tmp_path: Path) -> None:
    """Oldest first, so that the cursor never passes what was not read; posts from elsewhere may come late."""
    async with _serving() as (server, address):
        server.pages = [b'[{"id":"9"},{"id":"8"}]', b'[{"id":"10"}]']
        cursor = str(AT_S * 1000 << 16)
        frames = await _frames(Mastodon(address, "public:local"), cursor)
        assert frames == [b'update\n{"id":"8"}', b'update\n{"id":"9"}', b"update\n{}"]
        assert server.asked[0] == ("/api/v1/streaming/public/local", {})
        first = {"min_id": str(AT_S * 1000 - OVERLAP_MS << 16), "limit": "40", "local": "true"}
        assert server.asked[1] == ("/api/v1/timelines/public", first)
        (tmp_path / "token").write_text(TOKEN)
        server.pages, server.asked = [b'[{"id":"9"},{"id":"8"}]', b'[{"id":"10"}]'], []
        frames = await _frames(Mastodon(address, token_file=str(tmp_path / "token")), "7")
        assert [each.rpartition(b":")[2] for each in frames] == [b'"8"}', b'"9"}', b'"10"}']
        assert [asked["min_id"] for path, asked in server.asked if "notifications" in path] == ["7", "9", "10"]
        assert await _frames(Mastodon(address, "public"), None) == [b"update\n{}"]


async def test_a_page_that_does_not_go_forward_ends_the_asking() -> None:
    """A server that ignores min_id must not be asked for ever."""
    async with _serving() as (server, address):
        server.pages = [b'[{"id":"3"},{"id":"x"},{"no":1}]'] * 9
        await asyncio.wait_for(_frames(Mastodon(address, "public"), "5"), 10)
        assert len(server.asked) < 4


async def test_a_server_s_refusals_say_what_to_do() -> None:
    """A wrong token is the operator's to mend; a limit is waited for as long as the server says."""
    reset = (datetime.now(UTC) + timedelta(seconds=100)).isoformat()
    async with _serving() as (server, address):
        for status in (401, 403):
            server.status = status
            with pytest.raises(BadSettingError, match="--token-file"):
                await anext(Mastodon(address, "public").frames(None, 0))
        server.status = 429
        for headers, least in (({"X-RateLimit-Reset": reset}, 90.0), ({"Retry-After": "7"}, 7.0), ({}, 0.0)):
            server.headers = headers
            with pytest.raises(FeedError) as caught:
                await anext(Mastodon(address, "public").frames(None, 0))
            assert least <= caught.value.wait_s <= least + 11
    for wrong in (
        Mastodon(),
        Mastodon("https://a.example", "home"),
        Mastodon("https://a.example"),
        Mastodon("a.example", "public"),
    ):
        with pytest.raises(BadSettingError):
            await anext(wrong.frames(None, 0))
    with pytest.raises(BadSettingError, match="--cursor"):
        await anext(Mastodon("https://a.example", "public").frames("x", 0))


def test_a_broken_event_is_refused_whole() -> None:
    """Each with what an operator can judge by."""
    for event, data, reason in (
        ("update", "{}", Reason.UNDECODABLE),
        ("notification", "[]", Reason.UNDECODABLE),
        ("update", json.dumps(responses("test_status_reply")[2] | {"created_at": "yesterday"}), Reason.INVALID_FIELD),
    ):
        (refused,) = read(event, data).outcomes
        assert isinstance(refused, Refused)
        assert (refused.error.reason, refused.value) == (reason, f"{event}\n{data}".encode())
    assert read("announcement", "whatever").outcomes == ()

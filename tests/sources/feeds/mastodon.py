"""A Mastodon server on this machine: recorded notifications over server-sent events, and what was missed by REST."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from aiohttp import web

from deploy.local.state import StackState
from tests.sources.feeds.feed import Told

RECORDED = Path(__file__).parents[2] / "recorded" / "mastodon"
TOKEN = "an-access-token"  # noqa: S105 - opens nothing
ITEMS, FIRST_ID = 60, 100
CUT_AFTER = (5, 11)
"""Events sent on the first connections before each is cut, by turns at an event's end and in its middle."""
MISSED = 3
PAGE = 7


class Item(NamedTuple):
    """One event: its name, its data, the notification's id (0 = none) and what must become of it."""

    name: str
    data: bytes
    id: int
    told: Sequence[Told]


def responses(name: str) -> list[dict[str, Any]]:
    """Return the recorded responses of one test."""
    return [each["response"] for each in json.loads((RECORDED / f"{name}.json").read_bytes())]


def events(name: str) -> list[tuple[str, dict[str, Any] | str]]:
    """Return the events of a recorded stream, read off independently."""
    text = (RECORDED / f"{name}.sse.txt").read_text()
    found = re.findall(r"^event: (\S+)\ndata: (.*)$", text, re.MULTILINE)
    return [(event, json.loads(data) if data.startswith("{") else data) for event, data in found]


def notification(kind: str, number: int, at_s: float) -> dict[str, Any]:
    """Return a notification like the recorded one, about a post of its own."""
    (found,) = copy.deepcopy(responses("test_notifications")[1])
    at = datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
    found |= {"id": str(number), "type": kind, "created_at": at}
    found["status"] |= {"id": str(1000 + number), "created_at": at, "uri": f"http://localhost:3000/statuses/{number}"}
    if kind in {"favourite", "reblog"}:
        found["status"]["account"] = found["status"]["account"] | {"acct": "mastodonpy_test", "id": "5"}
    return found


def _ending(kind: str) -> str:
    endings = {"favourite": "like:admin", "reblog": "share:admin", "mention": "mention:mastodonpy_test"}
    return f"#{endings[kind]}@localhost:3000"


def _items() -> list[Item]:
    """Return notifications of three kinds; a post of whom the account follows, which does not concern it; and near
    the end, once nothing is cut, two deletions.
    """
    start_s, items = time.time() - 1_000, []
    for at in range(ITEMS):
        kind, number = ("mention", "favourite", "reblog")[at % 3], FIRST_ID + at
        data = json.dumps(notification(kind, number, start_s + at)).encode()
        told = (f"mastodon:http://localhost:3000/statuses/{number}{_ending(kind)}", False)
        items.append(Item("notification", data, number, [told]))
    lost = items[48]
    home = json.dumps(notification("mention", FIRST_ID + ITEMS, start_s)["status"]).encode()
    items.insert(3, Item("update", home, 0, []))
    items += [Item("delete", str(1000 + lost.id).encode(), 0, [(lost.told[0][0], True)]), Item("delete", b"7", 0, [])]
    return items


class Feed:
    """The feed of an account; what happens while nobody is connected is to be had by REST alone."""

    ends = False
    cursors = True

    def __init__(self, folder: Path, stack: StackState) -> None:  # noqa: ARG002 - every feed is given one
        self._token = folder / "token"
        self._token.write_text(TOKEN + "\n")
        self._items = _items()
        whole = self._items[0].data
        self._broken = (whole[: len(whole) // 2], whole.replace(b'"id"', b'"id\xff"', 1), b"[]")
        self.garbage: Sequence[bytes] = [b"notification\n" + each for each in self._broken]
        self.asked: list[str | None] = []
        self._connections = self._sent = self._until = 0

    @property
    def arguments(self) -> Sequence[str]:
        """Lead here."""
        return ["--server", f"http://127.0.0.1:{self._port}", "--token-file", str(self._token)]

    def told(self, after: str | None = None) -> set[Told]:
        """Return what must arrive."""
        return {one for item in self._items if not item.id or item.id > int(after or 0) for one in item.told}

    def middle(self) -> str:
        """Return a notification's id."""
        return str(FIRST_ID + ITEMS // 2)

    def release(self, share: float) -> None:
        """Let events happen."""
        self._until = int(len(self._items) * share)

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application()
        app.router.add_get("/api/v1/streaming/user", self._stream)
        app.router.add_get("/api/v1/notifications", self._page)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        await self._runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        """Answer as Mastodon does: those next after min_id, the newest first."""
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        least = int(request.query["min_id"])
        if self.asked[-1] is None:
            self.asked[-1] = request.query["min_id"]
        found = [each.data for each in self._items[: self._until] if each.id > least][:PAGE]
        return web.Response(body=b"[%b]" % b",".join(reversed(found)), content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        number, self._connections = self._connections, self._connections + 1
        self.asked.append(None)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        left = CUT_AFTER[number] if number < len(CUT_AFTER) else len(self._items)
        self._sent += MISSED if number else 0
        with contextlib.suppress(ConnectionError):  # the collector may be gone
            await stream.write(b":)\n")
            while left:
                if self._sent >= self._until:
                    await stream.write(b":thump\n")
                    await asyncio.sleep(0.02)
                    continue
                await self._event(stream, self._items[self._sent], garbage=number == 0)
                self._sent, left = self._sent + 1, left - 1
            if number % 2:
                await stream.write(b"event: notification\ndata: {")
        if request.transport is not None:
            request.transport.close()
        return stream

    async def _event(self, stream: web.StreamResponse, item: Item, *, garbage: bool) -> None:
        """Send one event, some twice, and on the first connection garbage before each."""
        if garbage and self._sent < len(self._broken):
            await stream.write(b"event: notification\ndata: %b\n\n" % self._broken[self._sent])
        for _ in range(2 if item.id % 7 == 0 else 1):
            await stream.write(b"event: %b\r\ndata: %b\r\n\r\n" % (item.name.encode(), item.data))

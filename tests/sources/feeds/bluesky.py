"""A Jetstream server on this machine: recorded frames, stamped anew so that they lie a second apart."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from aiohttp import WSMsgType, web
from backports import zstd

from agents.sources.bluesky import DICTIONARY
from deploy.local.state import StackState
from tests.sources.feeds.feed import Told

RECORDED = Path(__file__).parents[2] / "recorded" / "bluesky" / "frames.jsonl"
CUT_AFTER = (5, 60, 11)
"""Frames sent on the first connections before each is cut, by turns without and with a close frame."""
ALICE, BEN, CHLOE = (f"did:plc:{letter * 24}" for letter in "abc")
POST = "app.bsky.feed.post"


def post(rkey: str, **record: Any) -> dict[str, Any]:
    """Return a new post of Alice's in Jetstream's form."""
    record = {"$type": POST, "createdAt": "2026-07-04T14:38:08.420Z", "text": "", **record}
    commit = {"rev": rkey, "operation": "create", "collection": POST, "rkey": rkey, "record": record, "cid": "bafy"}
    return {"did": ALICE, "time_us": 0, "kind": "commit", "commit": commit}


def deletion(rkey: str, collection: str = POST) -> dict[str, Any]:
    """Return the deletion of one of Alice's records."""
    commit = {"rev": rkey, "operation": "delete", "collection": collection, "rkey": rkey}
    return {"did": ALICE, "time_us": 0, "kind": "commit", "commit": commit}


def uri(did: str, rkey: str, collection: str = POST) -> str:
    """Return the address of a record."""
    return f"at://{did}/{collection}/{rkey}"


def reference(address: str) -> dict[str, str]:
    """Return a reference to a record."""
    return {"cid": "bafy", "uri": address}


def mention(*dids: str) -> dict[str, Any]:
    """Return a facet that names people."""
    named = [{"$type": "app.bsky.richtext.facet#mention", "did": did} for did in dids]
    return {"index": {"byteStart": 0, "byteEnd": 3}, "features": named}


REPLY = post("r1", reply={"root": reference(uri(BEN, "p1")), "parent": reference(uri(BEN, "p1"))})
QUOTE = post(
    "q1", embed={"$type": "app.bsky.embed.record", "record": reference(uri(BEN, "p2"))}, facets=[mention(CHLOE)]
)
POSTS = (REPLY, QUOTE, deletion("r1"), deletion("never-seen"))
POSTS_TOLD: tuple[Told, ...] = (
    (f"bsky:{uri(ALICE, 'r1')}#reply", False),
    (f"bsky:{uri(ALICE, 'q1')}#quote", False),
    (f"bsky:{uri(ALICE, 'q1')}#mention:{CHLOE}", False),
    (f"bsky:{uri(ALICE, 'r1')}#reply", True),
)


def compressed(frame: bytes) -> bytes:
    """Return a frame as Jetstream sends it to who asks for compression; some servers may not know how."""
    return zstd.compress(frame, zstd_dict=zstd.ZstdDict(DICTIONARY.read_bytes()))


def recorded() -> list[dict[str, Any]]:
    """Return the recorded frames."""
    return [json.loads(line) for line in RECORDED.read_bytes().splitlines()]


def _told(frame: dict[str, Any]) -> list[Told]:
    """Return what a recorded frame must become, read off independently: likes and reposts of others."""
    commit = frame.get("commit", {})
    if commit.get("operation") != "create" or "feed" not in commit["collection"]:
        return []
    if commit["record"]["subject"]["uri"].startswith(f"at://{frame['did']}/"):
        return []
    return [(f"bsky:{uri(frame['did'], commit['rkey'], commit['collection'])}", False)]


class Feed:
    """The feed: real likes and reposts, made-up posts among them, then damaged frames, each in its place."""

    ends = False
    cursors = True

    def __init__(self, folder: Path, stack: StackState) -> None:  # noqa: ARG002 - every feed is given them
        real = recorded()
        half = len(real) // 2
        frames = [*real[:half], *POSTS, *real[half:]]
        self._start_us = (int(time.time()) - 2 * len(frames)) * 1_000_000
        self._frames = [
            (self._us(at), json.dumps(frame | {"time_us": self._us(at)}).encode()) for at, frame in enumerate(frames)
        ]
        self._told = [_told(frame) for frame in real]
        self._told[half:half] = [[POSTS_TOLD[0]], list(POSTS_TOLD[1:3]), [POSTS_TOLD[3]], []]
        whole = self._frames[3][1]
        self.garbage: Sequence[bytes] = (
            whole[: len(whole) // 2],
            whole.replace(b"did:plc", b"did\xff\xfeplc", 1),
            b"[]",
        )
        self.asked: list[str | None] = []
        self._until = 0

    def _us(self, at: int) -> int:
        return self._start_us + at * 1_000_000

    @property
    def arguments(self) -> Sequence[str]:
        """Lead to this server, by way of one that is not there."""
        here = f"ws://127.0.0.1:{self._port}/subscribe"
        return ["--compress", "--host", "ws://127.0.0.1:9/subscribe", "--host", here]

    def told(self, after: str | None = None) -> set[Told]:
        """Return what must arrive, given that a connection may begin before the cursor."""
        least = 0 if after is None else int(after)
        return {one for (us, _), told in zip(self._frames, self._told, strict=True) if us > least for one in told}

    def middle(self) -> str:
        """Return the cursor of the middle."""
        return str(self._us(len(self._frames) // 2))

    def release(self, share: float) -> None:
        """Let frames go."""
        self._until = int(len(self._frames) * share)

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application()
        app.router.add_get("/subscribe", self._subscribe)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything."""
        await self._runner.cleanup()

    async def _subscribe(self, request: web.Request) -> web.WebSocketResponse:
        number = len(self.asked)
        self.asked.append(request.query.get("cursor"))
        assert request.query["compress"] == "true"
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        left = CUT_AFTER[number] if number < len(CUT_AFTER) else len(self._frames) + 1
        at = next((i for i, (us, _) in enumerate(self._frames) if us >= int(self.asked[number] or 0)), 0)
        with contextlib.suppress(ConnectionError):  # the collector may be gone
            while left and not socket.closed:
                if at >= self._until:
                    await asyncio.sleep(0.02)
                    continue
                await self._sent(socket, at, packed=number != 1)
                at, left = at + 1, left - 1
        if not left and number % 2 and request.transport is not None:
            request.transport.abort()
        await socket.close()
        return socket

    async def _sent(self, socket: web.WebSocketResponse, at: int, *, packed: bool) -> None:
        """Send one frame, every seventh twice, and garbage before every twentieth."""
        frames = [self._frames[at][1]] * (2 if at % 7 == 0 else 1)
        if at % 20 == 0 and at // 20 < len(self.garbage):
            frames.insert(0, self.garbage[at // 20])
        for frame in frames:
            if packed:
                await socket.send_frame(compressed(frame), WSMsgType.BINARY)
            else:
                await socket.send_frame(frame, WSMsgType.TEXT)

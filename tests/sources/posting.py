"""A service as a collector of webhooks sees it: signed posts, sent again until they are taken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

from aiohttp import ClientError, ClientSession, ClientTimeout

from deploy.local import ports
from tests.sources.feeds.feed import Told

TAKEN = (200, 202)


class Post(NamedTuple):
    """One post: where, with which headers, which bytes, and what must become of it."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    told: Sequence[Told] = ()


class Posting:
    """The feed; every seventh post comes twice, some are damaged though signed, some are nobody's, some break off."""

    ends = False
    cursors = False

    def __init__(self, posts: Sequence[Post], damaged: Sequence[Post], unsigned: Post) -> None:
        self.port = ports.pick()
        self.asked: list[str | None] = []
        self._posts, self._damaged, self._unsigned = posts, damaged, unsigned
        self._until = 0

    def told(self, after: str | None = None) -> set[Told]:  # noqa: ARG002 - there are no cursors
        """Return what must arrive."""
        return {one for post in self._posts for one in post.told}

    def middle(self) -> str:
        """Return nothing: who posts has no cursor."""
        return ""

    def release(self, share: float) -> None:
        """Let posts go."""
        self._until = int(len(self._posts) * share)

    async def __aenter__(self) -> Self:
        """Begin to post."""
        self._posting = asyncio.get_running_loop().create_task(self._post_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        """End."""
        self._posting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._posting

    async def _post_all(self) -> None:
        async with ClientSession(timeout=ClientTimeout(total=15)) as session:
            for number, post in enumerate(self._posts):
                while number >= self._until:  # noqa: ASYNC110 - the test lets go from outside
                    await asyncio.sleep(0.02)
                if number < len(self._damaged):
                    await self._taken(session, self._damaged[number])
                    await self._broken_off(post.path)
                    assert await self._posted(session, self._unsigned) == 401
                for _ in range(2 if number % 7 == 0 else 1):
                    await self._taken(session, post)

    async def _taken(self, session: ClientSession, post: Post) -> None:
        """Post until it is taken, as services do, or an operator who redelivers."""
        while await self._posted(session, post) not in TAKEN:  # noqa: ASYNC110 - nobody tells when it is back
            await asyncio.sleep(0.05)

    async def _posted(self, session: ClientSession, post: Post) -> int:
        url = f"http://127.0.0.1:{self.port}{post.path}"
        try:
            async with session.post(url, data=post.body, headers=post.headers) as answer:
                return answer.status
        except (ClientError, OSError):
            return 0

    async def _broken_off(self, path: str) -> None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{".encode())
        writer.close()

"""GitHub as a collector sees it: signed posts of recorded payloads, sent again until they are answered with 2xx."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from aiohttp import ClientError, ClientSession, ClientTimeout

from deploy.local import ports
from tests.sources.feeds.feed import Told

RECORDED = Path(__file__).parents[2] / "recorded" / "github"
SECRET = b"a secret that both sides know"
GUEST = {"login": "octocat", "id": 583231}
COMMENTS = 30


class Delivery(NamedTuple):
    """One post: which event, under which id, in which bytes."""

    event: str
    id: str
    body: bytes


def payload(event: str, action: str = "created") -> dict[str, Any]:
    """Return a recorded payload; all of its acts are its owner's own."""
    name = "payload.json" if event == "fork" else f"{action}.payload.json"
    found: dict[str, Any] = json.loads((RECORDED / event / name).read_bytes())
    return found


def by_guest(found: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a payload in which somebody else than the owner is the person at `path`."""
    found = copy.deepcopy(found)
    place = found
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = place[path[-1]] | GUEST
    return found


def signature(body: bytes, secret: bytes = SECRET) -> str:
    """Return what GitHub sends as X-Hub-Signature-256."""
    return "sha256=" + hmac.new(secret, body, "sha256").hexdigest()


def headers(delivery: Delivery, secret: bytes = SECRET) -> dict[str, str]:
    """Return the headers of a post."""
    return {
        "X-GitHub-Event": delivery.event,
        "X-GitHub-Delivery": delivery.id,
        "X-Hub-Signature-256": signature(delivery.body, secret),
    }


def _scripted() -> list[tuple[str, dict[str, Any], list[Told]]]:
    """Return events, payloads and what must become of each."""
    star = by_guest(payload("star"), "sender")
    star_id = f"github:star:{GUEST['id']}:{star['repository']['id']}"
    fork = payload("fork")
    found: list[tuple[str, dict[str, Any], list[Told]]] = [
        ("star", star, [(star_id, False)]),
        ("watch", payload("watch", "started"), []),
        ("fork", fork, [(f"github:fork:{fork['forkee']['id']}", False)]),
        ("issue_comment", payload("issue_comment"), []),
    ]
    for number in range(COMMENTS):
        comment = by_guest(payload("issue_comment"), "comment", "user")
        comment["comment"] |= {"id": number, "body": "thanks @hubot" if number % 2 else "thanks"}
        ident = f"github:issue_comment:{number}"
        found.append(("issue_comment", comment, [(ident, False)] + [(f"{ident}:mention:hubot", False)] * (number % 2)))
    gone = by_guest(payload("star", "deleted"), "sender")
    return [*found, ("star", gone, [(star_id, True)])]


class Feed:
    """The feed; every seventh post comes twice, some are damaged though signed, some are nobody's, some break off."""

    ends = False
    cursors = False

    def __init__(self, folder: Path) -> None:
        self._secret = folder / "secret"
        self._secret.write_bytes(SECRET + b"\n")
        self._port = ports.pick()
        script = _scripted()
        self._told = [told for _, _, told in script]
        self._sent = [
            Delivery(event, f"d-{number}", json.dumps(body).encode()) for number, (event, body, _) in enumerate(script)
        ]
        whole = self._sent[0].body
        bodies = (whole[: len(whole) // 2], whole.replace(b"Codertocat", b"Coder\xff\xfecat"), b"[]")
        self._damaged = [Delivery("star", f"g-{number}", body) for number, body in enumerate(bodies)]
        self.asked: list[str | None] = []
        self._until = 0

    @property
    def garbage(self) -> Sequence[bytes]:
        """Return the damaged frames: event and id lead the body."""
        return [f"{each.event} {each.id}\n".encode() + each.body for each in self._damaged]

    @property
    def arguments(self) -> Sequence[str]:
        """Listen where this feed posts."""
        return ["--secret-file", str(self._secret), "--port", str(self._port)]

    def told(self, after: str | None = None) -> set[Told]:  # noqa: ARG002 - there are no cursors
        """Return what must arrive."""
        return {one for told in self._told for one in told}

    def middle(self) -> str:
        """Return nothing: who posts has no cursor."""
        return ""

    def release(self, share: float) -> None:
        """Let posts go."""
        self._until = int(len(self._sent) * share)

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
            for number, delivery in enumerate(self._sent):
                while number >= self._until:  # noqa: ASYNC110 - the test lets go from outside
                    await asyncio.sleep(0.02)
                if number < len(self._damaged):
                    await self._accepted(session, self._damaged[number])
                    await self._broken_off()
                    assert await self._posted(session, delivery, b"not the secret") == 401
                for _ in range(2 if number % 7 == 0 else 1):
                    await self._accepted(session, delivery)

    async def _accepted(self, session: ClientSession, delivery: Delivery) -> None:
        """Post until it is taken, as an operator redelivers."""
        while await self._posted(session, delivery, SECRET) != 202:  # noqa: ASYNC110 - nobody tells when it is back
            await asyncio.sleep(0.05)

    async def _posted(self, session: ClientSession, delivery: Delivery, secret: bytes) -> int:
        url = f"http://127.0.0.1:{self._port}/github"
        try:
            async with session.post(url, data=delivery.body, headers=headers(delivery, secret)) as answer:
                return answer.status
        except (ClientError, OSError):
            return 0

    async def _broken_off(self) -> None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return
        writer.write(b"POST /github HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

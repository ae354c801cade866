"""GitHub as a collector sees it: signed posts of recorded payloads, sent again until they are answered with 2xx."""

from __future__ import annotations

import copy
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deploy.local.state import StackState
from tests.sources.feeds.feed import Told
from tests.sources.posting import Post, Posting

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


class Feed(Posting):
    """Deliveries of GitHub's."""

    def __init__(self, folder: Path, stack: StackState) -> None:  # noqa: ARG002 - every feed is given one
        self._secret = folder / "secret"
        self._secret.write_bytes(SECRET + b"\n")
        script = _scripted()
        whole = json.dumps(script[0][1]).encode()
        bodies = (whole[: len(whole) // 2], whole.replace(b"Codertocat", b"Coder\xff\xfecat"), b"[]")
        self._broken = [Delivery("star", f"g-{number}", body) for number, body in enumerate(bodies)]
        sent = [
            Delivery(event, f"d-{number}", json.dumps(body).encode()) for number, (event, body, _) in enumerate(script)
        ]
        super().__init__(
            [Post("/github", headers(each), each.body, told) for each, (_, _, told) in zip(sent, script, strict=True)],
            [Post("/github", headers(each), each.body) for each in self._broken],
            Post("/github", headers(sent[0], b"not the secret"), sent[0].body),
        )

    @property
    def garbage(self) -> Sequence[bytes]:
        """Return the damaged frames: event and id lead the body."""
        return [f"{each.event} {each.id}\n".encode() + each.body for each in self._broken]

    @property
    def arguments(self) -> Sequence[str]:
        """Listen where this feed posts."""
        return ["--secret-file", str(self._secret), "--port", str(self.port)]

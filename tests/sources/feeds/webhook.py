"""Slack, X and Meta as a collector of webhooks sees them, with the signatures and payloads of their documentation."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.ingest.mapping import form
from deploy.local.state import StackState
from tests.sources.feeds.feed import Told
from tests.sources.posting import Post, Posting

REACTIONS = 30
SECRETS = {name: f"what {name} knows".encode() for name in ("slack", "x", "meta")}
TOKEN = b"a token that Meta is told"


def slack_headers(body: bytes, secret: bytes = SECRETS["slack"], at_s: float | None = None) -> dict[str, str]:
    """Return the headers of a post of Slack's."""
    stamp = str(int(time.time() if at_s is None else at_s))
    digest = hmac.new(secret, b"v0:%b:%b" % (stamp.encode(), body), "sha256").hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def x_headers(body: bytes) -> dict[str, str]:
    """Return the headers of a post of X's."""
    digest = hmac.new(SECRETS["x"], body, "sha256").digest()
    return {"X-Twitter-Webhooks-Signature": f"sha256={base64.b64encode(digest).decode()}"}


def meta_headers(body: bytes) -> dict[str, str]:
    """Return the headers of a post of Meta's."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(SECRETS["meta"], body, "sha256").hexdigest()}


def reaction(number: int) -> dict[str, Any]:
    """Return an event of Slack's; every tenth takes back the one before it."""
    gone = number % 10 == 9
    item = {"type": "message", "channel": "C1", "ts": f"1785578400.{number - gone:06}"}
    kind = "reaction_removed" if gone else "reaction_added"
    event = {"type": kind, "user": "U1", "item_user": "U2", "reaction": "eyes", "item": item}
    return {"team_id": "T1", "type": "event_callback", "event": event | {"event_ts": f"1785578{500 + number}.1"}}


def _slack(number: int) -> Post:
    body = json.dumps(found := reaction(number)).encode()
    told = (f"slack:T1:C1:{found['event']['item']['ts']}:U1:eyes", number % 10 == 9)
    return Post("/slack", slack_headers(body), body, [told])


def _shipped(name: str, signed: Any) -> list[Post]:
    """Return the payloads of a shipped mapping's own tests as posts."""
    posts = []
    for trial in form.load(name).form.test:
        body = trial.payload.encode()
        told: list[Told] = [(each["id"], each.get("undo", False)) for each in trial.says]
        posts.append(Post(f"/{name}", signed(body), body, told))
    return posts


class Feed(Posting):
    """Three services on one port."""

    def __init__(self, folder: Path, stack: StackState) -> None:  # noqa: ARG002 - every feed is given one
        self._folder = folder
        for name, secret in SECRETS.items():
            (folder / name).write_bytes(secret + b"\n")
        (folder / "token").write_bytes(TOKEN)
        whole = json.dumps(reaction(0)).encode()
        self._broken = (whole[: len(whole) // 2], whole.replace(b"U1", b"U\xff\xfe1"), b"")
        posts = [_slack(number) for number in range(REACTIONS)]
        posts[5:5] = [*_shipped("x", x_headers), *_shipped("meta", meta_headers)]
        super().__init__(
            posts,
            [Post("/slack", slack_headers(body), body) for body in self._broken],
            Post("/slack", slack_headers(whole, b"not the secret"), whole),
        )

    @property
    def garbage(self) -> Sequence[bytes]:
        """Return the damaged frames: which mapping leads the body."""
        return [b'{"mapping":"slack"}\n' + body for body in self._broken]

    @property
    def arguments(self) -> Sequence[str]:
        """Listen where this feed posts."""
        secrets = [word for name in SECRETS for word in ("--secret-file", f"{name}={self._folder / name}")]
        tokens = ["--token-file", f"meta={self._folder / 'token'}"]
        return ["slack", "x", "meta", *secrets, *tokens, "--port", str(self.port)]

"""GitHub by webhooks (https://docs.github.com/webhooks), signed with a secret that both sides know.

| event, action                         | kind    | towards                  | id, after `github:`          |
|---------------------------------------|---------|--------------------------|------------------------------|
| star created, deleted                 | like    | owner of the repository  | star:`user`:`repository`     |
| fork                                  | share   | owner of the repository  | fork:`fork`                  |
| issue_comment created, deleted        | reply   | author of the issue      | issue_comment:`comment`      |
| pull_request_review_comment, the same | reply   | author of the request    | review_comment:`comment`     |
| discussion_comment, the same          | reply   | author of the discussion | discussion_comment:`comment` |
| commit_comment created                | reply   | owner of the repository  | commit_comment:`comment`     |
| issues opened, pull_request opened    | mention | owner of the repository  | issue:`issue`, …             |
| discussion created                    | mention | owner of the repository  | discussion:`discussion`      |
| every @login in the bodies of these   | mention | that person              | … and `:mention:login`       |

In place of names in backticks stand GitHub's numbers; a deletion is the undo of its acts. One body speaks to a person
once. `watch` says what `star` says and is passed over; GitHub sends no reactions. People are `github:login`.

A delivery that came before, by its X-GitHub-Delivery, is passed over, and its acts have the ids they had. GitHub does
not send again by itself what was not answered with 2xx: redeliver it, as its own documentation shows.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from agents.ingest.live.contract import Frame, Memory, Reading, option
from agents.ingest.live.inbox import Desk, Inbox
from agents.ingest.live.secret import secrets
from agents.ingest.outcomes import Outcome, Ready, Refused, outcome_of
from schemas.errors import BadRecordError, shown
from schemas.reasons import Reason

PATH: Final = "/github"
MOST_BYTES: Final = 25 * 1024 * 1024
"""GitHub's own limit."""
MOST_MENTIONS: Final = 50
SIGNED: Final = "sha256="
UNSIGNED: Final = b"unsigned"
_HEAD: Final = re.compile(rb"([a-z_]{1,64}) ([A-Za-z0-9-]{1,64})\n")
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_LOGIN: Final = re.compile(
    r"(?<![\w/.@`-])@([a-z\d](?:[a-z\d]|-(?=[a-z\d])){0,38})(?![\w/-])", re.ASCII | re.IGNORECASE
)


class _User(msgspec.Struct, gc=False):
    login: str
    id: int


class _Repository(msgspec.Struct, gc=False):
    id: int
    full_name: str
    owner: _User
    updated_at: str


class _Thread(msgspec.Struct, gc=False):
    """An issue, a pull request or a discussion."""

    id: int
    number: int
    user: _User
    created_at: str
    body: str | None = None


class _Comment(msgspec.Struct, gc=False):
    id: int
    user: _User
    created_at: str
    body: str | None = None


class _Fork(msgspec.Struct, gc=False):
    id: int
    created_at: str


class _Event(msgspec.Struct, gc=False):
    repository: _Repository
    sender: _User
    action: str = ""
    starred_at: str | None = None
    forkee: _Fork | None = None
    comment: _Comment | None = None
    issue: _Thread | None = None
    pull_request: _Thread | None = None
    discussion: _Thread | None = None


class _Act(NamedTuple):
    """An act before its mentions: which id, what kind, who, towards whom, when, and in what words."""

    id: str
    kind: str
    actor: _User
    target: _User
    at: str
    body: str | None = None
    thread: _Thread | None = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_COMMENTS: Final = {
    "issue_comment": ("issue_comment", "issue"),
    "pull_request_review_comment": ("review_comment", "pull_request"),
    "discussion_comment": ("discussion_comment", "discussion"),
    "commit_comment": ("commit_comment", ""),
}
_OPENED: Final = {
    ("issues", "opened"): "issue",
    ("pull_request", "opened"): "pull_request",
    ("discussion", "created"): "discussion",
}
_KNOWN: Final = {"star", "fork", *_COMMENTS, *(event for event, _ in _OPENED)}


@dataclass(frozen=True)
class GitHub:
    """Stars, forks, comments and mentions of repositories whose webhooks are sent here, signed."""

    secret_file: str = option("", "File with the webhook's secret; several lines while it is being changed.")
    listen: str = option("127.0.0.1", "Address to listen on; put a TLS proxy before it.")
    port: int = option(8086, "Port to listen on.", at_least=1)
    remember: int = option(100_000, "Deliveries remembered, so that a second one is passed over.", at_least=0)

    @property
    def feed(self) -> str:
        """Return nothing: whatever is sent here is one feed."""
        return ""

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002 - none kept
        """Yield every signed delivery, led by its event and its id."""
        framed = partial(_framed, secrets("--secret-file", self.secret_file))
        async for frame in Inbox(self.listen, self.port, MOST_BYTES, [Desk(PATH, framed, UNSIGNED)]).frames():
            yield frame

    def read(self, raw: bytes, memory: Memory) -> Reading:
        """Return the acts of one delivery; one that came before says nothing."""
        if raw == UNSIGNED:
            detail = "a post without a valid signature; set the webhook's secret to the one in --secret-file"
            return Reading([Refused(BadRecordError(Reason.BAD_SIGNATURE, detail), 0, raw)])
        head = _HEAD.match(raw)
        if head is None:
            return Reading([Refused(BadRecordError(Reason.UNDECODABLE, f"{shown(raw)}: no event and id"), 0, raw)])
        event, delivery = head[1].decode(), head[2].decode()
        if event not in _KNOWN or memory.kept(delivery) is not None:
            return Reading()
        try:
            acts = list(_acts(event, _EVENT.decode(raw[head.end() :])))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            detail = f"{event} {delivery}: {str(error)[:120]}; not such an event of GitHub's"
            return Reading([Refused(BadRecordError(Reason.UNDECODABLE, detail), 0, raw)])
        memory.keep(delivery, b"")
        outcomes: list[Outcome] = [outcome_of(act, 0, raw) for act in acts]
        happened = [each.act.occurred_at_ms for each in outcomes if isinstance(each, Ready)]
        return Reading(outcomes, at_ms=max(happened, default=None))


SOURCE = GitHub


def _framed(known: list[bytes], headers: Mapping[str, str], body: bytes) -> bytes | None:
    """Return the frame of an authentic delivery; the signature is over the bytes of the body as they came."""
    given = headers.get("X-Hub-Signature-256", "").encode()
    expected = [SIGNED.encode() + hmac.new(secret, body, "sha256").hexdigest().encode() for secret in known]
    if not any(hmac.compare_digest(given, each) for each in expected):
        return None
    event, delivery = headers.get("X-GitHub-Event", ""), headers.get("X-GitHub-Delivery", "")
    return f"{event} {delivery}\n".encode("utf-8", "replace") + body


def _acts(name: str, event: _Event) -> Iterator[dict[str, Any]]:
    """Yield an event's acts as mappings of the contract's fields.

    No deletion says when it was: it is dated by the repository's last change, at the earliest like what it takes back.
    """
    act = _act(name, event)
    if act is None:
        return
    undo = event.action == "deleted"
    thread = f"#{act.thread.number}" if act.thread else ""
    shared = {
        "actor": f"github:{act.actor.login}",
        "occurred_at": max(act.at, event.repository.updated_at) if undo else act.at,
        "object": f"github:{event.repository.full_name}{thread}",
        "undo": undo or None,
    }
    yield shared | {"id": act.id, "kind": act.kind, "target": f"github:{act.target.login}"}
    named = dict.fromkeys(_LOGIN.findall(_CODE.sub(" ", act.body or "")))
    others = [login for login in named if login.lower() not in {act.target.login.lower(), act.actor.login.lower()}]
    for login in others[:MOST_MENTIONS]:
        yield shared | {"id": f"{act.id}:mention:{login.lower()}", "kind": "mention", "target": f"github:{login}"}


def _act(name: str, event: _Event) -> _Act | None:
    """Return what an event says, None = nothing; msgspec's ValidationError when what it must hold is missing."""
    owner, deleted = event.repository.owner, event.action == "deleted"
    if name == "star" and event.action in {"created", "deleted"}:
        at = "" if deleted else _present(event.starred_at)
        return _Act(f"github:star:{event.sender.id}:{event.repository.id}", "like", event.sender, owner, at)
    if name == "fork":
        fork = _present(event.forkee)
        return _Act(f"github:fork:{fork.id}", "share", event.sender, owner, fork.created_at)
    if name in _COMMENTS and event.action in {"created", "deleted"}:
        return _comment(name, event)
    if (name, event.action) in _OPENED:
        what = _OPENED[name, event.action]
        thread: _Thread = _present(getattr(event, what))
        ident = f"github:{what}:{thread.id}"
        return _Act(ident, "mention", thread.user, owner, thread.created_at, thread.body, thread)
    return None


def _comment(name: str, event: _Event) -> _Act:
    word, where = _COMMENTS[name]
    comment = _present(event.comment)
    thread: _Thread | None = _present(getattr(event, where)) if where else None
    target = thread.user if thread else event.repository.owner
    ident = f"github:{word}:{comment.id}"
    return _Act(ident, "reply", comment.user, target, comment.created_at, comment.body, thread)


def _present(found: Any) -> Any:
    if found is None:
        raise msgspec.ValidationError("what the event is about is missing")
    return found

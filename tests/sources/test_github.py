"""What GitHub's deliveries become, and which are let in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.live.contract import Forgetful
from agents.ingest.live.secret import secrets
from agents.ingest.outcomes import Ready, Refused
from agents.sources.github import MOST_MENTIONS, UNSIGNED, GitHub, _framed
from schemas.engagement import Act
from schemas.errors import BadSettingError
from schemas.kinds import KINDS
from schemas.reasons import COUNTED_ONLY, Reason
from tests.sources.feeds.github import RECORDED, SECRET, Delivery, by_guest, headers, payload
from tests.sources.test_bluesky import Remembering


def outcomes(event: str, found: dict[str, Any]) -> list[Ready | Refused]:
    return list(GitHub().read(f"{event} d-1\n".encode() + json.dumps(found).encode(), Forgetful()).outcomes)


def acts(event: str, found: dict[str, Any]) -> list[Act]:
    return [each.act for each in outcomes(event, found) if isinstance(each, Ready)]


@pytest.mark.parametrize(
    ("event", "found", "kind", "ident", "upon"),
    [
        ("star", by_guest(payload("star"), "sender"), "like", "star:583231:186853002", ""),
        ("fork", payload("fork"), "share", "fork:186853261", ""),
        (
            "issue_comment",
            by_guest(payload("issue_comment"), "comment", "user"),
            "reply",
            "issue_comment:492700400",
            "#1",
        ),
        (
            "pull_request_review_comment",
            by_guest(payload("pull_request_review_comment"), "comment", "user"),
            "reply",
            "review_comment:284312630",
            "#2",
        ),
        (
            "discussion_comment",
            by_guest(payload("discussion_comment"), "comment", "user"),
            "reply",
            "discussion_comment:550062",
            "#4",
        ),
        (
            "commit_comment",
            by_guest(payload("commit_comment"), "comment", "user"),
            "reply",
            "commit_comment:33548674",
            "",
        ),
        ("issues", by_guest(payload("issues", "opened"), "issue", "user"), "mention", "issue:444500041", "#1"),
        ("discussion", by_guest(payload("discussion"), "discussion", "user"), "mention", "discussion:3299614", "#4"),
    ],
)
def test_an_event_says_one_thing(event: str, found: dict[str, Any], kind: str, ident: str, upon: str) -> None:
    """Ids are GitHub's own numbers, so that no redelivery and no renaming makes another act."""
    (act,) = acts(event, found)
    assert (KINDS[act.kind], act.id.decode(), act.target) == (kind, f"github:{ident}", b"github:Codertocat")
    assert act.object.decode() == f"github:{found['repository']['full_name']}{upon}"
    assert act.actor in {b"github:octocat", b"github:Octocoders"}


@pytest.mark.parametrize("path", sorted(RECORDED.rglob("*.payload.json")), ids=str)
def test_an_owner_s_own_acts_are_refused_and_counted(path: Path) -> None:
    """Every recorded payload is of a person in his own repository."""
    reasons = [
        each.error.reason
        for each in outcomes(path.parent.name, json.loads(path.read_bytes()))
        if isinstance(each, Refused)
    ]
    assert reasons in ([], [Reason.SELF_ENGAGEMENT])
    assert not acts(path.parent.name, json.loads(path.read_bytes()))


def test_a_deletion_takes_back_what_the_creation_said() -> None:
    """Under the same ids, mentions too, never dated before the act itself."""
    done = by_guest(payload("issue_comment"), "comment", "user")
    gone = by_guest(payload("issue_comment", "deleted"), "comment", "user")
    for each in (done, gone):
        each["comment"] |= {"id": 7, "body": "@hubot look"}
    first, undone = acts("issue_comment", done), acts("issue_comment", gone)
    assert [(a.id, a.kind, a.target, a.undo) for a in undone] == [(a.id, a.kind, a.target, True) for a in first]
    assert all(later.occurred_at_ms >= act.occurred_at_ms for act, later in zip(first, undone, strict=True))
    starred, unstarred = (by_guest(payload("star", action), "sender") for action in ("created", "deleted"))
    assert [a.id for a in acts("star", starred)] == [a.id for a in acts("star", unstarred)]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("thanks @hubot and @Hubot-2, also (@x).", ["hubot", "Hubot-2", "x"]),
        ("@hubot @hubot @octocat @Codertocat @codertocat", ["hubot"]),
        ("mail me@hubot.example, see @hubot/team, a/@hubot, --@-x, @hubot_", []),
        ("`@hubot` and\n```\n@hubot\n```\nor ```@hubot", []),
        (" ".join(f"@u{number}" for number in range(1_000)), [f"u{number}" for number in range(MOST_MENTIONS)]),
        (None, []),
    ],
)
def test_mentions_are_what_github_links(body: str | None, named: list[str]) -> None:
    """No address, no team, no code, nobody twice, neither the author nor whom he answers."""
    found = by_guest(payload("issue_comment"), "comment", "user")
    found["comment"]["body"] = body
    assert [act.target.decode().removeprefix("github:") for act in acts("issue_comment", found)[1:]] == named


def test_a_delivery_that_came_before_is_passed_over() -> None:
    """The button that redelivers is pressed in doubt."""
    memory = Remembering()
    raw = b"star d-1\n" + json.dumps(by_guest(payload("star"), "sender")).encode()
    assert len(GitHub().read(raw, memory).outcomes) == 1
    assert GitHub().read(raw, memory).outcomes == ()
    assert len(GitHub().read(raw.replace(b"d-1", b"d-2"), memory).outcomes) == 1


def test_only_the_signed_bytes_are_let_in() -> None:
    """Checked over the body as it came, before anything reads it; while a secret changes, either is good."""
    delivery = Delivery("star", "d-1", b'{"a": "\\u0000"}')
    framed = b"star d-1\n" + delivery.body
    assert _framed([b"old", SECRET], headers(delivery), delivery.body) == framed
    assert _framed([SECRET], headers(delivery), delivery.body + b" ") is None
    assert _framed([SECRET], headers(delivery, b"other"), delivery.body) is None
    assert _framed([SECRET], {}, delivery.body) is None
    assert _framed([SECRET], headers(delivery) | {"X-Hub-Signature-256": "sha256=\u00e9"}, delivery.body) is None


def test_what_is_not_signed_is_counted_and_not_kept() -> None:
    """Else anybody could fill the dead-letter topic."""
    (refused,) = GitHub().read(UNSIGNED, Forgetful()).outcomes
    assert isinstance(refused, Refused)
    assert refused.error.reason is Reason.BAD_SIGNATURE
    assert refused.error.reason in COUNTED_ONLY


def test_a_secret_is_a_line(tmp_path: Path) -> None:
    """It may hold spaces; two lines are two secrets."""
    (tmp_path / "secret").write_bytes(b"one with spaces\r\ntwo\n\n")
    assert secrets("--secret-file", str(tmp_path / "secret")) == [b"one with spaces", b"two"]


def test_without_a_secret_nothing_listens(tmp_path: Path) -> None:
    """Anybody could write anybody's score."""
    (tmp_path / "empty").write_bytes(b"\n")
    for path in ("", str(tmp_path / "none"), str(tmp_path / "empty")):
        with pytest.raises(BadSettingError, match="--secret-file"):
            secrets("--secret-file", path)


@given(st.data())
def test_no_damage_to_a_signed_payload_ends_the_reader(data: st.DataObject) -> None:
    """A refusal holds the frame as it came."""
    raw = bytearray(b"issue_comment d-1\n" + json.dumps(by_guest(payload("issue_comment"), "comment", "user")).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    for outcome in GitHub().read(bytes(raw), Remembering()).outcomes:
        assert isinstance(outcome, Ready) or outcome.value == bytes(raw)

"""Dead letters tried again."""

from __future__ import annotations

import json

from agents.ingest.letters import tried_again
from agents.ingest.outcomes import Ready, Refused
from schemas.dead_letter import DeadLetter, dead_letter
from schemas.reasons import Reason


def _letter(value: bytes, source: str = "jsonl") -> DeadLetter:
    return DeadLetter(value, Reason.UNKNOWN_KIND, "kind='poke'", "events.jsonl", 0, 7, source, 5)


def test_a_letter_that_reads_now_goes_on_untouched() -> None:
    """A fix of ours must not change what the sender said."""
    value = b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":5, "own":1}'
    (outcome,) = tried_again(_letter(value))
    assert isinstance(outcome, Ready)
    assert (outcome.value, outcome.act.actor) == (value, b"x:a")


def test_a_letter_that_still_breaks_the_contract_says_why() -> None:
    """Retrying for ever what cannot work helps nobody."""
    (outcome,) = tried_again(_letter(b"\x00torn"))
    assert isinstance(outcome, Refused)
    assert outcome.error.reason is Reason.UNDECODABLE


def test_a_letter_is_read_as_its_source_wrote_it() -> None:
    """A GitHub event is no engagement of ours, but its source's reader knows what it says."""
    event = {"id": "7", "type": "WatchEvent", "created_at": "2015-01-01T15:00:03Z", "actor": "ann", "repo": "bob/lib"}
    value = json.dumps(event | {"repo_owner": "bob", "action": "started", "mentions": []}).encode()
    (outcome,) = tried_again(_letter(value, "gharchive"))
    assert isinstance(outcome, Ready)
    assert outcome.act.target == b"github:bob"


def test_headers_give_back_the_letter() -> None:
    """Whatever a refused record held, its letter can be read."""
    letter = _letter(b"\xff\x00")
    assert dead_letter(letter.value, letter.headers()) == letter

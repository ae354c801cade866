"""What the codec accepts, refuses and why: through bytes, as producers meet it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_engagement, decode_engagements, encode_engagement
from schemas.engagement import Act, Engagement
from schemas.errors import BadRecordError
from schemas.reasons import Reason

GOOD = {
    "id": "bsky:1",
    "kind": "like",
    "actor": "bsky:did:plc:abc",
    "target": "bsky:did:plc:xyz",
    "occurred_at": "2026-11-24T12:00:00.123Z",
}


def changed(**fields: object) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


def refusal(value: bytes | None) -> Reason:
    with pytest.raises(BadRecordError) as caught:
        decode_engagement(value)
    return caught.value.reason


def test_the_example_of_the_contract_decodes() -> None:
    """The document that producers copy must be accepted."""
    act = decode_engagement(changed(object="bsky:post", undo=False))
    assert (act.kind, act.actor, act.object) == (0, b"bsky:did:plc:abc", b"bsky:post")
    assert act.occurred_at_ms == 1_795_521_600_123


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.UNDECODABLE),
        (b"", Reason.UNDECODABLE),
        (b'{"id":"1","kind":"li', Reason.UNDECODABLE),
        (b"\xff\xfe", Reason.UNDECODABLE),
        (b'{"x":' + b"[" * 16_000, Reason.UNDECODABLE),
        (b"[]", Reason.INVALID_FIELD),
        (changed(id=""), Reason.INVALID_FIELD),
        (changed(id="x" * 513), Reason.INVALID_FIELD),
        (changed(id=7), Reason.INVALID_FIELD),
        (changed(kind="zap"), Reason.UNKNOWN_KIND),
        (changed(actor="nobody"), Reason.INVALID_FIELD),
        (changed(actor="BSKY:a"), Reason.INVALID_FIELD),
        (changed(actor="x:" + "é" * 128), Reason.INVALID_FIELD),
        (changed(actor="x:a\nb"), Reason.INVALID_FIELD),
        (changed(actor="x:a\x00b"), Reason.INVALID_FIELD),
        (changed(actor="momentum:a"), Reason.INVALID_FIELD),
        (changed(target=GOOD["actor"]), Reason.SELF_ENGAGEMENT),
        (changed(occurred_at="2026-11-24T12:00:00"), Reason.INVALID_FIELD),
        (changed(occurred_at="2026-11-24T12:00+01Z"), Reason.INVALID_FIELD),
        (changed(occurred_at="yesterday"), Reason.INVALID_FIELD),
        (changed(occurred_at=-1), Reason.INVALID_FIELD),
        (changed(occurred_at=10**30), Reason.INVALID_FIELD),
        (changed(occurred_at=1e400), Reason.UNDECODABLE),
        (changed(occurred_at=True), Reason.INVALID_FIELD),
        (changed(object="x" * 20_000), Reason.TOO_LARGE),
    ],
)
def test_what_breaks_the_contract_is_refused_for_its_reason(value: bytes | None, reason: Reason) -> None:
    """A producer's mistake must come back as one of the closed set of reasons, never as a crash."""
    assert refusal(value) is reason


def test_equal_text_is_one_person() -> None:
    """Two spellings of the same characters are compared after Unicode NFC."""
    composed, apart = (decode_engagement(changed(target=f"x:Caf{e}")).target for e in ("é", "e\u0301"))
    assert composed == apart


def test_unknown_fields_are_ignored() -> None:
    """Producers may be newer than we are."""
    assert decode_engagement(changed(mood="merry")).kind == 0


@given(st.lists(st.binary(max_size=60)), st.integers(0, 40), st.binary(max_size=3))
def test_damage_never_raises_and_never_shifts(noise: list[bytes], at: int, patch: bytes) -> None:
    """One outcome per value, in order, whatever the bytes: a bad neighbour must not move a good one."""
    good = changed()
    damaged = good[:at] + patch + good[at + len(patch) :]
    outcomes = decode_engagements([*noise, good, damaged])
    assert len(outcomes) == len(noise) + 2
    assert isinstance(outcomes[len(noise)], Act)
    assert all(isinstance(o, Act | BadRecordError) for o in outcomes)


def test_what_we_encode_decodes_to_the_same() -> None:
    """Our own producers obey the contract."""
    engagement = Engagement("1", "reply", "x:a", "x:b", 1_780_000_000_000, undo=True)
    act = decode_engagement(encode_engagement(engagement))
    assert (act.kind, act.undo, act.occurred_at_ms) == (3, True, 1_780_000_000_000)

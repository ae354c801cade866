"""What Bluesky's records become."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.letters import tried_again
from agents.ingest.live.contract import Forgetful, Reading
from agents.ingest.outcomes import Ready
from agents.sources.bluesky import MOST_MENTIONS, OVERLAP_US, POST, Bluesky, _asked
from schemas.dead_letter import DeadLetter
from schemas.engagement import Act
from schemas.errors import BadSettingError
from schemas.kinds import KINDS
from schemas.reasons import Reason
from tests import datasets
from tests.sources.feeds.bluesky import ALICE, BEN, CHLOE, deletion, mention, post, recorded, reference, uri

NOW_US = 1_790_000_000_123_456


class Remembering:
    """A memory without bounds."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def keep(self, key: str, value: bytes) -> None:
        """Remember."""
        self.entries.setdefault(key, value)

    def kept(self, key: str) -> bytes | None:
        """Return what was kept."""
        return self.entries.get(key)


def read(frame: dict[str, Any], memory: Remembering | None = None) -> Reading:
    return Bluesky().read(json.dumps(frame | {"time_us": NOW_US}).encode(), memory or Remembering())


def acts(frame: dict[str, Any], memory: Remembering | None = None) -> list[Act]:
    return [each.act for each in read(frame, memory).outcomes if isinstance(each, Ready)]


def shown(act: Act) -> tuple[str, str, str]:
    return act.id.decode().partition("#")[2], KINDS[act.kind], act.target.decode().removeprefix("bsky:")


def quoting(address: str, *, media: bool = False) -> dict[str, Any]:
    """Return the embed of a quote."""
    inner = {"$type": "app.bsky.embed.record", "record": reference(address)}
    return {"$type": "app.bsky.embed.recordWithMedia", "record": inner, "media": {}} if media else inner


def reply_to(did: str) -> dict[str, Any]:
    """Return the reply field of an answer to a post of `did` in a thread of Chloe's."""
    return {"root": reference(uri(CHLOE, "root")), "parent": reference(uri(did, "p"))}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, []),
        ({"reply": reply_to(BEN)}, [("reply", "reply", BEN)]),
        ({"embed": quoting(uri(BEN, "p"))}, [("quote", "share", BEN)]),
        ({"embed": quoting(uri(BEN, "p"), media=True)}, [("quote", "share", BEN)]),
        ({"embed": quoting(uri(BEN, "f", "app.bsky.feed.generator"))}, []),
        ({"embed": {"$type": "app.bsky.embed.external", "external": {"uri": "https://a.example"}}}, []),
        ({"facets": [mention(BEN, CHLOE)]}, [(f"mention:{did}", "mention", did) for did in (BEN, CHLOE)]),
        ({"facets": [mention(BEN), mention(BEN)]}, [(f"mention:{BEN}", "mention", BEN)]),
        (
            {"reply": reply_to(BEN), "embed": quoting(uri(BEN, "q")), "facets": [mention(BEN)]},
            [("reply", "reply", BEN)],
        ),
        ({"embed": quoting(uri(BEN, "q")), "facets": [mention(BEN)]}, [("quote", "share", BEN)]),
    ],
)
def test_a_post_speaks_to_a_person_once(record: dict[str, Any], said: list[tuple[str, str, str]]) -> None:
    """The strongest word counts: somebody who answers and names a person has not engaged twice."""
    assert [shown(act) for act in acts(post("r1", **record))] == said


def test_who_acts_upon_oneself_is_refused_and_counted() -> None:
    """Threads are answers to oneself."""
    (refused,) = read(post("r1", reply=reply_to(ALICE))).outcomes
    assert not isinstance(refused, Ready)
    assert refused.error.reason is Reason.SELF_ENGAGEMENT


def test_an_act_is_dated_by_the_feed_and_not_by_its_author() -> None:
    """`createdAt` is what a client claims: acts dated back would make a new account an established one."""
    (act,) = acts(post("r1", createdAt="2001-01-01T00:00:00Z", reply=reply_to(BEN)))
    assert act.occurred_at_ms == NOW_US // 1000


def test_a_deletion_takes_back_each_act_of_its_record() -> None:
    """It names no target; the undo must say whose act, of what kind, towards whom, under the same id."""
    memory, frame = Remembering(), post("r1", reply=reply_to(BEN), facets=[mention(CHLOE)])
    done = acts(frame, memory)
    undone = acts(deletion("r1"), memory)
    assert [(a.id, a.kind, a.actor, a.target) for a in undone] == [(a.id, a.kind, a.actor, a.target) for a in done]
    assert all(act.undo for act in undone)
    assert acts(deletion("r1"), memory) == undone
    assert not any(act.undo for act in done)


def test_the_deletion_of_what_is_forgotten_is_passed_over() -> None:
    """A guess would take from somebody what he never got."""
    raw = json.dumps(deletion("r1") | {"time_us": NOW_US}).encode()
    assert Bluesky().read(raw, Forgetful()) == Reading([], str(NOW_US), NOW_US // 1000)


def test_a_crowd_of_mentions_is_cut() -> None:
    """A record written by hand can name thousands."""
    crowd = [f"did:plc:{number:024}" for number in range(1_000)]
    assert len(acts(post("r1", facets=[mention(*crowd)]))) == MOST_MENTIONS


@pytest.mark.parametrize(
    "address", ["", "https://a.example/x", "at://handle.example/app.bsky.feed.post/1", "at://did:"]
)
def test_what_is_no_record_s_address_is_refused_with_its_frame(address: str) -> None:
    """The raw frame is what an operator can judge by."""
    frame = post("r1", reply={"root": reference(address), "parent": reference(address)})
    reading = read(frame)
    (refused,) = reading.outcomes
    assert not isinstance(refused, Ready)
    assert (refused.error.reason, json.loads(refused.value)["commit"]) == (Reason.INVALID_FIELD, frame["commit"])
    assert reading.cursor == str(NOW_US)


@given(st.data())
def test_no_damage_to_a_real_frame_ends_the_reader(data: st.DataObject) -> None:
    """A refusal holds the frame as it was sent, whatever the network made of it."""
    frames = [*recorded(), post("r1", reply=reply_to(BEN), embed=quoting(uri(CHLOE, "q")), facets=[mention(CHLOE)])]
    raw = bytearray(json.dumps(data.draw(st.sampled_from(frames))).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    for outcome in Bluesky().read(bytes(raw), Remembering()).outcomes:
        assert isinstance(outcome, Ready) or outcome.value == bytes(raw)


@pytest.mark.parametrize("stamp", [b"-1", b"1e300", b"9" * 30, b"9" * 5_000, b'"1"'])
def test_a_stamp_that_is_no_instant_is_refused(stamp: bytes) -> None:
    """It would become a cursor."""
    raw = b'{"did":"did:plc:a","kind":"account","time_us":%s}' % stamp
    reading = Bluesky().read(raw, Forgetful())
    assert (len(reading.outcomes), reading.cursor) == (1, None)


def test_a_refused_frame_can_be_tried_again() -> None:
    """`renown dlq retry` reads it as its source does."""
    raw = json.dumps(post("r1", reply=reply_to(BEN)) | {"time_us": NOW_US}).encode()
    letter = DeadLetter(raw, Reason.UNDECODABLE, "", "bluesky", 0, 1, "bluesky", 0)
    assert [shown(each.act) for each in tried_again(letter) if isinstance(each, Ready)] == [("reply", "reply", BEN)]


def test_a_connection_begins_before_the_cursor() -> None:
    """Hosts stamp the same event with instants that differ."""
    assert ("cursor", str(NOW_US - OVERLAP_US)) in _asked(str(NOW_US))
    assert "cursor" not in dict(_asked(None))
    assert [value for name, value in _asked(None) if name == "wantedCollections"][-1] == POST
    with pytest.raises(BadSettingError, match="--cursor"):
        _asked("yesterday")


def test_the_whole_recording_is_read_without_a_refusal_but_self_engagements() -> None:
    """Real posts, with links, tags, pictures and unknown records between them."""
    path = datasets.FOLDER / "bluesky-jetstream" / "expected_v1.jsonl"
    if not path.is_file():
        pytest.skip("posts are their authors': get the recording, set RENOWN_DATASETS")
    memory, reasons, kinds = Remembering(), [], []
    for raw in path.read_bytes().splitlines():
        for each in Bluesky().read(raw, memory).outcomes:
            if isinstance(each, Ready):
                kinds.append(KINDS[each.act.kind])
            else:
                reasons.append(each.error.reason)
    assert set(reasons) == {Reason.SELF_ENGAGEMENT}
    assert (kinds.count("like"), kinds.count("share")) == (104, 15)
    assert kinds.count("reply") + len(reasons) == 9

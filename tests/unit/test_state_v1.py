"""What release 0.1 left behind is read for ever, and what a newer one leaves is refused by name."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from agents.cli.counts import _lines
from agents.lookup.stored import stored_moments, stored_score
from agents.scoring.records import user_and_score
from schemas.codec import decode_engagement
from schemas.credit import CREDIT_VERSION, KIND_MASK, decode_credits
from schemas.dead_letter import dead_letter
from schemas.errors import BrokenGuaranteeError
from schemas.kinds import KINDS
from schemas.published_map import MAP_KEY, decode_map, encode_map
from schemas.reasons import Reason
from schemas.report import decode_report
from schemas.topics import Topics
from streams.engine.layout import PAIR_MARK, STATE, STATE_VERSION
from streams.engine.partition import Partition
from streams.engine.watermarks import Watermarks
from streams.model.parameters import PROFILES
from streams.settings import Settings
from streams.stages.target import APPLIED, WATERMARKS
from streams.stages.versions import RESERVED, Versions
from tests.fixtures.golden import Kept, chunk, document, records, restored
from tests.fixtures.make_state import layouts

CORPUS = "state-v1"
EXPECTED = document(CORPUS, "expected")
REDIS = document(CORPUS, "redis")
NUMBERS = range(EXPECTED["partitions"])
HASH_KEY = Settings().hash_key.encode()


def _partitions() -> list[Partition]:
    kept = records(CORPUS, "users_changelog")
    return [restored(kept, number, HASH_KEY) for number in NUMBERS]


def _expected(side: str) -> dict[str, Counter[str]]:
    return {each["user"]: Counter({k: v for k, v in each[side].items() if v}) for each in EXPECTED["counts"]}


def test_the_changelog_gives_the_recorded_counts_and_masses() -> None:
    """Every user of an older release must be there, with all that they have earned."""
    at_s = EXPECTED["as_of_ms"] / 1000
    lines = [line for part in _partitions() for line in _lines(part, at_s, PROFILES["default"])]
    found = {line["user"]: line for line in lines}
    assert len(lines) == len(found) == len(EXPECTED["counts"])
    for expected in EXPECTED["counts"]:
        user = found[expected["user"]]
        assert user == expected | {"raw": pytest.approx(expected["raw"], rel=1e-12)}


def test_a_layout_that_changes_raises_its_version() -> None:
    """Bytes of another layout under the same number would be read as other numbers, without a word."""
    now = layouts()
    changed = {name for name, then in EXPECTED["layouts"].items() if now[name] != then}
    assert [name for name in changed if now[name]["version"] == EXPECTED["layouts"][name]["version"]] == []


def test_the_metas_say_how_far_each_source_has_come() -> None:
    """Read as less, credits would count twice; read as more, they would be lost."""
    arrived = np.full((2, 2), -1)
    credited = records(CORPUS, "credits")
    for record in credited:
        c = decode_credits(record.value or b"")
        last = c.first + int(c.events["offset_delta"].max())
        arrived[record.partition, c.source] = max(arrived[record.partition, c.source], last)
    for partition in _partitions():
        number, meta = partition.number, partition.meta
        marks = Watermarks.from_bytes(meta[WATERMARKS], EXPECTED["partitions"])
        assert marks.applied.tolist() == arrived[number].tolist()
        assert int.from_bytes(meta[APPLIED], "little") == sum(record.partition == number for record in credited)
        newest = [user_and_score(_message(r))[1] for r in records(CORPUS, "scores") if r.partition == number]
        assert Versions(meta[RESERVED]).durable > max(score.version for score in newest if score is not None)


def test_credits_add_up_to_what_was_received() -> None:
    """Credits in flight over an upgrade are applied by the new release."""
    received: dict[str, Counter[str]] = {}
    for record in records(CORPUS, "credits"):
        c = decode_credits(record.value or b"")
        ends = np.cumsum(c.lengths, dtype=np.int64)
        names = [c.names[e - n : e].tobytes().decode() for e, n in zip(ends.tolist(), c.lengths.tolist(), strict=True)]
        for event in c.events:
            received.setdefault(names[event["target"]], Counter())[KINDS[event["flags"] & KIND_MASK]] += 1
    assert received == {user: counts for user, counts in _expected("received").items() if counts}


def test_engagements_add_up_to_what_was_given() -> None:
    """The log of engagements is kept for days and read again after an upgrade."""
    given: dict[str, Counter[str]] = {}
    refused = [r for r in records(CORPUS, "engagements") if r.value == b'{"id": "torn']
    for record in records(CORPUS, "engagements"):
        if record not in refused:
            act = decode_engagement(record.value)
            given.setdefault(act.actor.decode(), Counter())[KINDS[act.kind]] += 1
    assert given == {user: counts for user, counts in _expected("given").items() if counts}
    (letter,) = [dead_letter(r.value or b"", list(r.headers)) for r in records(CORPUS, "dead_letters")]
    assert letter.value == refused[0].value
    assert letter.reason is Reason.UNDECODABLE


def test_scores_and_redis_agree() -> None:
    """A rebuilt Redis holds what the old one held."""
    newest: dict[str, Any] = {}
    for record in records(CORPUS, "scores"):
        user, score = user_and_score(_message(record))
        assert score is not None
        newest[user] = max(newest.get(user, score), score, key=lambda each: each.version)
    assert set(newest) == set(REDIS["golden:top"])
    for user, score in newest.items():
        stored = stored_score(user, {k.encode(): v.encode() for k, v in REDIS[f"golden:u:{user}"].items()})
        assert (stored.version, stored.score, stored.raw) == (score.version, round(score.score, 1), score.raw)
        assert (stored.counts_7d, stored.parts) == (score.counts_7d, score.parts)
        assert stored_moments(REDIS[f"golden:why:{user}"].encode()) == score.moments
    for number in NUMBERS:
        applied = sum(record.partition == number for record in records(CORPUS, "scores"))
        assert REDIS["golden:meta"][f"applied:{number}"] == str(applied)


def test_the_calibration_topic_is_read() -> None:
    """The map in force stays in force over an upgrade."""
    kept = records(CORPUS, "calibration")
    reports = {decode_report(r.value or b"").partition for r in kept if r.key != MAP_KEY}
    maps = [decode_map(r.value or b"") for r in kept if r.key == MAP_KEY]
    assert reports == set(NUMBERS)
    assert [each.version for each in maps] == list(range(1, len(maps) + 1))
    assert maps[-1].map.users > 0


def test_topics_carry_their_contract_s_version() -> None:
    """What has no version of its own is read under this name for ever."""
    topics = Topics()
    contracts = [topic.name for topic in topics.all() if topic != topics.users_changelog]
    assert [name for name in contracts if not name.endswith(".v1")] == []


def _bumped(kept: Kept) -> Kept:
    value = kept.value or b""
    return kept._replace(value=bytes((value[0] + 1,)) + value[1:])


@pytest.mark.parametrize(("mark", "what"), [(ord("t"), "layout"), (PAIR_MARK, "layout")], ids=["user", "pair"])
def test_a_newer_row_or_pair_is_refused(mark: int, what: str) -> None:
    """After a downgrade the worker must end, not lose whom the newer release has touched."""
    kept = [r for r in records(CORPUS, "users_changelog") if r.partition == 0 and (r.key or b"\0")[0] == mark]
    kept[-1] = _bumped(kept[-1])
    with pytest.raises(BrokenGuaranteeError, match=f"by a newer release: {what} version 2, this release reads up to 1"):
        restored(kept, 0, HASH_KEY)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (STATE + b"%d" % (STATE_VERSION + 1), "by a newer release: state version 3, this release reads up to 2"),
        (STATE + b"one", "names no version of the state"),
    ],
)
def test_a_newer_state_is_refused_whatever_comes_after_it(key: bytes, text: str) -> None:
    """Metas carry no version of their own; the state's is in a key that no older owner can overwrite."""
    kept = [r for r in records(CORPUS, "users_changelog") if r.partition == 0]
    kept.insert(1, Kept(0, key, b"", ()))
    with pytest.raises(BrokenGuaranteeError, match=text):
        restored(kept, 0, HASH_KEY)


def test_the_corpus_says_which_state_it_is() -> None:
    """Each owner leaves the version it writes in the log."""
    marks = {r.key for r in records(CORPUS, "users_changelog") if (r.key or b"").startswith(STATE)}
    assert marks == {STATE + b"%d" % EXPECTED["state"]}
    assert chunk(records(CORPUS, "users_changelog")[:1]).last == 0


def test_newer_credits_and_maps_are_refused() -> None:
    """They come from workers of this pipeline, so there is nobody to send a dead letter to."""
    value = records(CORPUS, "credits")[0].value or b""
    with pytest.raises(BrokenGuaranteeError, match="by a newer release: credit version 3"):
        decode_credits(bytes((CREDIT_VERSION + 1,)) + value[1:])
    published = decode_map(next(r.value for r in records(CORPUS, "calibration") if r.key == MAP_KEY) or b"")
    value = encode_map(published).replace(b'"version":1}', b'"version":2}')
    with pytest.raises(BrokenGuaranteeError, match="by a newer release: calibration version 2"):
        decode_map(value)


def _message(record: Kept) -> Any:
    return record

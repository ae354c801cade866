"""What every source is run by: the state, the pauses, the session's rules about cursors."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import cast

import pytest
from backports import zstd
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from agents.ingest.kafka import KafkaAwayError
from agents.ingest.live.backoff import LONGEST_ASKED_S, Backoff
from agents.ingest.live.contract import FeedError, Frame, Memory, Reading
from agents.ingest.live.intake import MOST_WAITING, Intake
from agents.ingest.live.metrics import CollectMetrics
from agents.ingest.live.packed import unpacker_of
from agents.ingest.live.session import Session
from agents.ingest.live.state import State
from agents.ingest.outcomes import Refused
from agents.ingest.publisher import Publisher
from schemas.errors import BadSettingError, BrokenGuaranteeError
from schemas.reasons import Reason
from tests.sources.numbers import NOW_MS, Kept, Numbers


def test_a_state_outlives_its_process_and_forgets_the_oldest(tmp_path: Path) -> None:
    """Bounded by count, so that a feed of years fits on the disk."""
    with State(tmp_path, "s", "f", 2) as state:
        assert (state.cursor, state.at_ms) == (None, 0)
        for key in "abc":
            state.keep(key, key.encode())
        state.keep("c", b"other")
        state.commit("7", 5)
        state.keep("d", b"d")
    with State(tmp_path, "s", "f", 2) as state:
        assert (state.cursor, state.at_ms) == ("7", 5)
        assert [state.kept(key) for key in "abcd"] == [None, b"b", b"c", None]


def test_a_state_is_held_by_one_and_told_apart_by_feed(tmp_path: Path) -> None:
    """A cursor of one server means nothing to another."""
    with State(tmp_path, "s", "one", 0) as state, State(tmp_path, "s", "two", 0) as other:
        state.commit("1", 0)
        assert other.cursor is None
        with pytest.raises(BadSettingError, match="other collector"):
            State(tmp_path, "s", "one", 0)


def test_a_damaged_state_is_told_loudly(tmp_path: Path) -> None:
    """Beginning from now instead would lose what lies between, in silence."""
    (tmp_path / "s.db").write_bytes(b"not a database" * 100)
    with pytest.raises(BrokenGuaranteeError, match="delete it"):
        State(tmp_path, "s", "", 0)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A mistyped --data is the user's to mend."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadSettingError, match="--data"):
        State(tmp_path / "file" / "under", "s", "", 0)


def test_a_state_of_another_form_is_not_touched(tmp_path: Path) -> None:
    """A later version's file is not ours to write."""
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BrokenGuaranteeError, match="form 99"):
        State(tmp_path, "s", "", 0)


def test_pauses_grow_are_spread_and_end_with_success() -> None:
    """A server that comes back must not be met by everybody at once."""
    backoff = Backoff(chance=random.Random(1))
    pauses = [backoff.pause_s() for _ in range(200)]
    assert max(pauses[:1]) <= 0.5
    assert 25.0 < max(pauses) <= 30.0
    assert min(pauses[10:]) < 3.0
    backoff.succeeded()
    assert backoff.pause_s() <= 0.5
    assert backoff.pause_s(60.0) == 60.0
    assert backoff.pause_s(1e9) == LONGEST_ASKED_S
    assert backoff.attempt == 203


async def _session(state: State, source: Numbers, publisher: Kept) -> None:
    metrics = CollectMetrics(CollectorRegistry(), "numbers")
    session = Session(source, state, cast("Publisher", publisher), metrics, lambda: NOW_MS, 300.0)
    await session.run(0, asyncio.Event(), lambda: None)


async def test_a_cursor_never_goes_back(tmp_path: Path) -> None:
    """Cut again and again within its overlap, a connection would drift into the past and never come forward."""
    with State(tmp_path, "numbers", "", 0) as state:
        for numbers in ((100, 101), (91, 92), (93,)):
            with pytest.raises(FeedError):
                await _session(state, Numbers(*numbers), Kept())
        assert (state.cursor, state.at_ms) == ("101", 101_000)


async def test_a_frame_from_the_future_is_kept_and_moves_nothing(tmp_path: Path) -> None:
    """Its cursor would make the next connection skip everything up to then."""
    far = NOW_MS // 1000 + 301
    publisher = Kept()
    with State(tmp_path, "numbers", "", 0) as state:
        with pytest.raises(FeedError):
            await _session(state, Numbers(100, far), publisher)
        assert state.cursor == "100"
    (refused,) = publisher.outcomes
    assert isinstance(refused, Refused)
    assert (refused.error.reason, refused.value) == (Reason.FROM_THE_FUTURE, str(far).encode())


async def test_without_kafka_no_cursor_moves_and_no_sender_is_answered(tmp_path: Path) -> None:
    """Nothing may be assumed: the sender sends again, and the feed is read again."""
    taken = asyncio.get_running_loop().create_future()
    with State(tmp_path, "numbers", "", 0) as state:
        with pytest.raises(KafkaAwayError):
            await _session(state, Numbers(100, taken=taken), Kept(away=True))
        assert state.cursor is None
    assert taken.cancelled()


async def test_what_kafka_did_not_take_is_not_remembered(tmp_path: Path) -> None:
    """Else the second delivery of a lost one would be passed over as known."""

    class Remembering(Numbers):
        def read(self, raw: bytes, memory: Memory) -> Reading:
            memory.keep(raw.decode(), b"")
            return Reading()

    with State(tmp_path, "numbers", "", 10) as state:
        for away in (True, False):
            with pytest.raises(KafkaAwayError if away else FeedError):
                await _session(state, Remembering(100), Kept(away=away))
            assert (state.kept("100") is None) is away


async def test_a_sender_is_answered_once_its_frame_is_safe(tmp_path: Path) -> None:
    """The answer is a promise."""
    taken = asyncio.get_running_loop().create_future()
    with State(tmp_path, "numbers", "", 0) as state:
        source = Numbers(100, taken=taken)
        with pytest.raises(FeedError):
            await _session(state, source, Kept())
        with pytest.raises(FeedError):
            await _session(state, source, Kept())
    assert taken.result() is None
    assert source.asked[1:] == ["", "100"]


async def test_a_feed_waits_for_a_slow_kafka() -> None:
    """What is read ahead is bounded: the rest stays in the feed, which slows down by itself."""
    read = 0

    async def endless() -> AsyncGenerator[Frame, None]:
        nonlocal read
        while True:
            read += 1
            yield Frame(b"x")

    async with Intake(endless()) as intake:
        for taken in range(1, 4):
            while read < taken * MOST_WAITING:  # noqa: ASYNC110 - the feed tells nobody
                await asyncio.sleep(0)
            await asyncio.sleep(0.01)
            assert read == taken * MOST_WAITING + 1
            assert len(await intake.block(1.0) or ()) == MOST_WAITING


async def test_frames_before_a_cut_come_before_its_error() -> None:
    """What arrived is worth as much as if nothing had happened."""
    async with Intake(Numbers(1, 2).frames(None, 0)) as intake:
        assert [frame.raw for frame in await intake.block(1.0) or ()] == [b"1", b"2"]
        with pytest.raises(FeedError):
            await intake.block(1.0)


@pytest.mark.parametrize(("first", "is_told"), [(150, False), (161, True), (90, False)])
async def test_a_gap_in_a_feed_that_is_never_silent_is_told(first: int, *, is_told: bool, tmp_path: Path) -> None:
    """A server that has kept less than was missed begins later than it was asked to, and says nothing."""

    class Continuous(Numbers):
        continuous_s = 60.0

    for source, told in ((Continuous(first, 900), is_told), (Numbers(first, 900), False)):
        with State(tmp_path / type(source).__name__, "numbers", "", 0) as state, capture_logs() as logs:
            state.commit("100", 100_000)
            with pytest.raises(FeedError):
                await _session(state, source, Kept())
        assert [each["lost_s"] for each in logs if each["event"] == "gap"] == ([first - 100] if told else [])


def test_frames_are_unpacked_by_the_dictionary_that_both_sides_have(tmp_path: Path) -> None:
    """Garbage among good frames is garbage; a first frame that cannot be unpacked is a setting to put right."""
    words = [b'{"kind":"commit","did":"did:plc:%032d","text":"%d"}' % (number, number) for number in range(500)]
    (tmp_path / "dictionary").write_bytes(zstd.train_dict(words, 1_000).dict_content)
    known = zstd.ZstdDict((tmp_path / "dictionary").read_bytes())
    packed = [zstd.compress(each, zstd_dict=known) for each in (words[7], b"x" * 1_001)]
    unpack = unpacker_of(tmp_path / "dictionary", 1_000)
    assert unpack(packed[0]) == words[7]
    for damaged in (packed[0][:-5], b"garbage", b"", packed[1], packed[0][:4] + b"\xff" * 30):
        assert unpack(damaged) == damaged
    with pytest.raises(BadSettingError, match="--compress"):
        unpacker_of(tmp_path / "dictionary", 1_000)(b"garbage")

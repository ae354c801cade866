"""Files on their way: rhythm, position, and what a dry run says; formats as the command opens them."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import cramjam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from agents.cli.ingest import ingest
from agents.ingest.formats import outcomes, read
from agents.ingest.formats.opening import SourceError
from agents.ingest.outcomes import Outcome, Ready
from agents.ingest.pace import AsRecorded, Pace, Rhythm
from agents.ingest.position import FINGERPRINT_BYTES, Position
from agents.ingest.publisher import Publisher
from agents.ingest.run import after, publish_all
from agents.ingest.tally import Tally
from schemas.codec import decode_engagement
from schemas.engagement import Act
from schemas.errors import BrokenGuaranteeError


def act(number: int, at_ms: int = 5) -> Ready:
    value = b'{"id":"%d","kind":"like","actor":"x:a","target":"x:b","occurred_at":%d}' % (number, at_ms)
    return Ready(decode_engagement(value), value)


class Noting:
    """A publisher that notes when what it was given was given, pushed and flushed."""

    def __init__(self) -> None:
        self.tally, self.given, self.pushed, self.flushed = Tally(), list[tuple[float, bytes]](), 0, list[int]()

    async def publish(self, part: Iterable[Outcome]) -> None:
        """Note."""
        now = time.monotonic()
        self.given += [(now, each.value) for each in part]

    async def push(self) -> None:
        """Note what has left."""
        self.pushed = len(self.given)

    async def flush(self) -> None:
        """Note what is acknowledged."""
        await self.push()
        self.flushed.append(self.pushed)


async def sent(block: list[Outcome], pace: Rhythm, stop: asyncio.Event | None = None) -> tuple[Noting, list[int]]:
    noting, reached = Noting(), list[int]()
    stop = stop or asyncio.Event()
    await publish_all(iter([block]), cast("Publisher", noting), pace, stop, lambda: None, reached.append)
    return noting, reached


async def test_acts_keep_their_recorded_distances() -> None:
    """So many times as fast as asked; what comes late goes with what is before it."""
    block: list[Outcome] = [act(1, 10_000), act(2, 10_010), act(3, 11_000), act(4, 10_500), act(5, 13_000)]
    noting, reached = await sent(block, AsRecorded(10.0))
    start = noting.given[0][0]
    assert [round((at - start) * 10) for at, _ in noting.given] == [0, 0, 1, 1, 3]
    assert [value for _, value in noting.given] == [each.value for each in block]
    assert reached == [5]


async def test_what_is_due_at_about_the_same_time_goes_together() -> None:
    """A burst must not be sent act by act."""
    block: list[Outcome] = [act(number, number) for number in range(20)]
    parts = [part async for part in AsRecorded().parts(block, asyncio.Event())]
    assert parts == [block]


async def test_what_is_due_is_sent_before_the_next_pause() -> None:
    """In the rhythm of a night, an act must not wait for the next one's hour."""
    stop, noting = asyncio.Event(), Noting()
    block: list[Outcome] = [act(1, 0), act(2, 60), act(3, 3_600_000)]
    sending = asyncio.ensure_future(
        publish_all(iter([block]), cast("Publisher", noting), AsRecorded(), stop, lambda: None)
    )
    async with asyncio.timeout(10):
        while noting.pushed < 2:  # noqa: ASYNC110 - the publisher tells nobody
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(sending, 5)
    assert len(noting.given) == noting.pushed == 2


async def test_what_was_reached_is_told_only_when_it_is_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The position is a promise that nothing before it is missing."""
    monkeypatch.setattr("agents.ingest.run.REACHED_EVERY_S", 0.0)
    noting, reached = await sent([act(number) for number in range(2_500)], Pace(None))
    assert reached == noting.flushed == [1_000, 2_000, 2_500, 2_500]


async def test_a_damaged_file_leaves_its_position_behind_what_was_good() -> None:
    """The mended file goes on there."""
    reached: list[int] = []

    def torn() -> Iterable[list[Outcome]]:
        yield [act(1), act(2)]
        raise SourceError("cut")

    with pytest.raises(SourceError):
        await publish_all(
            iter(torn()), cast("Publisher", Noting()), Pace(None), asyncio.Event(), lambda: None, reached.append
        )
    assert reached == [2]


@pytest.mark.parametrize("count", range(8))
def test_after_leaves_out_as_many_as_were_sent(count: int) -> None:
    """Blocks are cut where the reader likes."""
    blocks: list[list[Outcome]] = [[act(1), act(2)], [], [act(3)], [act(4), act(5), act(6)]]
    left = [each for block in after(iter(blocks), count) for each in block]
    assert left == [each for block in blocks for each in block][count:]


def _position(folder: Path, path: Path, form: str = "jsonl", destination: str = "kafka topic") -> Position:
    return Position(folder / "state", str(path), form, destination)


def test_a_position_outlives_its_process_and_is_gone_at_the_end(tmp_path: Path) -> None:
    """The next run of a finished file begins at its beginning."""
    path = tmp_path / "events"
    path.write_bytes(b"x")
    first = _position(tmp_path, path)
    assert (first.start, (tmp_path / "state").exists()) == (0, False)
    first.reached(7)
    first.close(done=False)
    second = _position(tmp_path, path)
    assert second.start == 7
    second.reached(5)
    second.close(done=False)
    third = _position(tmp_path, path)
    assert third.start == 12
    third.close(done=True)
    assert list((tmp_path / "state").iterdir()) == []
    assert _position(tmp_path, path).start == 0


def test_a_position_is_of_one_file_in_one_format_to_one_place(tmp_path: Path) -> None:
    """Anything else would leave out what was never sent; a file that has grown is the same."""
    path = tmp_path / "events"
    path.write_bytes(b"x" * FINGERPRINT_BYTES)
    first = _position(tmp_path, path)
    first.reached(7)
    first.close(done=False)
    assert _position(tmp_path, path, form="csv").start == 0
    assert _position(tmp_path, path, destination="other").start == 0
    path.write_bytes(b"x" * FINGERPRINT_BYTES + b"more")
    grown = _position(tmp_path, path)
    assert grown.start == 7
    grown.close(done=False)
    path.write_bytes(b"y" + b"x" * FINGERPRINT_BYTES)
    assert _position(tmp_path, path).start == 0
    assert _position(tmp_path, Path("-")).start == 0


def test_where_nothing_can_be_kept_the_run_goes_on(tmp_path: Path) -> None:
    """A read-only folder is no reason not to send; a damaged position is one to stop."""
    path = tmp_path / "events"
    path.write_bytes(b"x")
    (tmp_path / "state").write_bytes(b"a file")
    position = _position(tmp_path, path)
    position.reached(7)
    assert "not be remembered" in position.complaint
    position.close(done=False)
    (tmp_path / "state").unlink()
    kept = _position(tmp_path, path)
    kept.reached(7)
    busy = _position(tmp_path, path)
    assert (busy.start, "other collector" in busy.complaint) == (0, True)
    kept.close(done=False)
    (state,) = (tmp_path / "state").glob("*.db")
    state.write_bytes(b"not a database" * 100)
    with pytest.raises(BrokenGuaranteeError, match="delete it"):
        _position(tmp_path, path)


LINES = [
    b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":5}',
    b'{"id":"2","kind":"poke","actor":"x:a","target":"x:b","occurred_at":5}',
    b'{"id":"3","kind":"like","actor":"x:a","target":"x:b","occurred_at":"2099-01-01T00:00:00Z"}',
    b'{"id":"1","kind":"like","actor":"x:a","target":"x:b","occurred_at":9,"undo":true}',
    *[b"torn"] * 5,
]


def test_a_dry_run_says_what_would_be_refused_and_why(tmp_path: Path) -> None:
    """Without Kafka; what workers would refuse as well; three examples of each."""
    path = tmp_path / "events"
    path.write_bytes(b"\n".join(LINES))
    run = CliRunner().invoke(ingest, [str(path), "--dry-run", "--json"])
    found = json.loads(run.output)
    assert (run.exit_code, found["would_send"]) == (0, 2)
    reasons = {"undecodable": 5, "unknown_kind": 1, "from_the_future": 1}
    assert found["would_refuse"] == reasons
    assert [each["place"] for each in found["examples"]["undecodable"]] == [5, 6, 7]
    assert "poke" in found["examples"]["unknown_kind"][0]["detail"]
    assert found["occurred_at"] == {"first": "1970-01-01T00:00:00.005Z", "last": "2099-01-01T00:00:00.000Z"}
    text = CliRunner().invoke(ingest, [str(path), "--dry-run"]).output
    assert "line 2: kind='poke'" in text


HEAD = "id,kind,actor,target,occurred_at\n"


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (HEAD.encode() + b"1,like,x:a,x:b,5\n", "csv"),
        (gzip.compress(HEAD.encode() + b"1,like,x:a,x:b,5\n"), "csv"),
        (bytes(cramjam.zstd.compress(HEAD.encode() + b"1,like,x:a,x:b,5\n")), "csv"),
        (LINES[0], "jsonl"),
        (bytes(cramjam.zstd.compress(LINES[0])), "jsonl"),
    ],
)
def test_the_command_opens_every_format_however_packed(content: bytes, form: str, tmp_path: Path) -> None:
    """With its progress bar, which reads along."""
    path = tmp_path / "events"
    path.write_bytes(content)
    run = CliRunner().invoke(ingest, [str(path), "--format", form, "--dry-run", "--json"])
    assert run.exception is None or isinstance(run.exception, SystemExit)
    assert json.loads(run.output)["would_send"] == 1


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_a_file_in_another_format_is_told_in_one_line(form: str, tmp_path: Path) -> None:
    """A wrong --format is the commonest mistake."""
    path = tmp_path / "events"
    path.write_bytes(LINES[1])
    try:
        assert not [each for block in outcomes(str(path), form) for each in block if isinstance(each, Ready)]
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_parquet_takes_instants_in_every_unit(unit: str, zone: str | None, tmp_path: Path) -> None:
    """Warehouses write microseconds and nanoseconds; without a zone they mean UTC."""
    at = datetime(2015, 1, 1, 15, 0, 3, tzinfo=UTC)
    numbers = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
    value = int(at.timestamp()) * numbers[unit] + (1 if unit == "ns" else 0)
    columns = {name: pa.array(["x:" + name]) for name in ("id", "actor", "target")} | {"kind": pa.array(["like"])}
    columns["occurred_at"] = pa.array([value], pa.int64()).cast(pa.timestamp(unit, zone))
    pq.write_table(pa.table(columns), tmp_path / "events")
    (found,) = [each for block in read(str(tmp_path / "events"), "parquet") for each in block]
    assert isinstance(found, Act)
    assert found.occurred_at_ms == int(at.timestamp()) * 1000


def test_the_progress_of_parquet_ends_at_its_size(tmp_path: Path) -> None:
    """Its rows are not read in the order of its bytes."""
    path, told = tmp_path / "events", list[int]()
    columns = {name: [f"x:{number}" for number in range(5_000)] for name in ("id", "kind", "actor", "target")}
    pq.write_table(pa.table(columns | {"occurred_at": [5] * 5_000}), path)
    assert sum(len(block) for block in outcomes(str(path), "parquet", told.append)) == 5_000
    assert told == sorted(told)
    assert (len(told), told[-1]) == (3, path.stat().st_size)


def test_a_damaged_parquet_file_says_after_which_row(tmp_path: Path) -> None:
    """A torn download must end in one line."""
    names = ("id", "kind", "actor", "target", "occurred_at")
    buffer = io.BytesIO()
    pq.write_table(pa.table({name: [f"x:{number}" for number in range(5_000)] for name in names}), buffer)
    raw = bytearray(buffer.getvalue())
    raw[2_000:60_000] = bytes(58_000)
    (tmp_path / "events").write_bytes(raw)
    with pytest.raises(SourceError, match="damaged after row"):
        list(read(str(tmp_path / "events"), "parquet"))

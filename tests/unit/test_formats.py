"""File formats: what stored events become, and what damaged files do."""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import cramjam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from agents.ingest.formats import outcomes, read
from agents.ingest.formats.gharchive import line_outcomes
from agents.ingest.formats.lines import MAX_LINE_BYTES, Line, line_blocks
from agents.ingest.formats.opening import SourceError
from agents.ingest.outcomes import Ready, Refused
from schemas.codec import decode_engagement
from schemas.engagement import Act
from schemas.kinds import KINDS
from schemas.reasons import Reason

GOOD = {"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5}


def _line(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes).encode() + b"\n"


def _reasons(path: Path, form: str) -> list[Reason | None]:
    return [getattr(each, "reason", None) for block in read(str(path), form) for each in block]


def _event(kind: str, action: str | None, **changes: Any) -> bytes:
    event = {"id": "7", "type": kind, "created_at": "2015-01-01T15:00:03Z", "actor": "ann", "repo": "bob/lib"}
    return json.dumps(event | {"repo_owner": "bob", "action": action, "mentions": []} | changes).encode()


def _told(line: bytes) -> list[tuple[str, str, str, str]]:
    acts = [each.act for each in line_outcomes(Line(1, line)) if isinstance(each, Ready)]
    return [(KINDS[act.kind], act.target.decode(), act.object.decode(), act.id.decode()) for act in acts]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (_event("WatchEvent", "started"), ("like", "github:bob", "bob/lib", "gharchive:7")),
        (_event("ForkEvent", None), ("share", "github:bob", "bob/lib", "gharchive:7")),
        (_event("CommitCommentEvent", None), ("reply", "github:bob", "bob/lib", "gharchive:7")),
        (
            _event("IssueCommentEvent", "created", thread_author="cyd", thread_number=3),
            ("reply", "github:cyd", "bob/lib#3", "gharchive:7"),
        ),
        (
            _event("PullRequestEvent", "opened", thread_author="ann", thread_number=3),
            ("mention", "github:bob", "bob/lib#3", "gharchive:7"),
        ),
    ],
)
def test_every_github_act_means_what_the_table_says(event: bytes, told: tuple[str, str, str, str]) -> None:
    """The table is the format's contract: scores of recorded GitHub hours rest on it."""
    assert _told(event) == [told]


@pytest.mark.parametrize("event", [_event("IssuesEvent", "closed"), _event("PushEvent", None)])
def test_github_housekeeping_is_no_engagement(event: bytes) -> None:
    """Closing an issue addresses nobody."""
    assert line_outcomes(Line(1, event)) == []


def test_one_github_event_speaks_to_a_person_once() -> None:
    """Whoever is addressed already is not mentioned again, and a name written twice counts once."""
    event = _event("IssueCommentEvent", "created", thread_author="cyd", thread_number=3, mentions=["cyd", "dan", "dan"])
    assert [(kind, target) for kind, target, _, _ in _told(event)] == [
        ("reply", "github:cyd"),
        ("mention", "github:dan"),
    ]
    assert len({ident for *_, ident in _told(event)}) == 2


def test_acting_on_ones_own_repository_is_refused_as_self_engagement() -> None:
    """Nobody gains by starring herself; the refusal is counted, so it must be told."""
    (outcome,) = line_outcomes(Line(1, _event("WatchEvent", "started", actor="bob")))
    assert isinstance(outcome, Refused)
    assert outcome.error.reason is Reason.SELF_ENGAGEMENT


def test_the_sample_hour_yields_every_event_once() -> None:
    """The demo's numbers: a change here is a change of meaning, to be made on purpose."""
    path = str(files("agents.ingest.sample") / "github-2015-01-01-15.ndjson.gz")
    acts = [each for block in read(path, "gharchive") for each in block]
    kinds = Counter(KINDS[each.kind] for each in acts if isinstance(each, Act))
    assert kinds == {"like": 1209, "reply": 711, "mention": 544, "share": 355}
    assert len(acts) - kinds.total() == 542
    ids = [each.id for each in acts if isinstance(each, Act)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lambda raw: bytes(cramjam.zstd.compress(raw))])
def test_compression_is_recognised_by_content(tmp_path: Path, pack: Any) -> None:
    """A file without the usual ending must read the same."""
    path = tmp_path / "events"
    path.write_bytes(pack(_line() + _line(id="2")))
    assert [each.id for block in read(str(path), "jsonl") for each in block if isinstance(each, Act)] == [b"1", b"2"]


def test_a_cut_archive_gives_what_it_holds_and_then_says_so(tmp_path: Path) -> None:
    """A torn download must not pass for a whole one, nor lose what did arrive."""
    lines = b"".join(_line(id=str(number)) for number in range(20_000))
    path = tmp_path / "events.gz"
    path.write_bytes(gzip.compress(lines)[:-20])
    seen = 0
    with pytest.raises(SourceError, match="damaged or cut"):  # noqa: PT012 - what came before counts
        for block in read(str(path), "jsonl"):
            seen += len(block)
    assert seen > 1_000


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id":"1","kind":"li\n', Reason.UNDECODABLE),
        (b"\xff\xfe\x00\n", Reason.UNDECODABLE),
        (b'{"deep":' + b"[" * 5_000 + b"\n", Reason.UNDECODABLE),
        (_line(id="i" * 10_000), Reason.INVALID_FIELD),
        (_line(actor="x:a\u0000b"), Reason.INVALID_FIELD),
        (_line(actor="x:a\nb"), Reason.INVALID_FIELD),
        (_line(kind="poke"), Reason.UNKNOWN_KIND),
        (_line(target="x:a"), Reason.SELF_ENGAGEMENT),
        (_line(object="o" * 20_000), Reason.TOO_LARGE),
        (_line(id="😀", actor="x:😀"), None),
        (_line(occurred_at=10**30), Reason.INVALID_FIELD),
    ],
)
def test_a_bad_line_costs_only_itself(tmp_path: Path, line: bytes, reason: Reason | None) -> None:
    """Upstream data is never trusted and never fatal."""
    path = tmp_path / "events"
    path.write_bytes(_line() + line + b"\r\n\n" + _line())
    assert _reasons(path, "jsonl") == [None, reason, None]


def test_refusals_name_their_line_and_keep_their_bytes(tmp_path: Path) -> None:
    """A dead letter that cannot be found in its file cannot be repaired."""
    path = tmp_path / "events"
    path.write_bytes(_line() + b"\n" + b"torn\r\n")
    refused = [each for block in outcomes(str(path), "jsonl") for each in block if isinstance(each, Refused)]
    assert [(each.line, each.value) for each in refused] == [(3, b"torn")]


def test_an_endless_line_is_cut_and_the_next_one_is_whole() -> None:
    """Memory stays bounded whatever a file holds."""
    stream = io.BytesIO(b"a" * (3 * MAX_LINE_BYTES) + b"\n" + b"next\n")
    lines = [line for block in line_blocks(stream) for line in block]
    assert [(line.number, len(line.value), line.cut) for line in lines] == [(1, MAX_LINE_BYTES, True), (2, 4, False)]


def test_csv_rows_become_engagements_or_refusals(tmp_path: Path) -> None:
    """Quoted commas, numbers as text and broken bytes are what spreadsheets produce."""
    path = tmp_path / "events.csv"
    rows = [
        b"\xef\xbb\xbfid,kind,actor,target,occurred_at,object,undo,extra",
        b'1,like,x:a,x:b,1420124403000,"a, b",,z',
        b"2,share,x:a,x:b,2015-01-01T15:00:03Z,,true,z",
        b"3,like,x:\xff,x:b,5,,,",
        b"4,like,x:a",
    ]
    path.write_bytes(b"\n".join(rows))
    found = [each for block in read(str(path), "csv") for each in block]
    acts = [each for each in found if isinstance(each, Act)]
    assert [(act.object, act.undo, act.occurred_at_ms) for act in acts] == [
        (b"a, b", False, 1420124403000),
        (b"", True, 1420124403000),
    ]
    assert [getattr(each, "reason", None) for each in found[2:]] == [Reason.UNDECODABLE, Reason.INVALID_FIELD]


def test_csv_without_a_needed_column_is_refused_whole(tmp_path: Path) -> None:
    """A wrong header would otherwise refuse a million rows one by one."""
    path = tmp_path / "events.csv"
    path.write_text("id,kind\n1,like\n")
    with pytest.raises(SourceError, match="lacks actor, target, occurred_at"):
        list(read(str(path), "csv"))


def test_parquet_takes_timestamps_and_numbers(tmp_path: Path) -> None:
    """Warehouses export instants as timestamps; both spell the same act."""
    path = str(tmp_path / "events.parquet")
    columns = {**{name: [str(value)] * 2 for name, value in GOOD.items()}, "id": ["1", "2"]}
    columns["occurred_at"] = pa.array([1420124403123] * 2, pa.timestamp("ms"))
    pq.write_table(pa.table(columns), path)
    acts = [each for block in read(path, "parquet") for each in block]
    assert [act.occurred_at_ms for act in acts if isinstance(act, Act)] == [1420124403123] * 2


def test_what_is_not_parquet_says_so(tmp_path: Path) -> None:
    """A wrong --format must end in one line."""
    path = tmp_path / "events.parquet"
    path.write_bytes(b"not parquet")
    with pytest.raises(SourceError, match="not a Parquet file"):
        list(read(str(path), "parquet"))


def test_every_value_on_its_way_to_kafka_decodes_to_its_act(tmp_path: Path) -> None:
    """The engine sees only the bytes: they must say what the reader understood."""
    path = tmp_path / "higgs"
    path.write_bytes(b"1 2 1341100972 MT\n3 4 1341100973 RT\n5 5 1341100974 RE\n6 7 1341100975 RE\n")
    ready = [each for block in outcomes(str(path), "higgs") for each in block if isinstance(each, Ready)]
    assert len(ready) == 3
    assert [decode_engagement(each.value) for each in ready] == [each.act for each in ready]

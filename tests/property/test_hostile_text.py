"""Ids in what people and other programs read: tables, logs and the headers of dead letters."""

from __future__ import annotations

import asyncio
import io
import json
import unicodedata
from collections.abc import AsyncIterator
from typing import Any, cast

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from agents.cli import counts, dlq, main, replay_output
from agents.cli.main import cli
from agents.ingest.letters import Filed
from agents.ingest.publisher import letter_of
from agents.lookup.shown import show
from schemas.codec import decode_engagement
from schemas.dead_letter import DeadLetter, dead_letter
from schemas.errors import BadRecordError, RenownError
from schemas.identifiers import user_id
from schemas.printing import printable
from schemas.reasons import Reason
from schemas.score import Counts
from streams import logs
from tests.hostile import ids, is_allowed


@given(text=ids)
def test_what_people_see_of_a_text_is_one_plain_line(text: str) -> None:
    """Visible letters stay as they are; everything a terminal obeys is spelt out, the same for nothing else."""
    line = printable(text)
    assert line.isprintable()
    line.encode()
    assert (line == text) == text.isprintable()
    for out in (io.StringIO(), _Terminal()):
        show(("user",), [(text,)], out)
        shown = out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")  # the head's own bold
        assert all(each.isprintable() for each in shown.split("\n"))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Whether it looks like a terminal: it does."""
        return True


@given(text=ids)
def test_logs_spell_out_what_a_terminal_would_obey(text: str) -> None:
    """Errors quote ids, and whoever reads a log reads it in a terminal."""
    escaped = logs._escaped(None, "info", {"event": "refused", "user": text, "count": 3})
    assert escaped == {"event": "refused", "user": printable(text), "count": 3}


def _spelt(text: str, field: str) -> bytes:
    act = {"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5} | {field: text}
    return json.dumps(act, ensure_ascii=any("\ud800" <= each <= "\udfff" for each in text)).encode()


@given(text=ids, field=st.sampled_from(["id", "actor", "target", "object", "kind", "occurred_at"]))
def test_a_refused_id_stays_inside_its_letter(text: str, field: str) -> None:
    """Headers are read by other programs: they quote a hostile id escaped and short, and the value is untouched."""
    value = _spelt(text, field)
    try:
        act = decode_engagement(value)
    except BadRecordError as error:
        letter = letter_of(error, value, "origin", 7, "http", 5)
        headers = letter.headers()
        assert all(raw.decode().isprintable() and len(raw) <= 1_000 for _, raw in headers)
        assert len({name for name, _ in headers}) == len(headers)
        assert dead_letter(value, headers).value == value
        assert field not in {"actor", "target"} or not is_allowed(text) or text in {"x:a", "x:b"}
    else:
        assert field not in {"actor", "target"} or getattr(act, field) == unicodedata.normalize("NFC", text).encode()


@given(
    unit=st.sampled_from(["\u0301", "\u0316", "é", "\u03b0", "\uac01", "a", "a\u0316\u0301"]), count=st.integers(1, 400)
)
@example(unit="\u03b0", count=127)
@example(unit="\u03b0", count=128)
def test_the_early_bound_on_length_refuses_nothing_that_fits(unit: str, count: int) -> None:
    """Texts are normalised before they are measured: the bound that spares us that must never decide otherwise."""
    text = "x:" + unit * count
    fits = len(unicodedata.normalize("NFC", text).encode()) <= 256
    for form in ("NFC", "NFD"):
        spelt = unicodedata.normalize(form, text)
        if fits:
            assert user_id(spelt) == unicodedata.normalize("NFC", text).encode()
        else:
            with pytest.raises(BadRecordError):
                user_id(spelt)


HOSTILE = "x:\x1b[2J\x9b31m\u202e[bold][/]\r\n"
ENV = {"RENOWN_BOOTSTRAP": "127.0.0.1:1", "RENOWN_DATA": "/nowhere/at/all"}


def _is_plain(text: str) -> bool:
    return "\\x1b[2J" in text and "[bold][/]" in text and all(line.isprintable() for line in text.split("\n"))


def test_a_dead_letter_is_shown_escaped_and_its_json_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters hold what somebody else sent, from the first byte to the file's name."""
    letter = DeadLetter(HOSTILE.encode(), Reason.UNDECODABLE, HOSTILE, HOSTILE, 0, 7, HOSTILE, 5)

    async def found(*_: object) -> list[Filed]:
        await asyncio.sleep(0)
        return [Filed(0, letter)]

    monkeypatch.setattr(dlq, "_found", found)
    for arguments in (["list"], ["show", "0"]):
        done = CliRunner().invoke(cli, ["dlq", *arguments], env=ENV)
        assert done.exit_code == 0
        assert _is_plain(done.output), arguments
    exact = json.loads(CliRunner().invoke(cli, ["dlq", "show", "0", "--json"], env=ENV).stdout)
    assert {exact[name] for name in ("value", "detail", "topic", "source")} == {HOSTILE}


def test_tables_of_counts_and_replays_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's name is not markup, either: `[/]` once ended the program that printed it."""
    none = dict.fromkeys(("like", "share", "mention", "reply"), 0)
    line = {"user": HOSTILE, "received": none, "given": none, "raw": 1.0, "score": 1.0}

    async def partitions(_: object) -> AsyncIterator[None]:
        await asyncio.sleep(0)
        yield None

    monkeypatch.setattr(counts, "tables", partitions)
    monkeypatch.setattr(counts, "_lines", lambda *_: [line])
    done = CliRunner().invoke(cli, ["counts", "--output", "table", "--as-of", "5"], env=ENV)
    assert done.exit_code == 0, done.output
    assert _is_plain(done.output)
    replayed = replay_output.Line(HOSTILE, 1.0, 1.0, 1.0, 1.0, 1.0, Counts())
    monkeypatch.setattr(replay_output, "lines", lambda *_: [replayed])
    assert _is_plain(replay_output._table(cast("Any", None), np.arange(1)))


def test_an_error_that_quotes_an_id_is_escaped_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors are read in a terminal, and some are about what a stranger sent."""
    main._tell(RenownError(f"first {HOSTILE}second"))
    assert _is_plain(capsys.readouterr().err)

"""`renown collect check`: a mapping of webhooks tried on its own tests, or on a payload."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson

from schemas.errors import BadSettingError
from streams.clock import wall_ms


@click.command()
@click.argument("mapping")
@click.argument("payload", required=False, type=click.Path(allow_dash=True))
@click.option("--show", is_flag=True, help="Print the mapping itself, for a start of your own.")
@click.option("--header", "headers", multiple=True, help="NAME=VALUE, a header that comes with the payload.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def check(mapping: str, payload: str | None, headers: tuple[str, ...], *, show: bool, as_json: bool) -> None:
    """Run the tests in MAPPING, or say what becomes of PAYLOAD (`-` is standard input) by it.

    MAPPING is a TOML file, the name of a shipped mapping, or `example`, which explains what a mapping holds. Ends with
    1 when a test fails or there is none, or when something in the payload is refused.

    Example: renown collect check mapping.toml payload.json
    """
    if show:
        from agents.ingest.mapping import form

        click.echo(form.text(mapping), nl=False)
        return
    document, text, fine = _payload(mapping, payload, headers) if payload else _tests(mapping)
    click.echo(orjson.dumps(document) if as_json else text)
    sys.exit(0 if fine else 1)


def _tests(given: str) -> tuple[dict[str, Any], str, bool]:
    from agents.ingest.mapping import form, trial

    mapping = form.load(given)
    verdicts = [trial.tried(mapping, each) for each in mapping.form.test]
    tests = [
        {
            "name": each.name,
            "holds": each.holds,
            "wanted": each.wanted,
            "says": each.said.engagements,
            "refused": [reason for reason, _ in each.said.refused],
        }
        for each in verdicts
    ]
    lines = [line for each in verdicts for line in _told(each)]
    failed = sum(not each.holds for each in verdicts)
    lines.append(
        f"{mapping.name}: {len(verdicts)} tests, {failed} failed" if verdicts else f"{given}: no [[test]] in it"
    )
    return {"mapping": mapping.name, "tests": tests}, "\n".join(lines), bool(verdicts) and not failed


def _told(verdict: Any) -> list[str]:
    if verdict.holds:
        return [f"ok      {verdict.name}"]
    return [
        f"FAILED  {verdict.name}",
        *(f"  wanted   {_line(each)}" for each in verdict.wanted),
        *(f"  says     {_line(each)}" for each in verdict.said.engagements),
        *(f"  refused  {reason}: {detail}" for reason, detail in verdict.said.refused),
    ]


def _payload(given: str, path: str, headers: tuple[str, ...]) -> tuple[dict[str, Any], str, bool]:
    from agents.ingest.mapping import form, trial

    mapping = form.load(given)
    pairs = dict(each.partition("=")[::2] for each in headers)
    found = trial.said(mapping, _bytes(path), pairs, wall_ms())
    refused = [{"reason": reason, "detail": detail} for reason, detail in found.refused]
    lines = [_line(each) for each in found.engagements]
    lines += [f"refused  {reason}: {detail}" for reason, detail in found.refused]
    document = {"mapping": mapping.name, "says": found.engagements, "refused": refused}
    return document, "\n".join(lines or ["says nothing"]), not refused


def _bytes(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise BadSettingError("PAYLOAD", path, f"cannot be read ({error.strerror})") from error


def _line(engagement: dict[str, Any]) -> str:
    return orjson.dumps(engagement).decode()

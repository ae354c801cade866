"""`renown keys`: who may send and read over HTTP."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from agents.access.changes import add, revoke, rotate
from agents.access.key import Key, Purpose
from agents.access.key_file import changing, read
from agents.lookup.shown import show
from schemas.errors import BadSettingError
from schemas.instants import rfc3339
from streams.clock import wall_ms
from streams.settings import load

COLUMNS = ("name", "id", "for", "rate", "created", "ends", "state")
_UNITS: Mapping[str, str] = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")


class Duration(click.ParamType):
    """A time span such as 90s, 30m, 24h or 7d, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; tell click when the text is no duration."""
        found = re.fullmatch(r"(\d{1,6})([smhd])", str(value))
        if found is None:
            self.fail(f"{value!r}: send a whole number and s, m, h or d, such as 24h", param, ctx)
        return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))}).total_seconds()


@click.group()
def keys() -> None:
    """Make and end the keys that programs need over HTTP, in the file that RENOWN_API_KEYS_FILE names.

    Running servers follow every change at once. Example: renown keys add blog --rate 500
    """


@keys.command("add")
@click.argument("name")
@click.option("--rate", type=click.FloatRange(0.001), help="Items a second.  [default: RENOWN_KEY_RATE, _READ_RATE]")
@click.option(
    "--for",
    "purpose",
    type=click.Choice([each.value for each in Purpose]),
    default=Purpose.INGEST.value,
    show_default=True,
    help="What it opens.",
)
@json_option
def add_(name: str, rate: float | None, purpose: str, *, as_json: bool) -> None:
    """Make a key for NAME and show it, this once: only its hash is kept.

    Example: renown keys add blog --rate 500
    """
    with changing(_file()) as found:
        key, text = add(found, name, Purpose(purpose), now_s=_now_s(), rate=rate)
    _show_new(key, text, as_json=as_json)


@keys.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the keys: names and ids, never a key itself.

    Example: renown keys list --json
    """
    path = _file()
    found = sorted(read(path)[0].values(), key=lambda key: (key.name, key.created_at)) if path.exists() else []
    rows = [_document(key) for key in found]
    if as_json:
        click.echo(orjson.dumps(rows))
    elif rows:
        show(
            COLUMNS, [tuple("-" if field is None else str(field) for field in row.values()) for row in rows], sys.stdout
        )
    else:
        click.echo("no keys; `renown keys add NAME` makes one")


@keys.command("revoke")
@click.argument("name")
@json_option
def revoke_(name: str, *, as_json: bool) -> None:
    """End every key of NAME at once.

    Example: renown keys revoke blog
    """
    with changing(_file()) as found:
        gone = revoke(found, name)
    if as_json:
        click.echo(orjson.dumps({"name": name, "revoked": [key.id for key in gone]}))
    else:
        click.echo(f"revoked {len(gone)} of {name}")


@keys.command("rotate")
@click.argument("name")
@click.option("--grace", type=Duration(), default="24h", show_default=True, help="How long older keys go on working.")
@json_option
def rotate_(name: str, grace: float, *, as_json: bool) -> None:
    """Make a new key for NAME and show it, this once; its older keys work on for the time of grace.

    Example: renown keys rotate blog --grace 24h
    """
    now_s = _now_s()
    with changing(_file()) as found:
        key, text = rotate(found, name, now_s=now_s, grace_s=grace)
    _show_new(key, text, as_json=as_json, older_end_at=rfc3339(int((now_s + grace) * 1000)))


def _show_new(key: Key, text: str, *, as_json: bool, older_end_at: str | None = None) -> None:
    """Print the key alone on standard output, so that a script can store it and people's words stay apart."""
    if as_json:
        told = _document(key) | {"key": text}
        click.echo(orjson.dumps(told if older_end_at is None else told | {"older_keys_end": older_end_at}))
        return
    click.echo(text)
    older = "" if older_end_at is None else f"; older ones work until {older_end_at}"
    click.echo(f"key of {key.name}: shown this once, keep it{older}", err=True)


def _document(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "id": key.id,
        "for": key.purpose.value,
        "rate": key.rate,
        "created": rfc3339(int(key.created_at * 1000)),
        "ends": None if key.not_after is None else rfc3339(int(key.not_after * 1000)),
        "state": "valid" if key.is_valid_at(_now_s()) else "ended",
    }


def _file() -> Path:
    path = load(os.environ).api_keys_file
    if not path:
        raise BadSettingError("RENOWN_API_KEYS_FILE", "", "must name the file of keys, such as /etc/renown/keys.json")
    return Path(path)


def _now_s() -> float:
    return wall_ms() / 1000

"""`renown config`: the settings in force and where each came from."""

from __future__ import annotations

import os
from dataclasses import fields

import click
import orjson

from agents.cli.target import data_option, local_overrides
from deploy.local.errors import NoStackError
from streams.settings import Settings, load, origins, visible


def _overrides(data: str) -> dict[str, object]:
    try:
        return local_overrides(data)
    except NoStackError:
        return {}


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def config(data: str, *, as_json: bool) -> None:
    """Print every setting in force, its source and its meaning.

    Example: RENOWN_PROFILE=burst renown config
    """
    load(os.environ, _overrides(data))
    meanings = {f.name: f.metadata["meaning"] for f in fields(Settings)}
    rows = [
        {
            "name": name,
            "value": visible(name, origin.value),
            "source": origin.source,
            "meaning": meanings[name],
        }
        for name, origin in origins(os.environ, _overrides(data)).items()
    ]
    if as_json:
        click.echo(orjson.dumps(rows))
        return
    for row in rows:
        click.echo(f"{row['name']:<26}{row['value']!s:<34}{row['source']:<18}{row['meaning']}")

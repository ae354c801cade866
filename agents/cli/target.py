"""Which deployment a command speaks to: RENOWN_* variables, else the local stack of a data folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from agents.local_topics import known_by
from deploy.local.errors import NoStackError
from deploy.local.state import connect
from streams.settings import Settings, load

DEFAULT_DATA = ".renown"
F = TypeVar("F", bound=Callable[..., Any])


def data_option(command: F) -> F:
    """Add `--data DIR`, the folder of the local stack."""
    return click.option(
        "--data",
        envvar="RENOWN_DATA",
        default=DEFAULT_DATA,
        show_default=True,
        help="Folder of the local stack.",
    )(command)


def local_overrides(data: str) -> dict[str, Any]:
    """Return what the local stack of `data` knows: servers and partitions; empty when there is none."""
    try:
        stack = connect(Path(data))
    except NoStackError:
        if "RENOWN_BOOTSTRAP" in os.environ:
            return {}
        raise
    return known_by(stack)


def resolve(data: str) -> Settings:
    """Return the settings in force for the deployment that `data` or RENOWN_* name.

    Raises BadSettingError for a wrong setting, NoStackError when neither names a deployment.
    """
    return load(os.environ, local_overrides(data))

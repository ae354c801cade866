"""Creates the topics of a local stack between its brokers' start and its workers' start."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from agents.topics import apply, require
from streams.settings import from_file, load

if TYPE_CHECKING:
    from deploy.local.state import StackState

SETTINGS_FILE = "renown.toml"


def known_by(state: StackState) -> dict[str, Any]:
    """Return the settings that a local stack decides: its addresses, and what the file in its folder says."""
    path = state.data_dir / SETTINGS_FILE
    own = from_file(path) if path.is_file() else {}
    return {
        **own,
        "bootstrap": state.bootstrap_servers,
        "redis_url": state.redis_url,
        "partitions": state.partitions,
    }


def create_topics(state: StackState) -> None:
    """Create what is missing; raise BadSettingError when a topic is not as it must be."""
    inherited = {k: v for k, v in os.environ.items() if k not in {"RENOWN_BOOTSTRAP", "RENOWN_REDIS_URL"}}
    settings = load(inherited, known_by(state))

    async def ensure() -> None:
        await apply(settings)
        await require(settings)

    asyncio.run(ensure())

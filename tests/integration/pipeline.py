"""A whole pipeline of its own on the shared real broker: own topics, own workers, own Redis keys."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path

from agents.rig.pipeline import Pipeline
from agents.rig.pipeline import pipeline as rigged
from deploy.local.state import StackState

__all__ = ["RENOWN", "Pipeline", "pipeline"]
RENOWN = (sys.executable, "-m", "agents.cli.main")


def pipeline(
    stack: StackState, folder: Path, prefix: str, *, workers: int, **settings: str
) -> AbstractContextManager[Pipeline]:
    """Give a running pipeline whose topics exist and whose workers are ready."""
    return rigged(stack.bootstrap_servers, stack.redis_url, folder, prefix, workers=workers, **settings)

"""Fixtures of the parts that run on a real Kafka and a real Redis, started by the project's own local stack."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from deploy.local.stack import Stack
from deploy.local.state import StackState

settings.register_profile("renown", deadline=None)  # a first example may compile a kernel
settings.load_profile("renown")

collect_ignore_glob = ["integration/engine/*"]
"""Programs that tests start; they hold no tests."""
_PREFIXES = (f"t{number}" for number in itertools.count())


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackState]:
    """Start a real broker and a real Redis, without workers, for the whole session."""
    local = Stack(Path(tmp_path_factory.mktemp("stack")))
    try:
        yield local.up(workers=0, partitions=8)
    finally:
        local.down()


@pytest.fixture(scope="session")
def kafka_bootstrap(stack: StackState) -> str:
    """Return the address of the real broker."""
    return stack.bootstrap_servers


@pytest.fixture(scope="session")
def redis_url(stack: StackState) -> str:
    """Return the address of the real Redis."""
    return stack.redis_url


@pytest.fixture
def own_prefix() -> str:
    """Return a prefix of topics and Redis keys that no other test uses."""
    return next(_PREFIXES)

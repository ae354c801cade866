"""A store of scores of its own for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.web.serving import Store


@pytest.fixture
async def store(redis_url: str, own_prefix: str) -> AsyncIterator[Store]:
    """Give scores under a prefix that no other test uses."""
    made = Store(redis_url, own_prefix)
    yield made
    await made.redis.aclose()

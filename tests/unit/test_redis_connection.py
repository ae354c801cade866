"""Commands leave as redis-py would write them, only sooner."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Connection
from redis.exceptions import DataError

from agents.redis_connection import _Packing, redis_client

ARGUMENT = st.binary(max_size=20) | st.text(max_size=20).filter(lambda text: text.isprintable()) | st.integers()
URLS = ["redis://h:1/0", "rediss://h:1/0", "unix:///s"]


@given(
    st.sampled_from(["EVALSHA", "SCRIPT LOAD", "CONFIG GET"]), st.lists(ARGUMENT | st.just(b"x" * 9_000), max_size=9)
)
def test_a_command_is_the_same_bytes_on_every_connection(name: str, arguments: list[Any]) -> None:
    """Redis takes lengths at their word: one byte of difference and a name becomes a command."""
    plain = b"".join(Connection().pack_command(name, *arguments))
    assert b"".join(_Packing().pack_command(name, *arguments)) == plain


@pytest.mark.parametrize("url", URLS)
def test_every_client_packs_in_c(url: str) -> None:
    """By TCP, TLS or socket: packing in Python costs the scoring agent 2 more microseconds a score."""
    pool = redis_client(url, name="n", connect_s=1.0, reply_s=1.0).connection_pool
    assert issubclass(pool.connection_class, _Packing)


def test_what_is_neither_text_nor_number_is_refused() -> None:
    """A forgotten value must not become a field that reads None."""
    with pytest.raises(DataError):
        _Packing().pack_command("SET", "k", None)

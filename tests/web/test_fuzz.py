"""`renown serve` as a process, asked everything that its documentation allows and much that it does not."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings

from agents.access.changes import add
from agents.access.key import Purpose
from agents.access.key_file import changing
from agents.topics import apply
from agents.web.openapi import document
from agents.web.operations import EVENTS, OPERATIONS
from streams.clock import wall_ms
from streams.settings import Settings
from tests.web.process import process, write
from tests.web.serving import score_of

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default")]
EXAMPLES = 25
MOST_LINE_CHARS = 3_500
PREFIX = "fuzzed"
USERS = ("x:a", "github:torvalds", "0:0")
SCHEMA = schemathesis.openapi.from_dict(document(with_keys=False))
NAMES = [each.name for each in OPERATIONS if each.media != EVENTS]
"""A stream never ends, which no fuzzer waits for."""


@pytest.fixture(scope="module")
def address(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the command on a store of three users, and see it end cleanly."""
    write(redis_url, PREFIX, [score_of(user, raw=float(at)) for at, user in enumerate(USERS, 1)])
    with process(redis_url, PREFIX, tmp_path_factory.mktemp("serve")) as found:
        yield found


@pytest.mark.parametrize("name", NAMES)
def test_whatever_is_asked_the_answer_is_as_documented(address: str, name: str) -> None:
    """No crash, no undocumented status, no answer of another shape, bad requests refused."""
    operation = SCHEMA.find_operation_by_id(name)

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(case=operation.as_strategy())
    def asked(case: schemathesis.Case) -> None:
        assume(_fits(case))
        case.call_and_validate(base_url=address)

    asked()


@pytest.mark.parametrize("name", NAMES)
def test_bad_requests_are_refused(address: str, name: str) -> None:
    """What the documentation forbids must not be answered as if it were allowed."""
    operation = SCHEMA.find_operation_by_id(name)

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(case=operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE))
    def asked(case: schemathesis.Case) -> None:
        assume(_fits(case))
        case.call_and_validate(base_url=address)

    asked()


@pytest.fixture(scope="module")
def with_keys(
    kafka_bootstrap: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """Start the command with a file of keys and a real Kafka; give its address and the header of a steward."""
    folder = tmp_path_factory.mktemp("stewards")
    asyncio.run(apply(Settings(bootstrap=kafka_bootstrap, prefix=PREFIX)))
    with changing(folder / "keys.json") as found:
        _, text = add(found, "desk", Purpose.STEWARD, now_s=wall_ms() / 1000, rate=1e6)
    own = {"bootstrap": kafka_bootstrap, "prefix": PREFIX, "api_keys_file": str(folder / "keys.json")}
    with process(redis_url, PREFIX, folder, **own) as address:
        yield address, {"Authorization": f"Bearer {text}"}


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_departures_are_as_documented_for_who_may_ask(
    with_keys: tuple[str, dict[str, str]], mode: schemathesis.GenerationMode
) -> None:
    """Without keys every departure is refused before it is looked at, so that operation is asked here again."""
    (address, header), operation = with_keys, SCHEMA.find_operation_by_id("depart")
    statuses = set()

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None, database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def asked(case: schemathesis.Case) -> None:
        assume(_fits(case))
        statuses.add(case.call_and_validate(base_url=address, headers=header).status_code)

    asked()
    assert (202 if mode is schemathesis.GenerationMode.POSITIVE else 400) in statuses


def _fits(case: schemathesis.Case) -> bool:
    """Return whether the request's line is short enough to be read at all: aiohttp answers others by itself."""
    return len(quote(f"{case.path_parameters}{case.query}")) < MOST_LINE_CHARS


def test_the_served_documentation_is_the_one_that_was_fuzzed(address: str) -> None:
    """Else another API was tested."""
    with urllib.request.urlopen(f"{address}/openapi.json", timeout=10) as answer:  # noqa: S310 - our own server
        assert json.load(answer) == document(with_keys=False)

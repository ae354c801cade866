"""What docs/redis.md tells readers is what the writer leaves in a real Redis."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec
import pytest
from redis import Redis

from agents.rights.redis_acls import line, rules
from agents.scoring.entries import LEAST_MOMENTUM
from schemas.access import Role
from schemas.identifiers import network_of
from schemas.redis_keys import HISTORY_DAYS
from schemas.score import CONTRACT_VERSION, Counts, Moment, Parts
from tests.examples.filled import KEYS, KNOWN, PRINTED, STRANGE, filled_redis
from tests.examples.languages import PROJECT

pytestmark = pytest.mark.integration
PAGE: Final = (PROJECT / "docs" / "redis.md").read_text()
USERS: Final = (KNOWN, STRANGE, "github:rust-lang", "github:quiet")
TEXTS: Final = {
    "whole number": r"\d+",
    "number": r"\d+(\.\d+)?(e[+-]\d+)?",
    "decimal, 1 place": r"\d+\.\d",
    "decimal, 1 place, or empty": r"(-?\d+\.\d)?",
    "decimal, 2 places": r"\d+\.\d{2}",
    "decimal, 3 places": r"\d+\.\d{3}",
    "`0` or `1`": r"[01]",
    "YYYY-MM-DD": r"\d{4}-\d{2}-\d{2}",
    "JSON object": r"\{.*\}",
    "text": r".+",
}
"""What the page calls a text, and what such a text looks like."""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Give a client on a real Redis that the writer has filled."""
    with filled_redis(tmp_path_factory.mktemp("document")) as found, Redis.from_url(found.url) as client:
        yield client


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its two head lines."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    table = [each for each in section.splitlines() if each.startswith("|")][2:]
    assert table, heading
    return [[cell.strip() for cell in each.strip("|").split(" | ")] for each in table]


def plain(cell: str) -> str:
    """Return a cell without its marks of code."""
    return cell.strip("`")


def texts(redis: Redis, key: str) -> dict[str, str]:
    """Return a hash as text, in the order that Redis gives."""
    return {name.decode(): value.decode() for name, value in redis.hgetall(key).items()}


def test_the_keys_are_those_that_the_writer_makes(redis: Redis) -> None:
    """No key more, none less, each of the type and the life that the page says."""
    names = [KEYS.user("{user}"), KEYS.history("{user}"), KEYS.why("{user}")]
    names += [KEYS.top(), KEYS.top("{network}"), KEYS.top_momentum(), KEYS.meta()]
    assert [plain(key) for key, *_ in rows("Keys")] == names
    told = {
        plain(key).format(user=user, network=network_of(user)): (kind, {"none": -1}[ttl])
        for key, kind, ttl, _ in rows("Keys")
        for user in USERS
    }
    assert {key.decode(): (redis.type(key).decode(), redis.ttl(key)) for key in redis.scan_iter(count=1_000)} == told


@pytest.mark.parametrize("user", USERS)
def test_a_score_s_fields_are_those_of_the_page_in_its_order(redis: Redis, user: str) -> None:
    """A reader in a language without types goes by the page alone."""
    found = texts(redis, KEYS.user(user))
    table = rows("A user's score")
    assert [plain(name) for name, *_ in table] == list(found)
    for name, kind, _ in table:
        assert re.fullmatch(TEXTS[kind], found[plain(name)]), name


def test_meta_s_fields_are_those_of_the_page(redis: Redis) -> None:
    """The deployment speaks of itself in one hash."""
    found, table = texts(redis, KEYS.meta()), rows("Meta")
    assert [plain(name).format(partition=0) for name, *_ in table] == list(found)
    for name, kind, _ in table:
        assert re.fullmatch(TEXTS[kind], found[plain(name).format(partition=0)]), name
    assert found["contract_version"] == str(CONTRACT_VERSION)


@pytest.mark.parametrize(("name", "kind"), [("counts_7d", Counts), ("parts", Parts)])
def test_the_names_inside_json_are_the_code_s(name: str, kind: type[msgspec.Struct]) -> None:
    """Field by field, in the order of the text."""
    (meaning,) = [meaning for field, _, meaning in rows("A user's score") if plain(field) == name]
    assert re.findall(r"`(\w+)`", meaning.partition(": ")[2]) == list(kind.__struct_fields__)


def test_a_moment_is_the_array_that_the_page_shows(redis: Redis) -> None:
    """An array has no names: the page is all there is."""
    shown = re.search(r"`\[(partition[^`]*)\]`", PAGE)
    assert shown is not None
    names = re.split(r",\s", shown.group(1))
    assert names == list(Moment.__struct_fields__)
    (moment,) = msgspec.json.decode(redis.get(KEYS.why(KNOWN)))
    assert len(moment) == len(names)


def test_the_numbers_in_the_text_are_the_code_s() -> None:
    """Limits that readers build upon."""
    assert f"contract\nversion {CONTRACT_VERSION}, as `HGET {KEYS.meta()} contract_version`" in PAGE
    assert f"so that {HISTORY_DAYS} days are kept" in PAGE
    assert f"less than {LEAST_MOMENTUM}\nof momentum is not on `{KEYS.top_momentum()}`" in PAGE


def test_the_rights_are_those_that_the_command_prints() -> None:
    """The user of the examples is made of the same line."""
    printed = line("web", rules(Role.READER, KEYS.prefix, None))
    assert f"```\n$ renown access redis --user reader=web\n{printed}\n```\n" in PAGE


def test_what_the_examples_print_is_what_the_page_shows() -> None:
    """The runner holds every example to this text."""
    assert f"$ ./score.sh {KNOWN}\n{PRINTED[KNOWN]}```\n" in PAGE

"""The examples for readers of Redis: the page shows the very files, and those that Python alone can run are right.

`make examples` runs those in Node, Go and Java too, where these are installed.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Final

import pytest

from tests.examples.filled import PRINTED, Filled, filled_redis
from tests.examples.languages import EXAMPLES, LANGUAGES, PROJECT, Language

pytestmark = pytest.mark.integration
PAGE: Final = (PROJECT / "docs" / "redis.md").read_text()
HERE: Final = [each for each in LANGUAGES if each.name in {"redis-cli", "Python"} and not each.missing()]


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Give a Redis that the writer has filled, and its users."""
    with filled_redis(tmp_path_factory.mktemp("examples")) as found:
        yield found


@pytest.mark.parametrize("user", PRINTED)
@pytest.mark.parametrize("language", HERE, ids=lambda each: each.name)
def test_an_example_prints_score_leaders_and_days(language: Language, user: str, redis: Filled) -> None:
    """Also for a user whose id is hostile, and for one who left."""
    assert language.printed(EXAMPLES, redis.reader_url, user) == PRINTED[user]


@pytest.mark.parametrize("language", HERE, ids=lambda each: each.name)
def test_an_example_that_may_not_read_says_so_and_shows_no_score(language: Language, redis: Filled) -> None:
    """A refusal must never be taken for a score: of a stranger's password, and of another prefix' reader."""
    user = next(iter(PRINTED))
    assert language.refused(EXAMPLES, redis.reader_url.replace("reader:", "reader:not-"), user)
    assert language.refused(EXAMPLES, redis.stranger_url, user)


def test_the_page_shows_the_very_files() -> None:
    """Nobody runs what stands on a page; the files are run."""
    shown = re.findall(r"<!-- ([\w.]+) -->\n```\w+\n(.*?)```\n<!-- /\1 -->", PAGE, re.DOTALL)
    assert shown == [(each.file, (EXAMPLES / each.file).read_text()) for each in LANGUAGES]


def test_every_file_that_the_page_links_exists() -> None:
    """A link that leads nowhere is worse than none."""
    linked = set(re.findall(r"\]\((examples[^)]*)\)", PAGE))
    assert len(linked) > 3
    assert [each for each in linked if not (PROJECT / "docs" / each).exists()] == []


def test_the_client_for_python_is_the_one_that_is_run() -> None:
    """The version on the page is the one that the test above has used."""
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (pin,) = [each for each in extras["stream"] if each.startswith("redis==")]
    assert f"`pip install {pin}`" in PAGE


def test_the_lock_for_node_pins_by_hash_and_names_no_place() -> None:
    """Whoever installs takes the packages from where they are used to."""
    packages = json.loads((EXAMPLES / "package-lock.json").read_text())["packages"]
    wanted = json.loads((EXAMPLES / "package.json").read_text())["dependencies"]
    assert packages.pop("")["dependencies"] == wanted
    assert packages["node_modules/redis"]["version"] == wanted["redis"]
    assert all("integrity" in each and "resolved" not in each for each in packages.values())

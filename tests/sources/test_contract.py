"""What every live source owes, asked of each one there is, as a process on a real Kafka and over its real protocol."""

from __future__ import annotations

import importlib
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agents import sources
from deploy.local.state import StackState
from tests.sources.collecting import Collecting
from tests.sources.feeds.feed import Feed

ROOT = Path(__file__).parents[2]
PROMISED_END_S = 5.0


def test_no_source_goes_unasked() -> None:
    """A source without a feed of its own here would promise what nobody checks."""
    written = {path.stem for path in (ROOT / "agents" / "sources").glob("*.py")} - {"__init__"}
    assert set(sources.names()) == written
    assert len(written) >= 1
    asked = {path.stem for path in (ROOT / "tests" / "sources" / "feeds").glob("*.py")} - {"__init__", "feed"}
    assert asked == written


@asynccontextmanager
async def _collecting(
    name: str, stack: StackState, prefix: str, folder: Path
) -> AsyncIterator[tuple[Feed, Collecting]]:
    feed = _feed_class(name)(folder, stack)
    async with feed:
        collecting = Collecting(stack, prefix, folder, name, feed)
        await collecting.prepare()
        try:
            yield feed, collecting
        finally:
            await collecting.cleaned()


async def _ended(feed: Feed, collecting: Collecting, number: int) -> int:
    return await collecting.ended(None if feed.ends else number, PROMISED_END_S)


async def _all_there(feed: Feed, collecting: Collecting, after: str | None = None) -> bool:
    return set(await collecting.arrived()) >= feed.told(after)


@pytest.mark.integration
@pytest.mark.parametrize("name", sources.names())
async def test_a_feed_with_cuts_repeats_and_garbage_arrives_whole(
    name: str, stack: StackState, own_prefix: str, tmp_path: Path
) -> None:
    """Nothing is lost at a cut, nothing is made up, garbage is kept as it was; then the end comes soon."""
    async with _collecting(name, stack, own_prefix, tmp_path) as (feed, collecting):
        feed.release(1.0)
        await collecting.start()
        await collecting.until(lambda: _all_there(feed, collecting))
        assert set(await collecting.arrived()) == feed.told()
        if not feed.ends:
            await collecting.until(lambda: _refused(collecting, len(feed.garbage)))
            assert await collecting.metric("lag_seconds") >= 0
        assert sorted(await collecting.letters()) == sorted(feed.garbage)
        assert await _ended(feed, collecting, signal.SIGTERM) == 0
    assert "Traceback" not in collecting.log.read_text()


@pytest.mark.integration
@pytest.mark.parametrize("name", sources.names())
async def test_a_killed_collector_goes_on_without_loss_and_with_the_same_acts(
    name: str, stack: StackState, own_prefix: str, tmp_path: Path
) -> None:
    """The engine drops repeats by id: a repeat must be the very same act, and nothing may be skipped."""
    async with _collecting(name, stack, own_prefix, tmp_path) as (feed, collecting):
        feed.release(0.5)
        await collecting.start()
        await collecting.until(lambda: _acknowledged(collecting, len(feed.told()) // 4))
        await collecting.ended(signal.SIGKILL)
        connections = len(feed.asked)
        feed.release(1.0)
        await collecting.start()
        await collecting.until(lambda: _all_there(feed, collecting))
        arrived = await collecting.arrived()
        assert set(arrived) == feed.told()
        assert all(each == repeats[0] for repeats in arrived.values() for each in repeats)
        assert None not in feed.asked[connections:]
        assert await _ended(feed, collecting, signal.SIGINT) == 0


async def _refused(collecting: Collecting, least: int) -> bool:
    return await collecting.metric("refused_total", 'reason="undecodable",') >= least


async def _acknowledged(collecting: Collecting, least: int) -> bool:
    return await collecting.metric("engagements_total") >= least


def _feed_class(name: str) -> type[Feed]:
    found: type[Feed] = importlib.import_module(f"tests.sources.feeds.{name}").Feed
    return found


def test_only_who_posts_has_no_cursor() -> None:
    """A source that is not asked for its cursors below must have a reason."""
    assert [name for name in sources.names() if not _feed_class(name).cursors] == ["github", "webhook"]


@pytest.mark.integration
@pytest.mark.parametrize("name", [name for name in sources.names() if _feed_class(name).cursors])
async def test_a_cursor_says_where_to_begin(name: str, stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """An operator who lost the data folder takes the feed up where he knows it was."""
    async with _collecting(name, stack, own_prefix, tmp_path) as (feed, collecting):
        feed.release(1.0)
        await collecting.start("--cursor", feed.middle())
        await collecting.until(lambda: _all_there(feed, collecting, feed.middle()))
        arrived = set(await collecting.arrived())
        assert arrived < feed.told()
        assert await _ended(feed, collecting, signal.SIGTERM) == 0


@pytest.mark.integration
async def test_one_collector_at_a_time_holds_a_cursor(stack: StackState, own_prefix: str, tmp_path: Path) -> None:
    """Two that wrote one cursor would each skip what the other has not delivered."""
    async with _collecting("world", stack, own_prefix, tmp_path) as (_, collecting):
        await collecting.start()
        await collecting.until(lambda: _acknowledged(collecting, 0))
        first = collecting.process
        await collecting.start()
        assert await collecting.ended() == 2
        collecting.process = first
        assert "other collector" in collecting.log.read_text()
        assert await collecting.ended(signal.SIGTERM, PROMISED_END_S) == 0

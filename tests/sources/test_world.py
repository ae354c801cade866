"""The synthetic world: its acts obey its truth, and are the same wherever it is taken up."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import orjson
import pytest

from agents.attack.scenarios import SCENARIOS
from agents.bench.world import BLOCK_ACTS, DAY_MS, World
from agents.bench.world_course import Course, Place
from agents.ingest.live.contract import Forgetful
from agents.ingest.outcomes import Ready
from agents.sources.world import World as Source
from schemas.errors import BadSettingError
from schemas.kinds import KIND_CODE

START_MS = 1_790_000_000_000


@pytest.fixture(scope="module")
def world() -> World:
    """Give four days of a world of a thousand people."""
    return World(seed=5, users=1_000, communities=8, bots=0.02, per_day=20_000.0, start_ms=START_MS)


@pytest.fixture(scope="module")
def acts(world: World) -> dict[str, np.ndarray]:
    """Give its acts as columns."""
    blocks = [world.block(number) for number in range(80)]
    names = ("actors", "targets", "kinds", "at_ms")
    return {name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}


def test_the_rate_is_kept_and_swings_with_the_day(acts: dict[str, np.ndarray]) -> None:
    """Four days of acts take four days, and the evening has several times the morning's."""
    at_ms = acts["at_ms"]
    assert at_ms[0] == START_MS
    assert (np.diff(at_ms) >= 0).all()
    assert abs((at_ms[-1] - START_MS) / DAY_MS - 4.0) < 0.01
    hours = np.bincount(at_ms % DAY_MS // 3_600_000, minlength=24)
    assert 3.0 < hours[17:19].sum() / hours[5:7].sum() < 5.0


def test_attention_follows_appeal_and_is_heavy_tailed(world: World, acts: dict[str, np.ndarray]) -> None:
    """The truth must be what a good score finds: who appeals gets more, and few get most."""
    from_people = ~world.bot[acts["actors"]]
    received = np.bincount(acts["targets"][from_people], minlength=world.users)
    order = np.argsort(-world.appeal)
    tenths = [received[part].sum() for part in np.array_split(order, 10)]
    assert tenths == sorted(tenths, reverse=True)
    assert np.sort(received)[-100:].sum() > 0.4 * received.sum()


def test_people_stay_among_themselves_and_bots_do_not(world: World, acts: dict[str, np.ndarray]) -> None:
    """Communities are what makes a network one; bots act much, like only, and know no community."""
    home = world.community[acts["actors"]] == world.community[acts["targets"]]
    bots = world.bot[acts["actors"]]
    assert home[~bots].mean() > 2 * home[bots].mean()
    assert bots.mean() > 10 * world.bot.mean()
    assert set(acts["kinds"][bots]) == {KIND_CODE["like"]}
    assert not (acts["actors"] == acts["targets"]).any()


def test_a_burst_draws_everybody_to_one_person(world: World, acts: dict[str, np.ndarray]) -> None:
    """For half an hour, and the truth says when and whom."""
    told = world.truth()["bursts_of_the_first_day"]
    first = [each for each in told if START_MS < each["at_ms"] < START_MS + DAY_MS]
    for burst in first:
        within = (acts["at_ms"] >= burst["at_ms"]) & (acts["at_ms"] < burst["at_ms"] + 1_800_000)
        drawn = acts["targets"][within] == world.names.index(burst["user"].encode())
        assert drawn.mean() > 0.15
    assert first


def test_the_world_is_the_same_wherever_it_is_taken_up(world: World) -> None:
    """A resumed collector sends what the killed one would have sent."""
    whole = list(islice(Course(world).acts(Place(START_MS)), 2 * BLOCK_ACTS + 500))
    for at in (1, BLOCK_ACTS - 1, BLOCK_ACTS, 2 * BLOCK_ACTS + 100):
        rest = list(islice(Course(world).acts(whole[at - 1].place), len(whole) - at))
        assert rest == whole[at:]


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_attack_is_in_the_stream_and_in_the_truth(name: str, tmp_path: Path) -> None:
    """Every attack that is measured on recordings can be ordered here, and meets the contract."""
    source = Source(users=100, days=1.0, events=500, attack=name, attack_size=30, truth=str(tmp_path / "truth"))
    course = source.course(START_MS)
    assert course.assault is not None
    sent = list(course.acts(Place(START_MS)))
    assert len(sent) == 500 + len(course.assault.acts)
    assert [each.at_ms for each in sent] == sorted(each.at_ms for each in sent)
    attacking = [orjson.loads(each.value) for each in sent if b":attack-" in each.value[:40]]
    assert len(attacking) == len(course.assault.acts) > 0
    truth = course.assault.truth()["attack"]
    assert any(truth["beneficiary"] in {act["actor"], act["target"]} for act in attacking)
    for each in sent:
        (outcome,) = source.read(b"%s 1\n%s" % (str(each.place).encode(), each.value), Forgetful()).outcomes
        assert isinstance(outcome, Ready)


async def test_the_truth_is_written_beside(tmp_path: Path) -> None:
    """Who is who, and whom the attack is for."""
    source = Source(users=20, days=1.0, events=1, attack="burst", attack_size=3, truth=str(tmp_path / "truth"))
    frames = [frame async for frame in source.frames(None, 0)]
    truth = orjson.loads((tmp_path / "truth").read_bytes())
    assert len(frames) == 1 + truth["attack"]["acts"]
    assert len(truth["people"]) == 20
    assert abs(sum(each["appeal"] for each in truth["people"]) - 1.0) < 1e-9


@pytest.mark.parametrize("cursor", ["", "1:2", "1:2:x", "1:2:3:4", "-1:2:3"])
def test_a_wrong_cursor_names_the_remedy(cursor: str) -> None:
    """Also a wrong attack, and a rate without end."""
    with pytest.raises(BadSettingError, match="--cursor"):
        Place.spelt(cursor)
    with pytest.raises(BadSettingError, match="fresh-bots"):
        Source(attack="none").course(START_MS)
    with pytest.raises(BadSettingError, match="--rate"):
        Source(rate=0.0).course(START_MS)

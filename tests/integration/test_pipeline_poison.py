"""Acts that make our own code raise are set aside as dead letters; their partitions go on, exactly, through kill -9."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.local.state import StackState
from schemas.credit import decode_credits
from schemas.dead_letter import DeadLetter, dead_letter
from tests.events import Event, counted, engagements, write
from tests.integration.pipeline import RENOWN, Pipeline, pipeline

pytestmark = pytest.mark.integration
EVENTS = engagements(6_000, 600, seed=7)
PLANS = {"admit": "e7-*50", "price": "e7-*00", "credit": "test:user1[357]"}
"""Every hundredth act here, every hundredth there, and whatever three people receive."""
SETTINGS = {"profile": "burst", "session_timeout_s": "6", "commit_interval_s": "0.3", "chunk_events": "200"}


def letters(running: Pipeline) -> list[DeadLetter]:
    """Return every dead letter, those written twice once, read with a foreign client."""
    consumer = Consumer({"bootstrap.servers": running.settings.bootstrap, "group.id": "j", "enable.auto.commit": False})
    partition = TopicPartition(running.settings.topics.dead_letters.name, 0, 0)
    _, end = consumer.get_watermark_offsets(partition, timeout=10)
    consumer.assign([partition])
    read = consumer.consume(end, timeout=20)
    consumer.close()
    assert len(read) == end
    found = [dead_letter(each.value(), list(each.headers() or [])) for each in read]
    return list({(one.topic, one.partition, one.offset, one.value): one for one in found}.values())


def told(event: Event, place: str) -> bool:
    """Whether the event is told to fail at `place`; acts that failed as engagements never become credits."""
    if place == "credit":
        return not told(event, "admit") and not told(event, "price") and fnmatchcase(str(event["target"]), PLANS[place])
    return fnmatchcase(str(event["id"]), PLANS[place])


def owed() -> dict[str, dict[str, Counter[str]]]:
    """Return received and given per user without the poison; an act that fails as credit was given all the same."""
    given = [event for event in EVENTS if not told(event, "admit") and not told(event, "price")]
    sound = counted(event for event in given if not told(event, "credit"))
    for user, sides in counted(given).items():
        sound[user]["given"] = sides["given"]
    return {user: sides for user, sides in sound.items() if any(sides.values())}


def named(letter: DeadLetter) -> str:
    """Return the id of the act that the letter keeps, or the target of the credit."""
    if letter.source == "target-stage":
        return decode_credits(letter.value).names.tobytes().decode()
    return str(json.loads(letter.value)["id"])


def test_poison_is_set_aside_and_everything_else_counts_exactly(
    stack: StackState, own_prefix: str, tmp_path: Path
) -> None:
    """One bad act in fifty, two workers, one killed: a worker that raised would be on the same chunk for ever."""
    plan = ",".join(f"{place}:{pattern}" for place, pattern in PLANS.items())
    with pipeline(stack, tmp_path, f"{own_prefix}-poison", workers=2, **SETTINGS, poison=plan) as running:
        path = write(tmp_path / "events.jsonl", EVENTS)
        source = subprocess.Popen([*RENOWN, "ingest", str(path), "--rate", "2000"], env=running.env)
        time.sleep(1.5)
        running.kill("worker-0")
        running.start("worker-0")
        running.wait_ready("worker-0")
        assert source.wait(120) == 0
        running.renown("drain", "--timeout", "120")
        live, kept = running.counts(), letters(running)
    have = {
        user: {side: Counter({k: n for k, n in line[side].items() if n}) for side in ("received", "given")}  # type: ignore[attr-defined]
        for user, line in live.items()
    }
    assert have == owed()
    assert {one.reason.value for one in kept} == {"poison"}
    assert all("ValueError: " in one.detail for one in kept)
    expected = Counter(
        str(event["target" if place == "credit" else "id"]) for place in PLANS for event in EVENTS if told(event, place)
    )
    assert Counter(map(named, kept)) == expected

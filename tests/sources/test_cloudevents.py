"""The collector of CloudEvents: cursors over several partitions, and what its records become."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.structs import TopicPartition
from cloudevents.core.bindings.kafka import to_structured_event
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from agents.ingest.live.contract import Broker, FeedError, Forgetful, Reading
from agents.ingest.outcomes import Ready, Refused
from agents.sources.cloudevents import CloudEvents
from deploy.local.state import StackState
from schemas.errors import BadSettingError
from schemas.reasons import Reason
from tests.sources.feeds.cloudevents import event

FRAME = b'["0:1",5,{"content-type":"application/cloudevents+json"}]\n' + to_structured_event(event(1)).value
PARTITIONS, EACH = 3, 5


def read(raw: bytes) -> Reading:
    return CloudEvents("t").read(raw, Forgetful())


def test_a_record_is_read_with_its_place() -> None:
    """Whatever its data says, the collector goes on after it."""
    (ready,) = read(FRAME).outcomes
    assert isinstance(ready, Ready)
    assert (ready.act.id, read(FRAME)[1:]) == (b"ce:1", ("0:1", 5))
    assert read(FRAME.replace(b"renown.engagement.v1", b"com.example.other")) == Reading([], "0:1", 5)
    for old, new, reason in (
        (b'"like"', b'"poke"', Reason.UNKNOWN_KIND),
        (b'"1.0"', b'"9.9"', Reason.INVALID_FIELD),
        (b"{", b"(", Reason.UNDECODABLE),
    ):
        raw = FRAME.replace(old, new) if old != b"{" else FRAME.partition(b"\n")[0] + b"\n("
        (refused,) = read(raw).outcomes
        assert isinstance(refused, Refused)
        assert (refused.error.reason, refused.value, read(raw)[1:]) == (reason, raw, ("0:1", 5))


@given(st.data())
def test_no_damage_to_a_frame_ends_the_reader(data: st.DataObject) -> None:
    """A refusal holds the frame as it was made."""
    raw = bytearray(FRAME)
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    for outcome in read(bytes(raw)).outcomes:
        assert isinstance(outcome, Ready) or outcome.value == bytes(raw)


@pytest.mark.parametrize("cursor", ["", "5", "0:1,", "0:x", "-1:5", "0:1;1:2"])
async def test_a_wrong_cursor_names_the_remedy(cursor: str) -> None:
    """Also a missing topic's name."""
    broker = Broker("127.0.0.1:9", {"sasl_plain_password": "secret"})
    with pytest.raises(BadSettingError, match="--cursor"):
        await anext(CloudEvents("t", broker).frames(cursor, 0))
    with pytest.raises(BadSettingError, match="--topic"):
        await anext(CloudEvents("", broker).frames(None, 0))
    assert "secret" not in repr(CloudEvents("t", broker))


async def _collected(source: CloudEvents, cursor: str | None, count: int) -> list[bytes]:
    async with asyncio.timeout(30), aclosing(source.frames(cursor, 0)) as frames:
        return [(await anext(frames)).raw for _ in range(count)]


def _ids(frames: list[bytes]) -> list[str]:
    return sorted(json.loads(raw.partition(b"\n")[2])["data"]["id"] for raw in frames)


async def _filled(bootstrap: str, topic: str, admin: AIOKafkaAdminClient) -> None:
    await admin.create_topics([NewTopic(topic, PARTITIONS, 1)])
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for number in range(PARTITIONS * EACH):
            made = to_structured_event(event(number))
            headers = list(made.headers.items())
            await producer.send_and_wait(topic, made.value, partition=number % PARTITIONS, headers=headers)


@pytest.mark.integration
async def test_a_cursor_holds_the_place_in_every_partition(stack: StackState) -> None:
    """Wherever it is taken up, the rest is there and nothing twice; what the topic has dropped is told."""
    bootstrap, topic = stack.bootstrap_servers, "events-in-three"
    source = CloudEvents(topic, Broker(bootstrap, {}))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        with pytest.raises(FeedError, match="does not exist"):
            await _collected(source, None, 1)
        await _filled(bootstrap, topic, admin)
        whole = await _collected(source, None, PARTITIONS * EACH)
        assert _ids(whole) == sorted(f"ce:{number}" for number in range(PARTITIONS * EACH))
        for at in (1, 7, 11):
            cursor = json.loads(whole[at - 1].partition(b"\n")[0])[0]
            rest = await _collected(source, cursor, len(whole) - at)
            assert _ids(whole[:at] + rest) == _ids(whole)
        await admin.delete_records({TopicPartition(topic, 1): RecordsToDelete(before_offset=3)})
        with capture_logs() as logs:
            rest = await _collected(source, "0:5,1:1,2:99", EACH + 2)
        told = {each["partition"]: (each["lost_records"], each["made_anew"]) for each in logs if each["event"] == "gap"}
        assert told == {1: (2, False), 2: (0, True)}
        assert _ids(rest) == sorted(f"ce:{number}" for number in (10, 13, 2, 5, 8, 11, 14))
    finally:
        await admin.close()

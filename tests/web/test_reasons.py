"""Explanations over HTTP with a real Kafka behind them: who did what, and to which post."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from agents.lookup import origin, origins
from deploy.local import ports
from schemas.codec import encode_engagement
from schemas.command import OPT_OUT, Command, encode_command, subject_of
from schemas.engagement import Engagement
from schemas.score import Moment
from schemas.topics import Topics
from streams.engine.hashing import hash_id
from streams.model.parameters import PROFILES, model_name
from streams.settings import Settings
from tests.web.arithmetic import complaints
from tests.web.serving import HOSTILE, LIMIT_S, NOON_MS, Store, path_of, score_of, serving

pytestmark = pytest.mark.integration
MODEL = model_name("default", PROFILES["default"])


async def _topics(bootstrap: str, topics: Topics) -> None:
    """Make the topics that explanations ask, with a partition each."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(each.name, 1, 1) for each in (topics.engagements, topics.commands)])
    await admin.close()


async def _published(bootstrap: str, topic: str, values: list[bytes]) -> list[int]:
    """Return the offsets of the records on the only partition."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    offsets = [(await producer.send_and_wait(topic, value)).offset for value in values]
    await producer.stop()
    return offsets


async def test_moments_name_who_did_what_and_are_remembered(
    store: Store, redis_url: str, kafka_bootstrap: str, own_prefix: str
) -> None:
    """A score is accepted when its reasons have names, whatever these names are made of."""
    acts = [
        Engagement(str(at), "share", actor, "x:a", NOON_MS, object=f"post {at}") for at, actor in enumerate(HOSTILE)
    ]
    acts.append(Engagement("other", "share", "x:fan", "x:b", NOON_MS))
    topics = Topics(own_prefix)
    await _topics(kafka_bootstrap, topics)
    offsets = await _published(kafka_bootstrap, topics.engagements.name, list(map(encode_engagement, acts)))
    moments = tuple(Moment(0, offset, "share", NOON_MS, 0.5) for offset in offsets)
    beyond = Moment(0, offsets[-1] + 5, "share", NOON_MS, 0.5)
    await store.write(score_of("x:a", moments=(*moments, beyond)))
    async with serving(redis_url, own_prefix, bootstrap=kafka_bootstrap, prefix=own_prefix) as client:
        for _ in range(2):
            async with client.get(path_of("x:a", "/explanation")) as answer:
                found: dict[str, Any] = await answer.json()
            named = [(each["actor"], each["object"]) for each in found["moments"]]
            assert named == [*((actor, f"post {at}") for at, actor in enumerate(HOSTILE)), (None, None), (None, None)]
        async with client.get(path_of("x:a", "/report")) as answer:
            assert {each["user"] for each in (await answer.json())["helpers"]} == set(HOSTILE)


async def test_who_has_left_is_not_named_any_more(
    store: Store, redis_url: str, kafka_bootstrap: str, own_prefix: str
) -> None:
    """The raw input is kept for a while, and what a server remembers longer: neither may name who left."""
    topics, key = Topics(own_prefix), Settings().hash_key.encode()
    await _topics(kafka_bootstrap, topics)
    acts = [Engagement(actor, "like", actor, "x:a", NOON_MS) for actor in ("x:stays", "x:leaves")]
    offsets = await _published(kafka_bootstrap, topics.engagements.name, list(map(encode_engagement, acts)))
    await store.write(score_of("x:a", moments=tuple(Moment(0, each, "like", NOON_MS, 0.5) for each in offsets)))
    async with serving(redis_url, own_prefix, bootstrap=kafka_bootstrap, prefix=own_prefix) as client:

        async def named() -> list[str | None]:
            async with client.get(path_of("x:a", "/explanation")) as answer:
                return [each["actor"] for each in (await answer.json())["moments"]]

        assert await named() == ["x:stays", "x:leaves"]
        left = Command("1", OPT_OUT, subject_of(hash_id(b"x:leaves", key)), NOON_MS, "test")
        await _published(kafka_bootstrap, topics.commands.name, [encode_command(left)])
        async with asyncio.timeout(3 * LIMIT_S):
            while await named() != ["x:stays", None]:  # noqa: ASYNC110 - asked over HTTP
                await asyncio.sleep(0.2)


async def test_a_kafka_that_hangs_holds_up_one_explanation_and_not_each(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are an extra: an outage of Kafka must not make every explanation wait for it."""
    monkeypatch.setattr(origin, "LIMIT_S", 1.0)
    monkeypatch.setattr(origins, "SLOW_S", 0.5)
    await store.write(score_of("x:a"))
    with socket.create_server((ports.HOST, 0)) as deaf:
        address = f"{ports.HOST}:{deaf.getsockname()[1]}"
        async with serving(redis_url, store.keys.prefix, bootstrap=address) as client:
            started = time.monotonic()
            for _ in range(10):
                async with client.get(path_of("x:a", "/explanation")) as answer:
                    assert (await answer.json())["moments"][0]["actor"] is None
            assert time.monotonic() - started < 8.0


async def test_the_formula_is_filled_in_with_the_constants_that_made_the_score(store: Store, redis_url: str) -> None:
    """The deployment's own, a named profile's, or none: never another formula's."""
    await store.write(score_of("x:a", model=MODEL), score_of("x:b", model="default@00000000"))
    async with serving(redis_url, store.keys.prefix) as client:
        async with client.get(path_of("x:a", "/explanation")) as answer:
            assert complaints(await answer.json()) == []
        async with client.get(path_of("x:b", "/explanation")) as answer:
            assert (await answer.json())["formula"]["steps"][2]["filled"].endswith("^gamma)")

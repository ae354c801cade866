"""Searches every byte that a pipeline keeps of its people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from redis import Redis

from schemas.topics import Topic
from tests.events import write
from tests.integration.pipeline import Pipeline


def send(running: Pipeline, events: list[dict[str, Any]]) -> None:
    """Have the events counted, scored and readable."""
    path = write(running.folder / "events.jsonl", events)
    running.renown("ingest", str(path), "--format", "jsonl")
    running.renown("drain", "--timeout", "120")


def live_records(running: Pipeline, topic: Topic) -> Iterator[bytes]:
    """Yield what a topic holds: every record, or of a compacted one the newest of each key that is no tombstone."""
    consumer = Consumer({"bootstrap.servers": running.settings.bootstrap, "group.id": "search"})
    places = [TopicPartition(topic.name, number) for number in range(topic.count(running.settings.partitions))]
    marks = {place.partition: consumer.get_watermark_offsets(place, timeout=10) for place in places}
    for place in places:
        place.offset = marks[place.partition][0]
    consumer.assign(places)
    left = sum(end - begin for begin, end in marks.values())
    newest: dict[Any, bytes] = {}
    while left:
        for message in consumer.consume(left, 5):
            left -= 1
            compacted = topic.config.get("cleanup.policy") == "compact"
            key = message.key() if compacted else (message.partition(), message.offset())
            newest.pop(key, None)
            if message.value() is not None:
                newest[key] = (message.key() or b"") + b"|" + message.value() + repr(message.headers()).encode()
    consumer.close()
    yield from newest.values()


def everything(running: Pipeline) -> Iterator[tuple[str, bytes]]:
    """Yield every byte of Redis and of every topic but the raw input, each with where it lies."""
    redis: Any = Redis.from_url(running.settings.redis_url)
    for key in redis.scan_iter(f"{running.settings.redis_prefix}:*", count=1_000):
        kind = redis.type(key).decode()
        reads = {"hash": redis.hgetall, "string": redis.get, "zset": lambda name: redis.zrange(name, 0, -1)}
        yield f"redis {key!r}", key + repr(reads[kind](key)).encode()
    for topic in running.settings.topics.all():
        if topic.name != running.settings.topics.engagements.name:
            for record in live_records(running, topic):
                yield topic.name, record


def places_of(running: Pipeline, user: str) -> set[str]:
    """Return where the user's id stands; followed by a digit it is somebody else's."""
    name = user.encode()
    found = set()
    for place, content in everything(running):
        for rest in content.split(name)[1:]:
            if not rest[:1].isdigit():
                found.add(place)
    return found

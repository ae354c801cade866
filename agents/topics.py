"""Topics as they are on the broker against topics as they must be; creates what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from schemas.errors import BadSettingError
from streams.security import kafka_client, require_login

if TYPE_CHECKING:
    from schemas.topics import Topic
    from streams.settings import Settings

MUST_MATCH = ("cleanup.policy", "max.message.bytes", "message.timestamp.type")
"""Configurations without which counts would be wrong; the others are advice that an operator may change."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with one topic; `missing` ones can be created."""

    topic: Topic
    missing: bool
    detail: str


async def _client(settings: Settings) -> AIOKafkaAdminClient:
    await require_login(settings)
    client = AIOKafkaAdminClient(**kafka_client(settings))
    await client.start()
    return client


async def differences(settings: Settings) -> list[Difference]:
    """Return what must change before a worker may start; empty when all is well."""
    client = await _client(settings)
    try:
        present = {t["topic"]: len(t["partitions"]) for t in await client.describe_topics() if not t["error_code"]}
        found = []
        for topic in settings.topics.all():
            want, have = topic.count(settings.partitions), present.get(topic.name)
            if have is None:
                found.append(Difference(topic, missing=True, detail=f"missing; create it with {want} partitions"))
            elif have != want:
                found.append(Difference(topic, missing=False, detail=f"has {have} partitions, must have {want}"))
            else:
                found += await _wrong_config(client, topic)
        return found
    finally:
        await client.close()


async def _wrong_config(client: AIOKafkaAdminClient, topic: Topic) -> list[Difference]:
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    have = {entry[0]: entry[1] for answer in answers for resource in answer.resources for entry in resource[4]}
    return [
        Difference(topic, missing=False, detail=f"{name}={have.get(name)}, must be {topic.config[name]}")
        for name in MUST_MATCH
        if name in topic.config and have.get(name) != topic.config[name]
    ]


async def apply(settings: Settings, replication: int = 1) -> list[str]:
    """Create every missing topic and return the names; what differs otherwise is left to the operator."""
    missing = [d.topic for d in await differences(settings) if d.missing]
    if not missing:
        return []
    client = await _client(settings)
    try:
        new = [NewTopic(t.name, t.count(settings.partitions), replication, topic_configs=t.config) for t in missing]
        answer = await client.create_topics(new)
        for name, code, *rest in answer.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                why = f"the broker refused to create it: {for_code(code).__name__} {rest}"
                raise BadSettingError("topic", name, why)
    finally:
        await client.close()
    return [t.name for t in missing]


async def require(settings: Settings) -> None:
    """Raise BadSettingError naming every topic that is not as it must be, and the command that helps."""
    wrong = await differences(settings)
    if wrong:
        listed = "; ".join(f"{d.topic.name} {d.detail}" for d in wrong)
        raise BadSettingError("topics", listed, "run `renown topics plan`, then `renown topics apply`")

"""Topics as they are on the broker against topics as they must be; creates what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from agents.topic_rules import Difference, config_differences, count_difference
from schemas.errors import BadSettingError
from streams.security import kafka_client, require_login

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.topics import Topic
    from streams.settings import Settings


async def _client(settings: Settings) -> AIOKafkaAdminClient:
    await require_login(settings)
    client = AIOKafkaAdminClient(**kafka_client(settings))
    await client.start()
    return client


async def differences(settings: Settings, topics: Sequence[Topic] | None = None) -> list[Difference]:
    """Return what must change of `topics`, by default of all, before a process may start; empty when all is well."""
    client = await _client(settings)
    try:
        # Asked for all, because asking for one that is missing may create it.
        present = {t["topic"]: len(t["partitions"]) for t in await client.describe_topics() if _is_sound(t)}
        found: list[Difference] = []
        for topic in settings.topics.all() if topics is None else topics:
            wrong = count_difference(topic, present.get(topic.name), settings.partitions)
            if wrong is None:
                found += config_differences(topic, await _config(client, topic), settings.bootstrap)
            else:
                found.append(wrong)
        return found
    finally:
        await client.close()


def _is_sound(told: Mapping[str, Any]) -> bool:
    """Return whether the broker told of a topic; raise its error when it will tell later: that is no missing one."""
    failure = for_code(told["error_code"])
    if told["error_code"] and failure.retriable and failure is not UnknownTopicOrPartitionError:
        raise failure(told["topic"])
    return not told["error_code"]


async def _config(client: AIOKafkaAdminClient, topic: Topic) -> dict[str, str]:
    """Return a topic's configuration in force, defaults included; aiokafka's error when the broker refuses it."""
    answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    found: dict[str, str] = {}
    for code, *_, entries in (resource for answer in answers for resource in answer.resources):
        if code:
            raise for_code(code)(topic.name)
        found |= {name: value for name, value, *_ in entries}
    return found


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


async def require(settings: Settings, topics: Sequence[Topic] | None = None) -> None:
    """Raise BadSettingError unless `topics`, by default all, are as they must be.

    It names one of them, its value, the wanted value and the command that helps, and how many more there are.
    """
    wrong = await differences(settings, topics)
    if not wrong:
        return
    first, also = wrong[0], f" ({len(wrong) - 1} more: see `renown topics plan`)" if len(wrong) > 1 else ""
    if first.missing:
        raise BadSettingError("topic", first.topic.name, f"is missing; {first.remedy}{also}")
    name = f"topic {first.topic.name}: {first.setting}"
    raise BadSettingError(name, first.have, f"must be {first.want}; {first.remedy}{also}")

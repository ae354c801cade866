"""On a real broker: a worker and the scoring agent refuse to start on topics that would lose or distort counts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType

from agents.rig.pipeline import Pipeline, prepared
from deploy.local.state import StackState
from schemas.topics import Topic, Topics

pytestmark = pytest.mark.integration
REFUSED = 2


@pytest.fixture(scope="module")
def running(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Topics as they must be, and no process yet."""
    folder = tmp_path_factory.mktemp("refusals")
    made = prepared(stack.bootstrap_servers, stack.redis_url, folder, "refusals", {"partitions": "2"})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def admin(stack: StackState) -> AdminClient:
    """Whoever set up the broker."""
    return AdminClient({"bootstrap.servers": stack.bootstrap_servers, "log_level": 0})


def _changed(admin: AdminClient, topic: Topic, name: str, value: str | None) -> None:
    how = AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
    entry = ConfigEntry(name, value or "", incremental_operation=how)
    resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(20)


def _made(admin: AdminClient, topic: Topic, partitions: int) -> None:
    for done in admin.create_topics([NewTopic(topic.name, partitions, 1, config=topic.config)]).values():
        done.result(20)


def _gone(admin: AdminClient, topic: Topic) -> None:
    for done in admin.delete_topics([topic.name]).values():
        done.result(20)


def _refusal(running: Pipeline, name: str) -> str:
    """Start a process that must end at once, and return the one line that it says about it."""
    log = running.log_file(name)
    log.unlink(missing_ok=True)
    running.start(name)
    assert running.ended(name) == REFUSED, running.log(name)
    said = running.log(name)
    assert "Traceback" not in said
    (line,) = [each for each in said.splitlines() if each.startswith("renown: ")]
    return line


TOPICS = Topics("refusals")
CONFIGS = [
    (TOPICS.engagements, "message.timestamp.type", "CreateTime", "LogAppendTime"),
    (TOPICS.engagements, "retention.ms", "60000", "at least 86400000"),
    (TOPICS.credits, "cleanup.policy", "compact", "delete"),
    (TOPICS.users_changelog, "cleanup.policy", "compact,delete", "compact"),
    (TOPICS.scores, "cleanup.policy", "delete", "compact"),
]


@pytest.mark.parametrize(("topic", "name", "value", "want"), CONFIGS)
def test_a_configuration_that_loses_or_distorts_is_refused(
    running: Pipeline, admin: AdminClient, topic: Topic, name: str, value: str, want: str
) -> None:
    """Found out months later, the users that it cost would be gone."""
    _changed(admin, topic, name, value)
    try:
        process = "scoring" if topic == TOPICS.scores else "worker-0"
        line = _refusal(running, process)
    finally:
        _changed(admin, topic, name, topic.config.get(name))
    assert f"topic {topic.name}: {name}='{value}': must be {want}; run `kafka-configs.sh " in line
    assert running.renown("topics", "plan") == "every topic is as it must be\n"


@pytest.mark.parametrize("process", ["worker-0", "scoring"])
def test_a_missing_topic_is_refused(running: Pipeline, admin: AdminClient, process: str) -> None:
    """Waiting for it in the group would look like an idle pipeline."""
    _gone(admin, TOPICS.scores)
    try:
        line = _refusal(running, process)
    finally:
        assert running.renown("topics", "apply") == f"created {TOPICS.scores.name}\n"
    assert line == f"renown: topic='{TOPICS.scores.name}': is missing; run `renown topics apply`"


@pytest.mark.parametrize("process", ["worker-0", "scoring"])
def test_another_number_of_partitions_is_refused(running: Pipeline, admin: AdminClient, process: str) -> None:
    """Users are cut by it: a worker of another number would look for them elsewhere."""
    _gone(admin, TOPICS.scores)
    _made(admin, TOPICS.scores, 3)
    try:
        line = _refusal(running, process)
    finally:
        _gone(admin, TOPICS.scores)
        running.renown("topics", "apply")
    assert f"topic {TOPICS.scores.name}: partitions='3': must be 2; set RENOWN_PARTITIONS=3 if" in line


@pytest.mark.parametrize("process", ["worker-0", "scoring"])
def test_an_unknown_crash_point_is_refused(running: Pipeline, process: str) -> None:
    """A misspelt point would make its test pass by never dying."""
    running.log_file(process).unlink(missing_ok=True)
    running.start(process, also={"RENOWN_CRASH_POINT": "nowhere"})
    assert running.ended(process) == REFUSED
    assert "name one of barrier_done, barrier_forwards" in running.log(process)

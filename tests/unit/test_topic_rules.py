"""Which topics a process refuses to work with, and what it tells the operator to do."""

from __future__ import annotations

import pytest

from agents.topic_rules import config_differences, count_difference
from schemas.topics import Topic, Topics

TOPICS = Topics("own")
DEFAULTS = {"cleanup.policy": "delete", "retention.ms": "604800000", "retention.bytes": "-1"}
WEEK_MS, HOUR_MS = "604800000", "3600000"


def _wrong(topic: Topic, **changed: str) -> list[tuple[str, str]]:
    have = DEFAULTS | topic.config | {name.replace("_", "."): value for name, value in changed.items()}
    return [(each.setting, each.want) for each in config_differences(topic, have, "broker:9092")]


@pytest.mark.parametrize("topic", TOPICS.all(), ids=lambda topic: topic.name)
def test_a_topic_as_it_is_created_fits(topic: Topic) -> None:
    """What `apply` creates must not be refused."""
    assert _wrong(topic) == []
    assert count_difference(topic, topic.count(8), 8) is None


@pytest.mark.parametrize("topic", TOPICS.all(), ids=lambda topic: topic.name)
def test_another_clean_up_is_refused_everywhere(topic: Topic) -> None:
    """Compaction drops acts under one key; deletion drops users who have rested for long."""
    other = "compact" if topic.config.get("cleanup.policy") is None else "delete"
    want = "delete" if other == "compact" else "compact"
    assert _wrong(topic, cleanup_policy=other) == [("cleanup.policy", want)]
    assert _wrong(topic, cleanup_policy="compact,delete") == [("cleanup.policy", want)]


@pytest.mark.parametrize("topic", [TOPICS.engagements, TOPICS.credits], ids=lambda topic: topic.name)
def test_what_is_not_read_yet_must_not_go_away(topic: Topic) -> None:
    """A longer retention is the operator's choice, one that an outage of some hours outlasts is not."""
    assert _wrong(topic, retention_ms=HOUR_MS) == [("retention.ms", "at least 86400000")]
    assert _wrong(topic, retention_bytes="1000000") == [("retention.bytes", "-1 (unlimited)")]
    assert _wrong(topic, retention_ms="-1") == []
    assert _wrong(topic, retention_ms=WEEK_MS) == []


def test_commands_are_kept_for_ever() -> None:
    """An opt-out that expired would be an opt-in."""
    assert _wrong(TOPICS.commands, retention_ms=WEEK_MS) == [("retention.ms", "-1 (unlimited)")]


def test_a_user_with_all_pairs_must_fit_into_a_batch() -> None:
    """More is fine, less would stop a worker for good."""
    assert _wrong(TOPICS.users_changelog, max_message_bytes="1000000") == [("max.message.bytes", "at least 16777216")]
    assert _wrong(TOPICS.users_changelog, max_message_bytes=str(64 << 20)) == []


def test_a_producer_s_clock_is_refused() -> None:
    """Lateness and skew are measured by the broker's clock."""
    stamped = _wrong(TOPICS.engagements, message_timestamp_type="CreateTime")
    assert stamped == [("message.timestamp.type", "LogAppendTime")]


def test_the_remedy_is_a_command() -> None:
    """Whoever reads the line at night wants something to paste."""
    have = DEFAULTS | TOPICS.scores.config | {"cleanup.policy": "delete"}
    (wrong,) = config_differences(TOPICS.scores, have, "broker:9092")
    assert wrong.detail == "has cleanup.policy=delete, must be compact"
    assert wrong.remedy == (
        "run `kafka-configs.sh --bootstrap-server broker:9092 --entity-type topics "
        "--entity-name own.scores.v1 --alter --add-config cleanup.policy=compact`"
    )


def test_a_wrong_number_of_partitions_names_the_way_out() -> None:
    """State is cut by it, so it can never be changed in place."""
    missing, fewer = count_difference(TOPICS.scores, None, 8), count_difference(TOPICS.scores, 4, 8)
    single = count_difference(TOPICS.calibration, 3, 8)
    assert missing is not None
    assert fewer is not None
    assert single is not None
    assert missing.missing
    assert "`renown topics apply`" in missing.remedy
    assert fewer.detail == "has partitions=4, must be 8"
    assert "RENOWN_PARTITIONS=4" in fewer.remedy
    assert "delete topic own.calibration.v1" in single.remedy

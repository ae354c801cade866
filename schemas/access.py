"""Who may do what on Kafka and Redis: one table of roles, each with no more than its commands use.

`renown access kafka|redis` prints it as the servers want it. On Kafka READ and WRITE imply DESCRIBE, and a WRITE on
any topic lets a producer be idempotent (2.8 or later), so neither is granted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from schemas.errors import BadSettingError
from schemas.redis_keys import RedisKeys
from schemas.topics import Topic, Topics


class Role(StrEnum):
    """What a user is let in for; one user may have several."""

    PRODUCER = "producer"
    WORKER = "worker"
    SCORING = "scoring"
    AUDITOR = "auditor"
    STEWARD = "steward"
    OPERATOR = "operator"
    READER = "reader"


class Resource(StrEnum):
    """Kinds of things that Kafka guards, as its own tools name them."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional-id"


class Operation(StrEnum):
    """Operations as Kafka's own tools name them."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    ALTER = "Alter"
    DELETE = "Delete"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"


@dataclass(frozen=True, slots=True)
class Grant:
    """Operations on one resource, or on all whose names start with `name` when `prefixed`."""

    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class RedisRights:
    """Key patterns and commands of a Redis user, who has nothing else."""

    patterns: tuple[str, ...]
    commands: tuple[str, ...]


def _on(operation: Operation, topics: Iterable[Topic]) -> dict[str, set[Operation]]:
    return {topic.name: {operation} for topic in topics}


def _grants(*parts: dict[str, set[Operation]]) -> tuple[Grant, ...]:
    """Return one grant per topic, operations in the order of `Operation`."""
    merged: dict[str, set[Operation]] = {}
    for part in parts:
        for name, operations in part.items():
            merged.setdefault(name, set()).update(operations)
    return tuple(Grant(Resource.TOPIC, name, tuple(o for o in Operation if o in merged[name])) for name in merged)


def _producer(topics: Topics) -> tuple[Grant, ...]:
    return _grants(_on(Operation.WRITE, [topics.engagements, topics.dead_letters]))


def _worker(topics: Topics) -> tuple[Grant, ...]:
    read = [topics.engagements, topics.credits, topics.calibration, topics.commands, topics.users_changelog]
    written = [
        topics.engagements,
        topics.credits,
        topics.scores,
        topics.dead_letters,
        topics.calibration,
        topics.users_changelog,
    ]
    on_topics = _grants(
        _on(Operation.READ, read),
        _on(Operation.WRITE, written),
        _on(Operation.DESCRIBE_CONFIGS, topics.all()),
    )
    group = Grant(Resource.GROUP, topics.app_id, (Operation.READ,))
    # Fencing raises the epoch of one such id per partition; transactions are not used.
    fencing = Grant(Resource.TRANSACTIONAL_ID, f"{topics.app_id}-", (Operation.WRITE,), prefixed=True)
    return (*on_topics, group, fencing)


def _scoring(topics: Topics) -> tuple[Grant, ...]:
    group = Grant(Resource.GROUP, topics.scoring_group, (Operation.READ,))
    on_topics = _grants(_on(Operation.READ, [topics.scores]), _on(Operation.DESCRIBE_CONFIGS, [topics.scores]))
    return (*on_topics, group)


def _auditor(topics: Topics) -> tuple[Grant, ...]:
    groups = [Grant(Resource.GROUP, name, (Operation.DESCRIBE,)) for name in (topics.app_id, topics.scoring_group)]
    every = topics.all()
    return (*_grants(_on(Operation.READ, every), _on(Operation.DESCRIBE_CONFIGS, every)), *groups)


def _steward(topics: Topics) -> tuple[Grant, ...]:
    """Return what opting out takes: asking for it, seeing it done, clearing away credits that everybody has applied.

    To link accounts takes knowing the links there are, and telling both partitions the names.
    """
    ends = [topics.engagements, topics.scores]
    on_topics = _grants(
        _on(Operation.READ, [topics.calibration, topics.commands]),
        _on(Operation.WRITE, [topics.commands, topics.credits]),
        _on(Operation.DELETE, [topics.credits]),
        _on(Operation.DESCRIBE, [*ends, topics.credits]),
    )
    groups = [Grant(Resource.GROUP, name, (Operation.DESCRIBE,)) for name in (topics.app_id, topics.scoring_group)]
    return (*on_topics, *groups)


def _operator(topics: Topics) -> tuple[Grant, ...]:
    wanted = (Operation.CREATE, Operation.ALTER, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
    return _grants(*(_on(operation, topics.all()) for operation in wanted))


_KAFKA: Final[dict[Role, Callable[[Topics], tuple[Grant, ...]]]] = {
    Role.PRODUCER: _producer,
    Role.WORKER: _worker,
    Role.SCORING: _scoring,
    Role.AUDITOR: _auditor,
    Role.STEWARD: _steward,
    Role.OPERATOR: _operator,
}
KAFKA_ROLES: Final = tuple(_KAFKA)


def kafka_grants(role: Role, topics: Topics) -> tuple[Grant, ...]:
    """Return all that `role` may do on Kafka; nothing for a role that only reads Redis."""
    return _KAFKA[role](topics) if role in _KAFKA else ()


READING: Final = (
    "get", "mget", "hget", "hmget", "hgetall",
    "zrange", "zrevrange", "zrangebyscore", "zrevrangebyscore", "zscore", "zrank", "zrevrank", "zcard", "zcount",
    "multi", "exec", "discard",
)  # fmt: skip
_CONNECTION: Final = ("ping", "select", "client|setname")
"""What client libraries send by themselves; AUTH, HELLO and QUIT are everybody's."""
_WRITING: Final = (
    "evalsha", "script|load",
    "hget", "hmget", "hgetall", "hset", "hdel", "del", "set", "zadd", "zrem",
)  # fmt: skip
"""The agent's calls and, since Redis checks each, those of its script."""
_EMPTYING: Final = ("scan", "unlink")
REDIS_ROLES: Final = (Role.READER, Role.SCORING, Role.OPERATOR)


def redis_rights(role: Role, prefix: str) -> RedisRights:
    """Return all that `role` may do on Redis; BadSettingError when the prefix cannot stand in an ACL.

    SCAN shows the names of foreign keys too, so only the operator has it: `renown scoring --rebuild` needs it.
    """
    keys = RedisKeys(_escaped(prefix))
    if role is Role.READER:
        own = (keys.user("*"), keys.history("*"), keys.why("*"), keys.top(), keys.top("*"), keys.meta())
        return RedisRights(own, READING + _CONNECTION)
    every = (f"{keys.prefix}:*",)
    if role is Role.SCORING:
        return RedisRights(every, _WRITING + _CONNECTION)
    if role is Role.OPERATOR:
        return RedisRights(every, tuple(dict.fromkeys(READING + _WRITING + _EMPTYING + _CONNECTION)))
    return RedisRights((), ())


def _escaped(prefix: str) -> str:
    """Return the prefix so that a pattern matches it as it stands."""
    if not prefix.isprintable() or set(prefix) & set(" \"'"):
        remedy = "cannot stand in a Redis ACL: use a prefix without spaces, quotes and control characters"
        raise BadSettingError("RENOWN_REDIS_PREFIX", prefix, remedy)
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in prefix)

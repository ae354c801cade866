"""Every topic as data: name, key, partitions, retention. `renown topics plan|apply` and the local stack read this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

APP_ID: Final = "renown.app"
USERS_TABLE: Final = "users"
DAY_MS: Final = 86_400_000
MAX_BATCH_BYTES: Final = 16 * 1024 * 1024
"""A user's row and all of its changed pair slots must fit into one record batch (see the engine's barrier)."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: `key` says what its records are keyed by; `partitions` None means the pipeline's count."""

    name: str
    key: str
    holds: str
    partitions: int | None = None
    config: dict[str, str] = field(default_factory=dict)

    def count(self, pipeline_partitions: int) -> int:
        """Return how many partitions the topic has in a pipeline of `pipeline_partitions`."""
        return self.partitions or pipeline_partitions


_COMPACT = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.1",
    "segment.bytes": str(64 * 1024 * 1024),
    "max.message.bytes": str(MAX_BATCH_BYTES),
}


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of a pipeline whose names start with `prefix`."""

    prefix: str = "renown"

    def _named(self, name: str) -> str:
        return f"{self.prefix}.{name}.v1"

    @property
    def engagements(self) -> Topic:
        """What producers write."""
        config = {"retention.ms": str(7 * DAY_MS), "message.timestamp.type": "LogAppendTime"}
        return Topic(self._named("engagements"), "actor", "engagements as producers write them", None, config)

    @property
    def credits(self) -> Topic:
        """What the actor stage grants, on its way to the target's partition."""
        config = {"retention.ms": str(2 * DAY_MS), "max.message.bytes": str(MAX_BATCH_BYTES)}
        return Topic(self._named("credits"), "target", "weighed engagements, packed by chunk", None, config)

    @property
    def scores(self) -> Topic:
        """The public feed of scores."""
        return Topic(self._named("scores"), "user", "newest score of every user", None, dict(_COMPACT))

    @property
    def dead_letters(self) -> Topic:
        """Refused records with their reason."""
        config = {"retention.ms": str(30 * DAY_MS)}
        return Topic(self._named("dead-letters"), "none", "refused records, untouched", 1, config)

    @property
    def calibration(self) -> Topic:
        """Every partition's sketch, and the maps merged from them."""
        config = {**_COMPACT, "segment.ms": "600000"}
        return Topic(self._named("calibration"), "sketch or map", "histograms and calibration maps", 1, config)

    @property
    def commands(self) -> Topic:
        """Opt-out, opt-in, forget, link, unlink."""
        config = {"retention.ms": "-1", "message.timestamp.type": "LogAppendTime"}
        return Topic(self._named("commands"), "subject", "commands, read by every worker", 1, config)

    @property
    def users_changelog(self) -> Topic:
        """The users table, as Faust names its changelog."""
        return Topic(f"{self.app_id}-{USERS_TABLE}-changelog", "user", "the users table", None, dict(_COMPACT))

    @property
    def app_id(self) -> str:
        """The Faust application and consumer group."""
        return f"{self.prefix}.app"

    @property
    def scoring_group(self) -> str:
        """The consumer group that writes scores to Redis."""
        return f"{self.prefix}.scoring"

    def all(self) -> list[Topic]:
        """Return every topic that must exist before a worker starts."""
        return [
            self.engagements,
            self.credits,
            self.scores,
            self.dead_letters,
            self.calibration,
            self.commands,
            self.users_changelog,
        ]

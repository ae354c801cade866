"""What must hold of a topic on the broker, and how to put right what does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.topics import DAY_MS, Topic

DELETE: Final = "delete"
EXACT: Final = ("message.timestamp.type",)
"""Beside the clean-up policy. Ages and lateness are measured by the broker's clock, not by producers'."""
LEAST_RETENTION_MS: Final = DAY_MS
"""Kafka deletes what is older, read or not: no outage may last longer. More is the operator's choice."""
UNLIMITED: Final = "-1"


@dataclass(frozen=True, slots=True)
class Difference:
    """What is wrong with one topic: `setting` is `have` and must be `want`; a `missing` one can be created."""

    topic: Topic
    setting: str
    have: str
    want: str
    remedy: str
    missing: bool = False

    @property
    def detail(self) -> str:
        """Return what is wrong and what would be right."""
        if self.missing:
            return f"is missing, must have {self.want} {self.setting}"
        return f"has {self.setting}={self.have}, must be {self.want}"


def count_difference(topic: Topic, have: int | None, pipeline_partitions: int) -> Difference | None:
    """Return what is wrong with a topic of `have` partitions, None = it is not there; None when nothing is."""
    want = topic.count(pipeline_partitions)
    if have is None:
        return Difference(topic, "partitions", "0", str(want), "run `renown topics apply`", missing=True)
    if have == want:
        return None
    if topic.partitions is None:
        remedy = (
            f"set RENOWN_PARTITIONS={have} if that is what the pipeline was made with, "
            "else take another RENOWN_PREFIX and run `renown topics apply`"
        )
    else:
        remedy = f"delete topic {topic.name}, then run `renown topics apply`"
    return Difference(topic, "partitions", str(have), str(want), remedy)


def config_differences(topic: Topic, have: Mapping[str, str], bootstrap: str) -> Iterator[Difference]:
    """Yield every configuration of an existing topic under which counts would be wrong; the others are advice."""
    for name, want in _exact(topic).items():
        if have.get(name) != want:
            yield _differs(topic, name, have, want, want, bootstrap)
    for name, want in _least(topic).items():
        if _amount(have.get(name, "0")) < _amount(want):
            shown = f"{want} (unlimited)" if want == UNLIMITED else f"at least {want}"
            yield _differs(topic, name, have, want, shown, bootstrap)


def _exact(topic: Topic) -> dict[str, str]:
    kept = {name: topic.config[name] for name in EXACT if name in topic.config}
    return {"cleanup.policy": topic.config.get("cleanup.policy", DELETE), **kept}


def _least(topic: Topic) -> dict[str, str]:
    """Return the least values; a limit in bytes deletes what nobody has read yet, however young it is."""
    found = {name: topic.config[name] for name in ("max.message.bytes",) if name in topic.config}
    if "retention.ms" in topic.config:
        wanted = topic.config["retention.ms"]
        found["retention.ms"] = wanted if wanted == UNLIMITED else str(min(int(wanted), LEAST_RETENTION_MS))
        if topic.key != "none":
            found["retention.bytes"] = UNLIMITED
    return found


def _amount(text: str) -> float:
    return math.inf if text == UNLIMITED else int(text)


def _differs(topic: Topic, name: str, have: Mapping[str, str], want: str, shown: str, bootstrap: str) -> Difference:
    change = f"--entity-type topics --entity-name {topic.name} --alter --add-config {name}={want}"
    remedy = f"run `kafka-configs.sh --bootstrap-server {bootstrap} {change}`"
    return Difference(topic, name, have.get(name, "nothing"), shown, remedy)

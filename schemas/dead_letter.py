"""Dead letter: a refused record. Topic `renown.dead-letters.v1`, value = the original bytes, headers say why."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from schemas.reasons import Reason

MAX_DETAIL_CHARS = 200


class LetterHeaders(msgspec.Struct, frozen=True):
    """The headers of a dead letter, all as text; numbers are spelt in decimal."""

    reason: Reason
    detail: str
    topic: str
    partition: str
    offset: str
    source: str
    at: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record, where it came from and why.

    `topic`, `partition`, `offset` name the refused record (a file's name and line for sources that are not
    Kafka) and make a letter that was written twice recognisable; `at_ms` is the record's append time.
    """

    value: bytes
    reason: Reason
    detail: str
    topic: str
    partition: int
    offset: int
    source: str
    at_ms: int

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the Kafka headers of this letter."""
        texts = LetterHeaders(
            reason=self.reason,
            detail=self.detail[:MAX_DETAIL_CHARS],
            topic=self.topic,
            partition=str(self.partition),
            offset=str(self.offset),
            source=self.source,
            at=str(self.at_ms),
        )
        spelt = msgspec.structs.asdict(texts).items()
        return [(name, str(text).encode("utf-8", "backslashreplace")) for name, text in spelt]


def dead_letter(value: bytes, headers: list[tuple[str, bytes]]) -> DeadLetter:
    """Return the letter that `headers` and `value` spell; raise ValueError or KeyError when they do not."""
    texts = {name: raw.decode() for name, raw in headers}
    return DeadLetter(
        value=value,
        reason=Reason(texts["reason"]),
        detail=texts["detail"],
        topic=texts["topic"],
        partition=int(texts["partition"]),
        offset=int(texts["offset"]),
        source=texts["source"],
        at_ms=int(texts["at"]),
    )

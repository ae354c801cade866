"""ActivityStreams: activities one a line, or one document (an outbox) that takes several lines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

import msgspec

from agents.ingest import activitystreams
from agents.ingest.formats.lines import Line, line_blocks
from agents.ingest.formats.opening import SourceError, Stream
from agents.ingest.outcomes import Outcome, Outcomes, Refused, outcome_of
from schemas.errors import BadRecordError

MOST_BYTES: Final = 256 * 1024 * 1024
BLOCK: Final = 2_000


def outcomes(stream: Stream) -> Outcomes:
    """Yield what becomes of each activity; SourceError for one document beyond MOST_BYTES."""
    blocks = line_blocks(stream)
    first = next(blocks, [])
    if not first or _is_document(first[0].value):
        for lines in chain([first], blocks):
            yield [outcome for line in lines for outcome in line_outcomes(line)]
        return
    found = document_outcomes(_whole(chain([first], blocks)), 1)
    while block := list(islice(found, BLOCK)):
        yield block


def line_outcomes(line: Line) -> list[Outcome]:
    """Return the engagements of one document, each accepted or refused by itself."""
    return list(document_outcomes(line.value, line.number))


def document_outcomes(raw: bytes, number: int = 0, received_ms: int | None = None) -> Iterator[Outcome]:
    """Yield the engagements of one document; `received_ms` dates activities that do not say when they were.

    A refusal holds the activity, of a collection the one item.
    """
    try:
        found = activitystreams.document(raw)
    except BadRecordError as error:
        yield Refused(error, number, raw)
        return
    for each in activitystreams.items(found):
        original = raw if each is found else msgspec.json.encode(each)
        try:
            yield from [outcome_of(act, number, original) for act in activitystreams.acts(each, received_ms)]
        except BadRecordError as error:
            yield Refused(error, number, original)


def _is_document(raw: bytes) -> bool:
    try:
        activitystreams.document(raw)
    except BadRecordError:
        return False
    return True


def _whole(blocks: Iterator[list[Line]]) -> bytes:
    """Return all lines as one text."""
    lines, size = list[bytes](), 0
    for line in chain.from_iterable(blocks):
        size += len(line.value)
        if line.cut or size > MOST_BYTES:
            raise SourceError("one document, too large to be read at once; send its activities one a line")
        lines.append(line.value)
    return b"\n".join(lines)

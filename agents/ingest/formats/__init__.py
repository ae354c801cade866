"""File formats: each turns stored events into outcomes, block by block, without knowing where they go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from agents.ingest.formats import activitystreams, delimited, gharchive, jsonl, parquet
from agents.ingest.formats.opening import Meter, SourceError, opened
from agents.ingest.outcomes import Outcomes, Refused
from schemas.engagement import Act
from schemas.errors import BadRecordError

FORMATS: Final = ("jsonl", "gharchive", "higgs", "csv", "parquet", "activitystreams")
_STREAMED: Final = {
    "jsonl": jsonl.outcomes,
    "gharchive": gharchive.outcomes,
    "csv": delimited.outcomes,
    "activitystreams": activitystreams.outcomes,
}


def outcomes(path: str, form: str, meter: Meter | None = None) -> Outcomes:
    """Yield blocks of outcomes of the file at `path` (`-` is standard input).

    `meter` is told how many stored bytes were consumed. Raises SourceError when the source cannot be read.
    """
    if form == "parquet":
        yield from parquet.outcomes(path, meter)
    elif form == "higgs":
        from agents.ingest.formats import higgs_events

        yield from higgs_events.outcomes(path, meter)
    elif form in _STREAMED:
        with opened(path, meter) as stream:
            yield from _STREAMED[form](stream)
    else:
        raise SourceError(f"format {form!r} is unknown; send one of {', '.join(FORMATS)}")


def read(path: str, form: str) -> Iterator[list[Act | BadRecordError]]:
    """Yield blocks of acts and refusals, in the order of the file."""
    for block in outcomes(path, form):
        yield [each.error if isinstance(each, Refused) else each.act for each in block]

"""JSON lines: one engagement of our contract a line, sent on as it stands."""

from __future__ import annotations

from agents.ingest.formats.lines import line_blocks
from agents.ingest.formats.opening import Stream
from agents.ingest.outcomes import Outcome, Outcomes, Ready, Refused
from schemas.codec import decode_engagements
from schemas.errors import BadRecordError


def outcomes(stream: Stream) -> Outcomes:
    """Yield what becomes of each line. A line beyond the codec's limit is refused by the codec itself."""
    for lines in line_blocks(stream):
        decoded = decode_engagements([line.value for line in lines])
        block: list[Outcome] = [
            Refused(act, line.number, line.value) if isinstance(act, BadRecordError) else Ready(act, line.value)
            for act, line in zip(decoded, lines, strict=True)
        ]
        yield block

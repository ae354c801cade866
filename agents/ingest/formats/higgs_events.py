"""The Higgs activity list as engagements: its columns, act by act, as JSON of the contract."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from agents.ingest.formats import higgs
from agents.ingest.formats.columns import Columns
from agents.ingest.formats.opening import Meter
from agents.ingest.outcomes import Outcome, Outcomes, Ready
from schemas.engagement import Act
from schemas.kinds import KINDS

BLOCK_EVENTS = 2_000
_ENCODER = msgspec.json.Encoder()


def outcomes(path: str, meter: Meter | None = None) -> Outcomes:
    """Yield what becomes of each act; ids and users are digits and colons, so they need no second check."""
    for columns in higgs.columns(path, meter):
        if columns.refused:
            yield list(columns.refused)
        yield from _blocks(columns)


def _blocks(columns: Columns) -> Outcomes:
    for at in range(0, len(columns), BLOCK_EVENTS):
        block: list[Outcome] = list(_ready(columns, slice(at, at + BLOCK_EVENTS)))
        yield block


def _ready(columns: Columns, chosen: slice) -> Iterator[Ready]:
    cells = (columns.actors, columns.targets, columns.kinds, columns.at_ms)
    for actor_at, target_at, kind, at_ms in zip(*(cell[chosen].tolist() for cell in cells), strict=True):
        actor, target = columns.users[actor_at], columns.users[target_at]
        numbers = int(actor.partition(b":")[2]), int(target.partition(b":")[2])
        act = Act(higgs.event_id(*numbers, at_ms // 1000, kind), kind, actor, target, at_ms)
        yield Ready(act, _value(act))


def _value(act: Act) -> bytes:
    return _ENCODER.encode(
        {
            "id": act.id.decode(),
            "kind": KINDS[act.kind],
            "actor": act.actor.decode(),
            "target": act.target.decode(),
            "occurred_at": act.occurred_at_ms,
        }
    )

"""A mapping's own tests: each payload, read as the collector would, against what must become of it."""

from __future__ import annotations

from collections.abc import Mapping as Pairs
from typing import Any, NamedTuple

import msgspec

from agents.ingest.mapping.form import Mapping, Trial
from agents.ingest.mapping.payloads import Head, outcomes_of
from agents.ingest.outcomes import FIELDS, Ready
from schemas.errors import BadRecordError
from schemas.instants import epoch_ms, rfc3339


class Said(NamedTuple):
    """What a payload says: engagements as the contract has them, and refusals as (reason, detail)."""

    engagements: list[dict[str, Any]]
    refused: list[tuple[str, str]]


class Verdict(NamedTuple):
    """Whether a test holds, and what the payload says."""

    name: str
    holds: bool
    wanted: list[dict[str, Any]]
    said: Said


def said(mapping: Mapping, body: bytes, headers: Pairs[str, str], received_ms: int | None) -> Said:
    """Return what becomes of a payload that came with `headers`."""
    kept = {name.lower() for name in mapping.form.receive.headers}
    head = Head(mapping.name, {n.lower(): v for n, v in headers.items() if n.lower() in kept}, {}, received_ms)
    found = list(outcomes_of(mapping, head, body, body))
    return Said(
        [_plain(msgspec.json.decode(each.value)) for each in found if isinstance(each, Ready)],
        [(each.error.reason.value, each.error.detail) for each in found if not isinstance(each, Ready)],
    )


def tried(mapping: Mapping, trial: Trial) -> Verdict:
    """Return the verdict on one test."""
    found = said(mapping, trial.payload.encode(), trial.headers, trial.received_at)
    wanted = [_plain(each) for each in trial.says]
    holds = found.engagements == wanted and [reason for reason, _ in found.refused] == trial.refused
    return Verdict(trial.name, holds, wanted, found)


def _plain(engagement: dict[str, Any]) -> dict[str, Any]:
    """Return the contract's fields in their order, the instant as RFC 3339 where it is one."""
    plain = {name: engagement[name] for name in FIELDS if engagement.get(name)}
    plain |= {name: value for name, value in engagement.items() if name not in FIELDS}
    try:
        plain["occurred_at"] = rfc3339(epoch_ms(engagement.get("occurred_at", "")))
    except BadRecordError:
        return plain
    return plain

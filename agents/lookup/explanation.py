"""A score explained: its numbers in plain words, parts as shares of 100, and the moments that weigh most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from agents.lookup.stored import StoredScore
from schemas.engagement import Act
from schemas.instants import rfc3339
from schemas.kinds import KINDS
from schemas.score import Moment

PERMILLE = 1000
_NOUNS = {"like": "likes", "share": "shares", "mention": "mentions", "reply": "replies"}
_PART_NAMES = {**_NOUNS, "relationships": "two-way relationships"}
_VERBS = {"like": "liked", "share": "shared", "mention": "mentioned", "reply": "replied to"}


def percentages(masses: Mapping[str, float]) -> dict[str, float]:
    """Return each mass as percent of the sum, to one decimal; they add up to 100 exactly (or are all 0).

    The tenths left over by rounding down go to those that lost most by it.

    >>> percentages({"a": 1.0, "b": 1.0, "c": 1.0})
    {'a': 33.4, 'b': 33.3, 'c': 33.3}
    """
    total = sum(masses.values())
    if total <= 0:
        return dict.fromkeys(masses, 0.0)
    exact = {name: PERMILLE * mass / total for name, mass in masses.items()}
    tenths = {name: int(share) for name, share in exact.items()}
    losers = sorted(exact, key=lambda name: tenths[name] - exact[name])
    for name in losers[: PERMILLE - sum(tenths.values())]:
        tenths[name] += 1
    return {name: share / 10 for name, share in tenths.items()}


def document(score: StoredScore, moments: Sequence[Moment], acts: Sequence[Act | None]) -> dict[str, Any]:
    """Return the explanation as a JSON document; `acts` are those behind the moments, None where unknown."""
    plain = msgspec.to_builtins(score)
    shares = percentages(plain["parts"])
    plain["parts"] = {name: {"mass": mass, "percent": shares[name]} for name, mass in plain["parts"].items()}
    plain["as_of"] = rfc3339(score.as_of)
    plain["moments"] = [_moment(moment, _own(score, moment, act)) for moment, act in zip(moments, acts, strict=True)]
    plain["lines"] = lines(score, plain["moments"])
    return {str(name): value for name, value in plain.items()}


def lines(score: StoredScore, moments: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the explanation in plain words, one statement a line."""
    parts = percentages(msgspec.to_builtins(score.parts))
    named = [
        f"{parts[name]:.1f} % {_PART_NAMES[name]}"
        for name in sorted(parts, key=lambda name: -parts[name])
        if parts[name]
    ]
    counts = msgspec.to_builtins(score.counts_7d)
    week = [_counted(counts[kind], kind) for kind in KINDS]
    return [
        _standing(score),
        f"More influence than {score.percentile:.1f} % of everybody who is scored.",
        f"Made of {', '.join(named)}." if named else "Nothing that was received still weighs.",
        f"Relationships {score.relationships:.1f} of 100; momentum (last hours) {score.momentum:.2f}.",
        f"About {score.reach:.0f} different people engaged lately.",
        f"Received in seven days: {', '.join(week)}.",
        *[f"Weighs most now: {_told(moment)}" for moment in moments],
    ]


def _standing(score: StoredScore) -> str:
    where = f"{score.user} stands at {score.score:.1f} of 100"
    drift = score.target_score - score.score
    heading = "" if abs(drift) < 0.05 else f", {'rising' if drift > 0 else 'falling'} towards {score.target_score:.1f}"  # noqa: PLR2004
    return f"{where}{heading}{' (provisional: first week)' if score.provisional else ''}."


def _counted(count: int, kind: str) -> str:
    return f"{count:,} {kind if count == 1 else _NOUNS[kind]}"


def _own(score: StoredScore, moment: Moment, act: Act | None) -> Act | None:
    """Return the act if it is the moment's: a log that was made anew holds others at the same places."""
    fits = act is not None and act.target.decode() == score.user and KINDS[act.kind] == moment.kind
    return act if fits else None


def _moment(moment: Moment, act: Act | None) -> dict[str, Any]:
    known = (
        {"actor": act.actor.decode(), "object": act.object.decode() or None} if act else {"actor": None, "object": None}
    )
    return {
        "kind": moment.kind,
        "occurred_at": rfc3339(moment.occurred_at_ms),
        "mass": moment.mass,
        **known,
        "partition": moment.partition,
        "offset": moment.offset,
    }


def _told(moment: Mapping[str, Any]) -> str:
    who, verb = moment["actor"] or "somebody", _VERBS.get(moment["kind"], moment["kind"])
    what = f" ({moment['object']})" if moment["object"] else ""
    return f"{who} {verb} them{what} at {moment['occurred_at']}, mass {moment['mass']:.2f}."

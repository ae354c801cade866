"""A score in plain words, one statement a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from agents.lookup.arithmetic import percentages
from agents.lookup.stored import StoredScore
from schemas.kinds import KINDS
from schemas.score import Counts

_NOUNS = {"like": "likes", "share": "shares", "mention": "mentions", "reply": "replies"}
_PART_NAMES = {**_NOUNS, "relationships": "two-way relationships"}
_VERBS = {"like": "liked", "share": "shared", "mention": "mentioned", "reply": "replied to"}


class Standing(Protocol):
    """A score, as far as its first sentence needs it."""

    @property
    def user(self) -> str:
        """Whose it is."""

    @property
    def score(self) -> float:
        """What is shown."""

    @property
    def target_score(self) -> float:
        """Where it is heading."""

    @property
    def provisional(self) -> bool:
        """Whether it is within its first week."""


class Told(Protocol):
    """A moment, as far as words need it."""

    @property
    def kind(self) -> str:
        """What was done."""

    @property
    def occurred_at(self) -> str:
        """When, as RFC 3339."""

    @property
    def mass(self) -> float:
        """What it weighs now."""

    @property
    def actor(self) -> str | None:
        """Who did it, where known."""

    @property
    def object(self) -> str | None:
        """What it was about, where known."""


def lines(score: StoredScore, moments: Sequence[Told]) -> list[str]:
    """Return the explanation in plain words, one statement a line."""
    return [
        standing(score),
        *([f"The score is that of {score.linked_to}, one of whose accounts this is."] if score.linked_to else []),
        f"More influence than {score.percentile:.1f} % of everybody who is scored.",
        made_of(msgspec.to_builtins(score.parts)),
        f"Relationships {score.relationships:.1f} of 100; momentum (last hours) {score.momentum:.2f}.",
        f"About {score.reach:.0f} different people engaged lately.",
        f"Received in seven days: {received(score.counts_7d)}.",
        *[f"Weighs most now: {told(moment)}" for moment in moments],
        *_about(moments),
    ]


def standing(score: Standing) -> str:
    """Return where the user stands and where the score is heading."""
    where = f"{score.user} stands at {score.score:.1f} of 100"
    drift = score.target_score - score.score
    heading = "" if abs(drift) < 0.05 else f", {'rising' if drift > 0 else 'falling'} towards {score.target_score:.1f}"  # noqa: PLR2004
    return f"{where}{heading}{' (provisional: first week)' if score.provisional else ''}."


def made_of(masses: Mapping[str, float]) -> str:
    """Return the parts in percent, the greatest first."""
    parts = percentages(masses)
    named = [
        f"{parts[name]:.1f} % {_PART_NAMES[name]}"
        for name in sorted(parts, key=lambda name: -parts[name])
        if parts[name]
    ]
    return f"Made of {', '.join(named)}." if named else "Nothing that was received still weighs."


def received(counts_7d: Counts) -> str:
    """Return the counts of seven days in words; a kind that came once is named in the singular."""
    counts = msgspec.to_builtins(counts_7d)
    return ", ".join(f"{counts[kind]:,} {kind if counts[kind] == 1 else _NOUNS[kind]}" for kind in KINDS)


def told(moment: Told) -> str:
    """Return a moment as a sentence."""
    who, verb = moment.actor or "somebody", _VERBS.get(moment.kind, moment.kind)
    what = f" ({moment.object})" if moment.object else ""
    return f"{who} {verb} them{what} at {moment.occurred_at}, mass {moment.mass:.2f}."


def _about(moments: Sequence[Told]) -> list[str]:
    """Return how many people and posts the moments come from, nothing where they are not known."""
    people = {moment.actor for moment in moments if moment.actor}
    posts = {moment.object for moment in moments if moment.object}
    if len(moments) < 2 or not people or not posts:  # noqa: PLR2004 - one moment says it itself
        return []
    who = "one person" if len(people) == 1 else f"{len(people)} different people"
    what = "one post" if len(posts) == 1 else f"{len(posts)} posts"
    return [f"These {len(moments)} come from {who} and are about {what}."]

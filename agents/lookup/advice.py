"""What a person could do for real, and what would be in vain: told from the numbers, never a trick."""

from __future__ import annotations

from agents.lookup.stored import StoredScore
from streams.model.parameters import Parameters

_LOW_RELATIONSHIPS = 10.0
_FEW_PEOPLE = 3.0


def advice_for(score: StoredScore, parameters: Parameters | None) -> list[str]:
    """Return what could be done, the most fitting first, then what holds for everybody."""
    return [*_own(score), *_for_all(parameters)]


def _own(score: StoredScore) -> list[str]:
    said: list[str] = []
    talk = score.counts_7d.reply + score.counts_7d.mention
    if talk:
        what = f"{talk:,} replies and mentions" if talk > 1 else "One reply or mention"
        said.append(f"{what} reached them in seven days: an answer counts for both sides, whoever it goes to.")
    elif score.relationships < _LOW_RELATIONSHIPS:
        said.append("Relationships are two-way: take part in what others write, and reply to who replies.")
    if score.reach < _FEW_PEOPLE:
        said.append("Few different people engage: something made for one more person counts more than one fan again.")
    if score.target_score < score.score:
        said.append("The score is on its way down because newer acts are fewer than the older ones that fade.")
    return said


def _for_all(parameters: Parameters | None) -> list[str]:
    most = "a little" if parameters is None else f"{parameters.pair_capacity:g}"
    few = "a little" if parameters is None else f"{parameters.newcomer_limit:g}"
    fan = f"one fan a thousand times (one person gives at most {most} at once)"
    crowd = f"crowds of new accounts (all newcomers alone give at most {few})"
    return [
        "Answering somebody with a low score can never cost anything: the formula does not read whom one talks to.",
        f"In vain: {fan}, {crowd}.",
    ]

"""The open formula with one user's own numbers in it, step by step."""

from __future__ import annotations

from typing import Final

import msgspec

from agents.lookup.stored import StoredScore
from streams.model.parameters import PROFILES, Parameters, model_name

PERCENTILE_ROUNDING: Final = 0.000_006
"""Redis keeps percentiles to a thousandth of a percent, and a little for the target's own rounding."""
SCALE: Final = 99.0


class Step(msgspec.Struct, frozen=True, gc=False):
    """One step: its name, the formula, the same with the user's numbers, and in plain words what it says."""

    name: str
    formula: str
    filled: str
    meaning: str


class Formula(msgspec.Struct, frozen=True, gc=False):
    """The steps from masses to the score shown; `model` names the formula's parameters."""

    model: str
    steps: tuple[Step, ...]


def formulas(profile: str, parameters: Parameters) -> dict[str, Parameters]:
    """Return formulas by the name that scores bear: the named profiles and the deployment's own.

    A score of any other stays unexplained in its constants: another formula's numbers would mislead.
    """
    return {model_name(name, each): each for name, each in PROFILES.items()} | {
        model_name(profile, parameters): parameters
    }


def formula_of(score: StoredScore, parameters: Parameters | None) -> Formula:
    """Return the formula filled in; without the `parameters` of the score's model its constants stay letters."""
    return Formula(score.model, (_mass(score), _rank(score, parameters), _target(score, parameters), _shown(score)))


def share_above(score: StoredScore, parameters: Parameters | None) -> float:
    """Return 1 - p, the share of everybody with more: from the target, which near the top says it more finely.

    The percentile as kept decides where the two do not agree.
    """
    kept = 1.0 - score.percentile / 100.0
    if parameters is None or not 1.0 < score.target_score < 1.0 + SCALE:
        return kept
    finer: float = (1.0 - (score.target_score - 1.0) / SCALE) ** (1.0 / parameters.gamma)
    tolerance = PERCENTILE_ROUNDING + 0.001 * finer
    return finer if abs(finer - kept) <= tolerance else kept


def _mass(score: StoredScore) -> Step:
    parts = score.parts
    masses = (parts.like, parts.share, parts.mention, parts.reply, parts.relationships)
    return Step(
        "mass",
        "raw = likes + shares + mentions + replies + relationships",
        f"{score.raw:.3f} = {' + '.join(f'{mass:.3f}' for mass in masses)}",
        "What people did lately, older acts weighing less; 1 is one established person's fresh share.",
    )


def _rank(score: StoredScore, parameters: Parameters | None) -> Step:
    above = share_above(score, parameters)
    return Step(
        "rank",
        "p = share of everybody scored who has less mass",
        f"p = {_digits(1.0 - above, above)}",
        f"{_percent(above)} % of everybody has more.",
    )


def _target(score: StoredScore, parameters: Parameters | None) -> Step:
    above = share_above(score, parameters)
    gamma = "gamma" if parameters is None else f"{parameters.gamma:g}"
    return Step(
        "target",
        "target = 1 + 99 (1 - (1 - p)^gamma)",
        f"{score.target_score:.2f} = 1 + 99 (1 - {above:.4g}^{gamma})",
        "The rank as a number from 1 to 100; most people are low, as influence is uneven.",
    )


def _shown(score: StoredScore) -> Step:
    if abs(score.target_score - score.score) < 0.05:  # noqa: PLR2004 - half of the last digit shown
        filled = f"{score.score:.1f} = {score.target_score:.2f}, rounded"
    else:
        filled = f"{score.score:.1f} → {score.target_score:.2f}"
    return Step(
        "shown",
        "score → target, a little every day",
        filled,
        "The score shown follows its target slowly, so that no single day makes or breaks it.",
    )


def _digits(p: float, above: float) -> str:
    """Return p with enough digits to tell it from 1."""
    places = 4
    while above > 0.0 and above < 10.0 ** (1 - places) and places < 12:  # noqa: PLR2004 - beyond any crowd
        places += 1
    return f"{p:.{places}f}"


def _percent(share: float) -> str:
    return f"{100 * share:.4g}"

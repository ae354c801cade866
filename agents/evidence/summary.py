"""The page's first paragraph: per recording what was won and lost, counted from the figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agents.evidence.baselines import BASELINES
from agents.evidence.gaming import compared, ended, gain
from agents.evidence.sources import SOURCES
from agents.evidence.verdicts import verdict

METRIC: Final = "ndcg_50"


def in_short(documents: Mapping[str, Any]) -> str:
    """Return the section, a few lines for every recording."""
    return "\n".join(["## In short\n", *(line for name in documents for line in _lines(name, documents[name]))])


def _lines(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    prediction, outcomes = found["evaluate"], found["attack"]
    rivals = [cell for cell in prediction["cells"] if cell["score"] in BASELINES]
    how = [verdict(cell) for cell in rivals]
    yield f"**{SOURCES[name].title}**\n"
    yield (
        f"- Prediction: `raw` against {len(BASELINES)} baselines in {len(how) - how.count('-')} comparisons: "
        f"won {how.count('won')}, even {how.count('even')}, lost {how.count('lost')}."
    )
    means = {
        cell["score"]: cell["mean"]
        for cell in prediction["cells"]
        if (cell["horizon"], cell["metric"]) == (prediction["horizons"][0], METRIC)
    }
    best = max((score for score in means if score in BASELINES), key=lambda score: means[score])
    yield (
        f"- {prediction['metrics'][METRIC]} {prediction['horizons'][0]} ahead: `raw` {means['raw']:.3f}, `momentum` "
        f"{means['momentum']:.3f}, plain count {means['count']:.3f}, best baseline `{best}` {means[best]:.3f}."
    )
    own, *others = outcomes[0]["moved"]
    for rival in others:
        lower, higher = compared(outcomes, rival, own, ended)
        less, more = compared(outcomes, rival, own, gain)
        yield (
            f"- Gaming, {len(outcomes)} attacks, against `{rival}`: {lower} ended lower and {higher} higher; "
            f"{less} gained fewer points and {more} more."
        )
    days = found["stability"]["movement"]["shown"]["high"]
    if days["people"]:
        yield (
            f"- Stability: from 50 up, in a day the shown score fell by {-days['min']:.1f} at most and rose by "
            f"{days['p99']:.1f} (P99)."
        )
    yield ""

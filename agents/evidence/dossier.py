"""All evidence from one recording as one JSON document: figures only, nobody's name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from agents.attack.outcome import Moved, Outcome
from agents.attack.run import attack
from agents.attack.scenarios import SCENARIOS
from agents.attack.stream import Stream
from agents.evidence.cuts import cuts, horizons
from agents.evidence.evaluation import Plan, evaluate
from agents.evidence.outcomes import ENGAGERS
from agents.evidence.sources import Source
from agents.evidence.stability import STEPS, stability
from agents.recorded import Recorded
from streams.model.parameters import model_name, named

_LIST: Final = re.compile(r"\[[^\[\]{}]*\]")
_STRUCT: Final = re.compile(r"\{[^{}]*\}")
_LONGEST_LINE: Final = 400
POINTS_DIGITS: Final = 3


def attacks(source: Source, stream: Stream, names: Sequence[str] = tuple(SCENARIOS)) -> Iterator[dict[str, Any]]:
    """Yield the outcome of every attack in `names` without the beneficiary's name."""
    parameters = named(source.profile)
    for one in attack(stream, names, source.sizes, parameters, seed=source.seed, price=source.price):
        yield _nameless(one)


def _nameless(one: Outcome) -> dict[str, Any]:
    return {
        "attack": one.scenario,
        "size": one.size,
        "for": one.standing,
        "paid": one.paid,
        "moved": {name: _points(moved) for name, moved in one.moved.items()},
    }


def _points(moved: Moved) -> dict[str, Any]:
    price = moved.price_per_point
    return {
        "before": round(moved.score[0], POINTS_DIGITS),
        "after": round(moved.score[1], POINTS_DIGITS),
        "a_point": None if price is None else round(price, POINTS_DIGITS),
        "losers": moved.losers,
        "honest": moved.honest,
    }


def steps_of(source: Source) -> int:
    """Return how many steps a dossier takes, roughly seconds of a large recording apart."""
    return len(source.cuts.split(",")) + STEPS + 2 * len(SCENARIOS) * len(source.sizes)


def dossier(source: Source, found: Recorded, stream: Stream, step: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Return the evidence of a recording, read both ways; `step` is called as it proceeds."""
    parameters = named(source.profile)
    model = model_name(source.profile, parameters)
    at, ahead = found.acts.at, horizons(source.horizons)
    plan = Plan(cuts(source.cuts, float(at.min()), float(at.max()), ahead), ahead, parameters, model)
    prediction = evaluate(found, plan, lambda _: step())
    prediction["cells"] = [cell for cell in prediction["cells"] if cell["outcome"] == ENGAGERS]
    outcomes = []
    for one in attacks(source, stream):
        outcomes.append(one)
        step()
    return {
        "evaluate": prediction,
        "attack": outcomes,
        "stability": stability(found, parameters, model, source.seed, lambda _: step()),
    }


def text_of(documents: Mapping[str, Any]) -> str:
    """Return the documents as JSON, what belongs together on one line.

    >>> print(text_of({"a": [{"b": [1, 2]}]}), end="")
    {
     "a": [
      {"b": [1, 2]}
     ]
    }
    """
    spread = json.dumps(documents, indent=1, ensure_ascii=False)
    return _STRUCT.sub(_on_one_line, _LIST.sub(_on_one_line, spread)) + "\n"


def _on_one_line(found: re.Match[str]) -> str:
    joined = re.sub(r"\s*\n\s*", " ", found[0])
    tight = f"{joined[0]}{joined[1:-1].strip()}{joined[-1]}"
    return tight if len(tight) <= _LONGEST_LINE else found[0]

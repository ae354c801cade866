"""`docs/evidence.md`, rendered from `docs/evidence.json` and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from agents.attack.scenarios import SCENARIOS
from agents.evidence import gaming, tables
from agents.evidence.outcomes import ENGAGERS
from agents.evidence.sources import SOURCES, Source
from agents.evidence.summary import in_short
from agents.evidence.tables import Rows
from agents.evidence.verdicts import BOUND_ERRORS, LEAST_CUTS, verdicts

OPENING: Final = """# Evidence

Does the score foretell who is engaged with next, what does it take to game it, and does it keep still? Every
figure here was written by `make evidence DATA=folder`, which runs what `renown evaluate`, `renown attack` and
`renown stability` run; losses stand beside wins. `docs/evidence.json` holds the same figures for programs. A test
runs a part of them anew and fails when they drift, another when this page is not what that file says.
"""

READING: Final = f"""## How to read it

- **Prediction.** At each cut every score ranks all who have received something so far, from the acts up to the
  cut. The outcome is how many different people engaged with them in the horizon after it. NDCG's gain is
  log2(1 + outcome); P@100 is the share of the first 100 by score who are among the first 100 by outcome; ties share
  their places. People nobody has seen before a cut are left out for all scores alike; *foreseeable* says what share
  of the outcome remains.
- **Differences** are a score's mean less that of `raw`, with the standard error of the paired differences over the
  cuts. *Won* and *lost* mean more than {BOUND_ERRORS} standard errors, from {LEAST_CUTS} cuts on: by chance alone one
  comparison in twenty comes out so. Horizons of neighbouring cuts overlap and one recording is one story, so the
  errors are, if anything, too small.
- `raw` ranks leaderboards; `momentum` is shown beside the score and never mixed into it.
- **Attacks.** Each is injected into the recording for one low and one middle scorer, drawn by seed. Points are of
  the target score without daily limits, a rival's those of its values on the product's own map. *A point* is the
  price of a point at 0.01 an act; *losers* are honest people who lost more than a point. Fresh accounts end at a
  ceiling however many they are; accounts that waited for their tenure are not stopped. Where a score ends and what
  it gained are told apart, because low scorers do not begin at the same score under every measure.
- **Stability.** Replayed with hourly maps and daily limits, as live workers apply them.
"""

CLOSING: Final = """## What this does not show

- Two recordings, one of a week and one of an hour. Both are short, and neither holds likes and replies over months.
  Both are scored by profile `burst`, whose tenure is a day; nothing here tries the week of `default`.
- In a week everybody is within the first seven days after first being scored, where a higher target lifts the
  score at once. So the daily limit upwards is not seen at work, the one downwards is.
- In the hour nobody can be established and nothing has time to fade, so half-lives and tenure cannot show there.
- The attacks are what their authors could think of.
- The parameters were chosen with the Higgs recording in view, tuned at cuts of 48 to 72 h and compared at later
  ones, so its figures may flatter the product.
"""


WORDS: Final = frozenset({"lost where, by how much", "ended higher by", "for"})
"""Columns of text, which align left."""


def page(documents: Mapping[str, Any]) -> str:
    """Return the page; `documents` has a dossier by the name of every source."""
    parts = (_part(SOURCES[name], name, documents[name]) for name in documents)
    return "\n".join([OPENING, in_short(documents), READING, *parts, CLOSING])


def _part(source: Source, name: str, found: Mapping[str, Any]) -> str:
    return "\n".join(_paragraphs(source, name, found))


def _paragraphs(source: Source, name: str, found: Mapping[str, Any]) -> Iterator[str]:
    prediction, stability = found["evaluate"], found["stability"]
    yield f"## {source.title}\n"
    yield (
        f"{prediction['acts']:,} engagements of {prediction['users']:,} people, {prediction['from']} to "
        f"{prediction['to']}; model `{prediction['model']}`. Rights: {source.rights}\n"
    )
    yield "### Prediction\n"
    yield f"```\nrenown evaluate {source.options()} --cuts {source.cuts} --horizons {source.horizons}\n```\n"
    yield _foreseeable(prediction)
    yield _markdown(verdicts(prediction))
    yield f"![prediction](evidence-{name}-prediction.svg)\n"
    for horizon in prediction["horizons"]:
        yield _markdown(tables.prediction(prediction, horizon, ENGAGERS))
    yield "\n".join(f"- `{score}`: {meaning}" for score, meaning in prediction["scores"].items()) + "\n"
    yield "### Gaming\n"
    sizes = ",".join(str(size) for size in source.sizes)
    yield f"```\nrenown attack {source.options()} --sizes {sizes} --seed {source.seed}\n```\n"
    for size in source.sizes:
        yield _markdown(gaming.reached(found["attack"], size))
    yield f"![points gained by the attacks of size {max(source.sizes):,}](evidence-{name}-attacks.svg)\n"
    yield _markdown(gaming.tally(found["attack"]))
    yield "<details><summary>every attack</summary>\n"
    yield _markdown(gaming.attacks(found["attack"]))
    yield "</details>\n"
    yield "\n".join(f"- `{attack}`: {scenario.meaning}" for attack, scenario in SCENARIOS.items()) + "\n"
    yield "### Stability\n"
    yield f"```\nrenown stability {source.options()} --seed {source.seed}\n```\n"
    for table in (tables.moves, tables.overlaps, tables.pauses, tables.disorders):
        yield _markdown(table(stability))
    if stability["rests"]:
        yield f"![pauses](evidence-{name}-pauses.svg)\n"


def _foreseeable(prediction: Mapping[str, Any]) -> str:
    shares = [share for cut in prediction["cuts"] for share in cut["foreseeable"].values() if share is not None]
    ranked = [cut["ranked"] for cut in prediction["cuts"]]
    return (
        f"Ranked at the cuts: {min(ranked):,} to {max(ranked):,} people; foreseeable: {100 * min(shares):.0f} to "
        f"{100 * max(shares):.0f} % of what followed.\n"
    )


def _markdown(found: Rows) -> str:
    if not found.rows:
        return f"**{found.title}**: not in this recording, it is too short.\n"
    lines = [
        f"**{found.title}**\n",
        f"| {' | '.join(found.columns)} |",
        f"|---|{''.join('---|' if name in WORDS else '---:|' for name in found.columns[1:])}",
        *(f"| {' | '.join(row)} |" for row in found.rows),
    ]
    return "\n".join(lines) + "\n"

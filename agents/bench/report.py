"""A measurement's document as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from agents.bench.document import Document
from agents.bench.figures import Figure

SMALL, LARGE = 10.0, 1_000.0
APART = {"cores", "cpu", "memory_bytes", "load_before"}


def lines(found: Document, figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the text: machine, arguments, one line per figure, and the comparison when there is one."""
    yield f"bench {found['bench']}  " + _pairs(found["arguments"])
    yield f"on {_machine(found['machine'])}"
    if found["settings"]:
        yield "settings  " + _pairs(found["settings"])
    yield f"{len(found['runs'])} runs, median (min .. max)"
    compared = found.get("against", {})
    for figure in figures:
        yield _line(figure, found["figures"][figure.name], compared.get("ratios", {}).get(figure.name))
    if "exactness" in found:
        yield "exact: " + "; ".join(_exact(check) for check in found["exactness"])
    for difference in compared.get("differs", ()):
        yield f"not the same as before: {difference}"


def _line(figure: Figure, spread: dict[str, Any], ratio: float | None) -> str:
    values = f"{_number(spread['median'])} ({_number(spread['min'])} .. {_number(spread['max'])}) {figure.unit}"
    beside = "" if ratio is None else f"x{ratio:.3f} "
    return f"  {figure.name:<34} {values:<38} {beside} {figure.meaning}".rstrip()


def _number(value: float) -> str:
    if abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < SMALL else f"{value:.1f}"


def _exact(check: dict[str, Any]) -> str:
    return f"{check['sent']:,} sent, {check['counted_received']:,} counted, {check['users_wrong']:,} users differ"


def _pairs(found: dict[str, Any]) -> str:
    return "  ".join(f"{name}={value}" for name, value in found.items())


def _machine(found: dict[str, Any]) -> str:
    memory = f"{found['memory_bytes'] / 2**30:.1f} GiB"
    named = {name: value for name, value in found.items() if name not in APART}
    return f"{found['cores']} cores of {found['cpu']}, {memory}, load {found['load_before']} before;  {_pairs(named)}"

"""Reading queries: which metrics they ask for, with which labels; parsed by Prometheus' own grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import promql_parser

from agents.operations.catalogue import declared
from streams.declaration import Declaration, Kind

_CHILDREN: Final = ("lhs", "rhs", "expr", "vector_selector")
_SUFFIXES: Final = ("_bucket", "_sum", "_count")
OF_EVERY_TARGET: Final = {"job", "instance", "le"}
NOT_OURS: Final = re.compile(
    r"up|ALERTS|process_(start_time_seconds|open_fds|max_fds|cpu_seconds_total|\w+_memory_bytes)"
)


def selectors(query: str) -> Iterator[Any]:
    """Yield every vector selector of a query; ValueError when Prometheus could not read it."""
    waiting = [promql_parser.parse(query)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        waiting += [child for name in _CHILDREN if (child := getattr(node, name, None)) is not None]
        waiting += list(getattr(node, "args", None) or [])


def faults(query: str, recorded: set[str]) -> list[str]:
    """Return what a query asks for that no part exports: metrics, labels, label values."""
    found = []
    for selector in selectors(query):
        name = selector.name
        if name in recorded or NOT_OURS.fullmatch(name):
            continue
        declaration = _declared(name)
        if declaration is None:
            found.append(f"{name} is in no catalogue")
            continue
        for matcher in selector.matchers.matchers:
            found += _of_label(name, declaration, matcher)
    return found


def _declared(name: str) -> Declaration | None:
    known = declared()
    for suffix in _SUFFIXES:
        base = known.get(name.removesuffix(suffix))
        if name.endswith(suffix) and base is not None and base.kind is Kind.HISTOGRAM:
            return base
    found = known.get(name)
    return None if found is None or found.kind is Kind.HISTOGRAM else found


def _of_label(name: str, declaration: Declaration, matcher: Any) -> list[str]:
    if matcher.name == "le":
        known = {str(float(each)) for each in declaration.buckets} | {"+Inf"}
        return [] if matcher.value in known else [f"{name} has no bucket {matcher.value}"]
    if matcher.name in OF_EVERY_TARGET:
        return []
    label = next((each for each in declaration.labels if each.name == matcher.name), None)
    if label is None:
        return [f"{name} has no label {matcher.name}"]
    is_pattern = matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe)  # cannot be hashed
    if not label.values or any(
        re.fullmatch(matcher.value if is_pattern else re.escape(matcher.value), v) for v in label.values
    ):
        return []
    return [f"{name}: {matcher.name} is never {matcher.value}"]

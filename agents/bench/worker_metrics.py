"""Figures that the workers themselves publish."""

from __future__ import annotations

from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from agents.bench.rig import Rig

ANSWER_LIMIT_S = 10.0


def total(rig: Rig, sample: str) -> float:
    """Return the sum over all workers and labels of a sample such as `renown_emitted_total`."""
    return sum(_value(rig.metrics_ports[name], sample) for name in rig.workers)


def _value(port: int, sample: str) -> float:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=ANSWER_LIMIT_S) as answer:
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return sum(one.value for family in families for one in family.samples if one.name == sample)

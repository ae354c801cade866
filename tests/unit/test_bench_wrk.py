"""What a run of wrk has measured, read from its output."""

from __future__ import annotations

import pytest

from agents.bench import wrk
from agents.bench.errors import BenchError


def test_figures_come_from_the_last_line() -> None:
    """Its human text changes between versions; ours does not."""
    out = 'Running 1s test\n  anything\n\n{"requests":5000,"failed":0,"us":1000000,"p50_us":1500,"p99_us":4000}\n'
    found = wrk.measured(out)
    assert (found.rate, found.p50_ms, found.p99_ms) == (5_000.0, 1.5, 4.0)


@pytest.mark.parametrize(
    "out", ["", "unable to connect", '{"requests":9,"failed":1,"us":1000000,"p50_us":1,"p99_us":1}\n']
)
def test_a_run_that_failed_is_no_measurement(out: str) -> None:
    """A server that answers with errors is fast."""
    with pytest.raises(BenchError):
        wrk.measured(out)


def test_a_missing_wrk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy stands in the error."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match="install it"):
        wrk.require()

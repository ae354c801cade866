"""The cases of `alert_cases` as `promtool test rules` reads them; `make operations` runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.operations.alert_cases import CASES, END, WELL


def document(rules: Path) -> dict[str, Any]:
    """Return all cases, and the pipeline that is well, as promtool's unit tests of the rules in a folder."""
    tests = [_test("nothing fires while all is well", {}, set())]
    for case in CASES:
        tests.append(_test(f"{case.alert} fires", case.fires, {case.alert, *case.also}))
        tests.append(_test(f"{case.alert} does not fire", case.quiet, case.beside_quiet))
    files = [str((rules / name).absolute()) for name in ("rules.yml", "alerts.yml")]
    return {"rule_files": files, "evaluation_interval": "1m", "tests": tests}


def _test(name: str, deviations: dict[str, str], firing: set[str]) -> dict[str, Any]:
    series = [{"series": series, "values": values} for series, values in (WELL | deviations).items()]
    expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(firing)]
    asked = {"expr": 'group by (alertname) (ALERTS{alertstate="firing"})', "eval_time": f"{END}m"}
    return {
        "name": name,
        "interval": "1m",
        "input_series": series,
        "promql_expr_test": [{**asked, "exp_samples": expected}],
    }

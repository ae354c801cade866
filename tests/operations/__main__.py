"""`make operations`: everything of the operator's side that takes the programs of deploy/tools; exit 1 on any fault."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from prometheus_client import generate_latest

from agents.operations.catalogue import PARTS
from tests.operations.alert_cases import CASES
from tests.operations.alert_tests import document
from tests.operations.manifests import faults, read, schema_faults
from tests.operations.rule_files import PROJECT, PROMETHEUS

DEPLOY: Final = PROJECT / "deploy"
OVERLAYS: Final = ("base", "overlays/small", "overlays/large", "strimzi")


def _run(*words: str | Path, given: bytes = b"") -> str:
    """Return what a program has against its input, empty when it is content."""
    done = subprocess.run(words, input=given, capture_output=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode(errors="replace")


def _checks(tools: Path, place: Path) -> Iterator[tuple[str, str]]:
    """Yield what was checked, and what was found wrong with it."""
    promtool = tools / "promtool"
    for part in PARTS:
        yield f"metrics of {part.job}", _run(promtool, "check", "metrics", given=generate_latest(part.at_start()))
    yield (
        "rules",
        _run(promtool, "check", "rules", "--lint=all", *(PROMETHEUS / f"{n}.yml" for n in ("rules", "alerts"))),
    )
    yield "prometheus.yml", _run(promtool, "check", "config", "--syntax-only", PROMETHEUS / "prometheus.yml")
    cases = place / "alerts_test.yml"
    cases.write_text(yaml.safe_dump(document(PROMETHEUS), sort_keys=False))
    yield f"{len(CASES)} alerts, firing and not", _run(promtool, "test", "rules", cases)
    yield "compose.yaml", _run(tools / "cmd", DEPLOY / "compose.yaml")
    for overlay in OVERLAYS:
        rendered = place / f"{overlay.replace('/', '-')}.yaml"
        wrong = _run(tools / "kustomize", "build", DEPLOY / "kubernetes" / overlay, "--output", rendered)
        docs = [] if wrong else read(rendered)
        yield f"kubernetes/{overlay}", wrong or "\n".join([*schema_faults(docs), *faults(docs)])


def main() -> None:
    """Check all with the programs in the folder that the command line names, then the panels on the real pipeline."""
    tools, well = Path(sys.argv[1]), True
    with tempfile.TemporaryDirectory() as place:
        for what, wrong in _checks(tools, Path(place)):
            sys.stdout.write(f"{what:<32} {'wrong' if wrong else 'well'}\n{wrong}")
            sys.stdout.flush()
            well = well and not wrong
    live = subprocess.run([sys.executable, "-m", "tests.operations.live", tools / "prometheus"], check=False)
    sys.exit(0 if well and live.returncode == 0 else 1)


if __name__ == "__main__":
    main()

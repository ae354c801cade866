"""The rule files as the Prometheus operator reads them.

`python -m agents.operations.kubernetes_rules deploy/prometheus deploy/kubernetes/monitoring/rules.yaml`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

RULE_FILES: Final = ("rules.yml", "alerts.yml")
_HEAD: Final = """\
# Made from deploy/prometheus by `python -m agents.operations.kubernetes_rules`; a test compares them.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: renown
  labels: {app.kubernetes.io/part-of: renown}
spec:
  groups:
"""


def operator_rules(folder: Path) -> str:
    """Return the groups of both files under one PrometheusRule: their lines, two columns further to the right."""
    groups = [(folder / name).read_text().partition("groups:\n")[2] for name in RULE_FILES]
    lines = [f"  {line}" if line.strip() else "" for text in groups for line in text.splitlines()]
    return _HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(operator_rules(Path(sys.argv[1])))

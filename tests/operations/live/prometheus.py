"""A Prometheus of our own: started with the committed rules, asked over its API."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.local import ports
from deploy.local.process import last_words
from tests.operations.rule_files import PROMETHEUS

READY_LIMIT_S: Final = 30.0
ANSWER_LIMIT_S: Final = 20.0


@dataclass(slots=True)
class Prometheus:
    """A running server; `folder` holds its configuration, its data and its log."""

    binary: Path
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    port: int = 0

    def start(self, targets: Mapping[str, Sequence[int]]) -> None:
        """Scrape these ports by job every second, and return once the server answers."""
        self.port = ports.pick()
        config = self.folder / "prometheus.yml"
        config.write_text(yaml.safe_dump(_config(targets)))
        words = [f"--config.file={config}", f"--storage.tsdb.path={self.folder / 'tsdb'}"]
        listen = f"--web.listen-address=127.0.0.1:{self.port}"
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([self.binary, *words, listen], stdout=log, stderr=log)
        until = time.monotonic() + READY_LIMIT_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"prometheus did not come up: {last_words(self._log)}")
            time.sleep(0.1)

    def values(self, query: str) -> list[float]:
        """Return the values of every series that the query finds now; NaN where nothing happened to be measured."""
        return [float(each["value"][1]) for each in self._get("query", query=query)["result"]]

    def broken_rules(self) -> list[str]:
        """Return rules that could not be evaluated, with the reason."""
        rules = [rule for group in self._get("rules")["groups"] for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule.get("lastError")]

    def stop(self) -> None:
        """End the server."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(READY_LIMIT_S)

    @property
    def _log(self) -> Path:
        return self.folder / "prometheus.log"

    def _get(self, what: str, **parameters: str) -> Any:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=ANSWER_LIMIT_S) as answer:
            return json.load(answer)["data"]

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=ANSWER_LIMIT_S):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _config(targets: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in found]}]}
        for job, found in targets.items()
    ]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "2s"},
        "rule_files": [str(PROMETHEUS / "rules.yml"), str(PROMETHEUS / "alerts.yml")],
        "scrape_configs": jobs,
    }

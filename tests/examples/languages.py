"""The languages of the examples: what each needs on the machine, how it is got ready, and how it is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import PartFailedError
from deploy.local.redis import find_client

PROJECT: Final = Path(__file__).parents[2]
EXAMPLES: Final = PROJECT / "docs" / "examples"
LIMIT_S: Final = 300


@dataclass(frozen=True, slots=True)
class Language:
    """One example: its file, the programs it needs, a command that gets it ready, and the one that a user follows."""

    name: str
    file: str
    needs: tuple[str, ...]
    run: tuple[str, ...]
    ready: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Return the programs that this machine lacks."""
        return [program for program in self.needs if shutil.which(program, path=_path()) is None]

    def prepared(self, folder: Path) -> str:
        """Return what went wrong with getting the copy of the examples in `folder` ready, empty when nothing did."""
        if not self.ready:
            return ""
        done = _ran(self.ready, folder, {})
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def printed(self, folder: Path, url: str, user: str) -> str:
        """Return what the example prints of `user`, and behind it why it failed, if it did."""
        done = _ran((*self.run, user), folder, {"REDIS_URL": url})
        return done.stdout if done.returncode == 0 else f"{done.stdout}{done.stderr}exit code {done.returncode}\n"

    def refused(self, folder: Path, url: str, user: str) -> bool:
        """Whether the example prints nothing, says why and fails, as it must where it may not read."""
        done = _ran((*self.run, user), folder, {"REDIS_URL": url})
        return done.returncode != 0 and not done.stdout and bool(done.stderr)


LANGUAGES: Final = (
    Language("redis-cli", "score.sh", ("sh", "redis-cli"), ("./score.sh",)),
    Language("Python", "score.py", (), (sys.executable, "score.py")),
    Language(
        "Node", "score.mjs", ("node", "npm"), ("node", "score.mjs"), ready=("npm", "ci", "--no-audit", "--no-fund")
    ),
    Language("Go", "score.go", ("go",), ("./score",), ready=("go", "build", "-o", "score", "score.go")),
    Language(
        "Java",
        "Score.java",
        ("java", "javac", "mvn"),
        ("java", "-cp", "lib/*", "Score.java"),
        ready=("mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies"),
    ),
)


def _ran(words: tuple[str, ...], folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command in a UTF-8 locale: Java reads its arguments in the locale's encoding."""
    environment = {**os.environ, "PATH": _path(), "LC_ALL": "C.UTF-8", **more}
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False, timeout=LIMIT_S
    )


def _path() -> str:
    """Return the search path, and at its end the folder of the redis-cli beside the packaged server."""
    path = os.environ.get("PATH", os.defpath)
    try:
        client = Path(find_client())
    except PartFailedError:
        return path
    return f"{path}{os.pathsep}{client.parent}" if client.is_absolute() else path

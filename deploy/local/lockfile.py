"""The jars that Kafka is made of: coordinate, size and SHA-256 of each, as `kafka.lock` names them.

One line per jar: `SHA-256  size  group:artifact:version`. The file is read at every start and is written
only by `python -m deploy.local.resolve`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

LOCK_PATH = Path(__file__).with_name("kafka.lock")
LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) +(?P<size>[1-9][0-9]*) +(?P<coordinate>[\w.-]+:[\w.-]+:[\w.-]+)")


@dataclass(frozen=True, slots=True, order=True)
class LockedJar:
    """One jar: Maven coordinate, size in bytes, SHA-256 in hex."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The name of the jar's file in the cache."""
        return f"{self.artifact}-{self.version}.jar"

    def line(self) -> str:
        """Return the jar as `kafka.lock` writes it."""
        return f"{self.sha256}  {self.size:>9}  {self.group}:{self.artifact}:{self.version}"


def parse(text: str) -> tuple[LockedJar, ...]:
    """Return the jars named by a lock file's text; StackError at a line without sum, size or coordinate."""
    jars = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            what = f"kafka.lock line {number} has no checksum"
            raise StackError(what, line, "restore kafka.lock from the release")
        group, artifact, version = match["coordinate"].split(":")
        jars.append(LockedJar(group, artifact, version, int(match["size"]), match["sha256"]))
    return tuple(jars)


def locked_jars() -> tuple[LockedJar, ...]:
    """Return the jars of the shipped `kafka.lock`."""
    return parse(LOCK_PATH.read_text(encoding="utf-8"))


def kafka_version(jars: tuple[LockedJar, ...]) -> str:
    """Return the version of the broker among the jars."""
    return next(jar.version for jar in jars if jar.artifact.startswith("kafka_"))

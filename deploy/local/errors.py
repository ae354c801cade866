"""What can go wrong with the local stack.

StackError                     anything below; one line: what broke (value): remedy
├── NoStackError               nothing runs in this data folder
├── PartFailedError            a part could not be started, stopped or reached
├── PartitionsDifferError      the data was made with another number of partitions
└── ChecksumMismatchError      a jar is not the one that kafka.lock names
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

VALUE_LIMIT = 80


class StackError(RuntimeError):
    """A failure in one line: what broke, the value (cut to 80 characters) and the remedy."""

    def __init__(self, what: str, value: object, remedy: str) -> None:
        """Keep the three parts as fields and join them into the message."""
        self.what = what
        self.value = str(value)[:VALUE_LIMIT]
        self.remedy = remedy
        super().__init__(f"{what} ({self.value}): {remedy}")


class NoStackError(StackError):
    """Nothing runs in the data folder that a command was pointed at."""

    def __init__(self, data_dir: Path) -> None:
        """Name the folder as the user gave it."""
        super().__init__("no running stack", data_dir, f"run `renown up --data {data_dir}`")


class PartFailedError(StackError):
    """A part of the stack could not be started, stopped or reached."""


class PartitionsDifferError(StackError):
    """The data was made with another number of partitions: user states live by partition."""

    def __init__(self, existing: int, asked: int) -> None:
        """Name both numbers."""
        super().__init__(
            f"this data folder was made with {existing} partitions",
            f"asked: {asked}",
            "leave --partitions out, or use another --data folder",
        )


class ChecksumMismatchError(StackError):
    """A jar whose bytes are not the ones that kafka.lock names; nothing is started from it."""

    def __init__(self, jar: Path, found: str, locked: str) -> None:
        """Name the file and both SHA-256 sums in full."""
        self.jar, self.found, self.locked = jar, found, locked
        super().__init__(
            f"{jar.name} has SHA-256 {found}, kafka.lock says {locked}",
            jar.name,
            f"delete {jar} and run `renown up` again; if it comes back, do not use this network",
        )

"""How far a partition has come in the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from streams.engine.partition import Partition
    from streams.stages.links import Links, Table

COMMANDS: Final = b"commands"
_DURABLE: Final = "commands"
_TABLE: Final = "links"


def following(partition: Partition) -> int:
    """Return the offset behind the last command that this partition has obeyed."""
    return int.from_bytes(partition.meta.get(COMMANDS, b""), "little")


def obeyed(partition: Partition) -> int:
    """Return the offset behind the last command that this partition has durably obeyed."""
    found: int = partition.extra.get(_DURABLE, following(partition))
    return found


def begin(partition: Partition) -> None:
    """Note that what the partition obeys from here on is not durable."""
    partition.extra.setdefault(_DURABLE, following(partition))


def end(partition: Partition) -> None:
    """Note that what the partition has obeyed is durable."""
    partition.extra[_DURABLE] = following(partition)


def obey_to(partition: Partition, offset: int) -> None:
    """Note that the partition has obeyed every command before `offset`."""
    partition.set_meta(COMMANDS, offset.to_bytes(8, "little"))


def table_of(partition: Partition, links: Links) -> Table:
    """Return whose accounts are whose, as far as this partition has obeyed."""
    now = partition.meta.get(COMMANDS, b""), len(links.changes)
    found: tuple[tuple[bytes, int], Table] | None = partition.extra.get(_TABLE)
    if found is None or found[0] != now:
        found = partition.extra[_TABLE] = now, links.table(following(partition))
    return found[1]

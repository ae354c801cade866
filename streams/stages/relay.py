"""Relay: credits for an account go on from the account's partition to that of the person, whatever they are told of.

So one partition decides, and a credit that was on its way when the link came in force finds its way like any other.
What arrives here from other partitions is applied once: each lane comes in growing order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from schemas.reasons import Reason
from schemas.transfer import (
    CREDITS,
    INTRODUCE,
    RELAYED,
    ROW,
    Transfer,
    decode_transfer,
    encode_transfer,
    moved,
    names,
    relayed,
)
from streams.engine.keys import laid_out
from streams.engine.partitioner import partition_of
from streams.engine.watermarks import Watermarks
from streams.model.join import join_pairs, join_rows
from streams.model.target import credit
from streams.stages.arrival import Batch, without
from streams.stages.obeyed import table_of
from streams.stages.pending import pending_of

if TYPE_CHECKING:
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters
    from streams.stages.forward import Forwarder
    from streams.stages.links import Table
    from streams.stages.stream_time import StreamTime
    from streams.stages.suppression import Suppression

LANES: Final = b"lanes"
NAMES: Final = b"link "
"""Then an account's hash: the hash of the person and both names; empty when that link has ended."""


def names_key(account: int) -> bytes:
    """Return the meta that holds the names of an account's link."""
    return NAMES + account.to_bytes(8, "little")


def lanes_of(partition: Partition, partitions: int) -> Watermarks:
    """Return what has arrived in every lane: of each partition one for credits and one for moves."""
    found: Watermarks | None = partition.extra.get("lanes")
    if found is None:
        stored = partition.meta.get(LANES)
        found = Watermarks(2 * partitions) if stored is None else Watermarks.from_bytes(stored, 2 * partitions)
        partition.extra["lanes"] = found
    return found


@dataclass(frozen=True, slots=True)
class Relay:
    """Relays for one worker; everything it needs is handed in."""

    suppression: Suppression
    forwarder: Forwarder
    partitions: int
    parameters: Parameters
    stream_time: StreamTime
    metrics: Metrics

    def table(self, partition: Partition) -> Table:
        """Return whose accounts are whose, as far as the partition has obeyed."""
        return table_of(partition, self.suppression.links)

    def rest(self, partition: Partition, c: Batch) -> Batch:
        """Send on what is for somebody's accounts; return the rest, with persons for actors."""
        table = self.table(partition)
        if not table:
            return c
        c, hashes = replace(c, actors=table.persons(c.actors)), partition.index.hashes_at(c.buf, c.start, c.length)
        linked = table.linked(hashes)[c.targets]
        chosen = np.flatnonzero(linked & (c.keep == 1))
        events = np.zeros(len(chosen), RELAYED)
        events["person"] = table.persons(hashes)[c.targets[chosen]]
        events["produced_at_ms"] = c.produced_at_ms[c.targets[chosen]]
        for name, column in (
            ("at", c.at),
            ("mass", c.mass),
            ("actor", c.actors),
            ("order", c.credit_offsets),
            ("reference", c.references),
            ("reach", c.reach),
            ("kind", c.kinds),
            ("established", c.established),
            ("undone", c.undone),
        ):
            events[name] = column[chosen]
        self._send(partition, table, events)
        return without(c, linked) if linked.any() else c

    def _send(self, partition: Partition, table: Table, events: Any) -> None:
        """Send events, whose `order` is of this partition, to their persons' partitions."""
        homes = np.array([table.homes[person] for person in events["person"].tolist()], np.int64)
        for home in np.unique(homes).tolist():
            mine = events[homes == home]
            record = Transfer(CREDITS, partition.number, 0, int(mine["produced_at_ms"].min()), mine.tobytes())
            self.forwarder.send(partition.number, home, encode_transfer(record))
        self.metrics.relayed.inc(len(events))

    def arrive(self, partition: Partition, offset: int, value: bytes) -> None:
        """Apply a transfer at `offset` of the partition's credits."""
        transfer = decode_transfer(value)
        if transfer.kind == INTRODUCE:
            self._introduce(partition, transfer)
            return
        lanes = lanes_of(partition, self.partitions)
        if transfer.kind == CREDITS:
            self._credit(partition, offset, transfer, lanes)
        elif transfer.order > lanes.applied[transfer.lane]:
            lanes.advance(transfer.lane, transfer.order)
            self._join(partition, offset, transfer)
        else:
            self.metrics.forward_repeats.inc()
        partition.set_meta(LANES, lanes.to_bytes())

    def _introduce(self, partition: Partition, transfer: Transfer) -> None:
        """Have a row for each of the two who lives here, and remember the account's names."""
        account, _person = both = names(transfer.body)
        hashes = partition.index.hashes_at(*laid_out(both))
        if self._are_gone(hashes, np.full(2, transfer.produced_at_ms)).any():
            return
        here = [name for name in both if partition_of(name, self.partitions) == partition.number]
        partition.state.dirty[partition.slots(here)] = True
        if account in here:
            key = names_key(int(hashes[0]))
            partition.set_meta(key, int(hashes[1]).to_bytes(8, "little") + transfer.body)

    def _credit(self, partition: Partition, offset: int, transfer: Transfer, lanes: Watermarks) -> None:
        events, keep = relayed(transfer.body), np.ones(len(transfer.body) // RELAYED.itemsize, np.uint8)
        lanes.fresh(transfer.lane, events["order"], keep)
        lanes.advance(transfer.lane, int(events["order"].max()))
        self.metrics.forward_repeats.inc(len(keep) - int(keep.sum()))
        table = self.table(partition)
        events = events[keep == 1].copy()
        events["actor"] = table.persons(events["actor"])
        gone = self._are_gone(events["person"], events["produced_at_ms"])
        events = events[~(gone | self._are_gone(events["actor"], events["produced_at_ms"]))]
        linked = table.linked(events["person"])
        if linked.any():
            onwards = events[linked]
            onwards["person"], onwards["order"] = table.persons(onwards["person"]), offset
            self._send(partition, table, onwards)
        self._apply(partition, offset, events[~linked])

    def _apply(self, partition: Partition, offset: int, events: Any) -> None:
        slots = self._slots(partition, events["person"])
        events, slots = events[slots >= 0], slots[slots >= 0]
        if not len(events):
            return
        keep = np.ones(len(events), np.uint8)
        columns = [np.ascontiguousarray(events[name]) for name in RELAYED.names or ()]
        at, mass, actor, _, _, reference, produced_at_ms, reach, kind, established, undone = columns
        self.metrics.credited.inc(
            credit(
                partition.state, slots, actor, kind, at, mass, established, reach, reference, offset, keep,
                self.parameters, undone=undone,
            )
        )  # fmt: skip
        self.stream_time.advance(float(at.max()))
        pending_of(partition).mark(slots, int(produced_at_ms.min()))

    def _join(self, partition: Partition, offset: int, transfer: Transfer) -> None:
        """Add what an account had received to the person's, or send it on when the person is one of hers by now."""
        found, table = moved(transfer.kind, transfer.body), self.table(partition)
        person = np.array([found.person], np.uint64)
        if self._are_gone(person, np.array([transfer.produced_at_ms])).any():
            return
        if found.person in table:
            whose = int(table.persons(person)[0])
            body = whose.to_bytes(8, "little") + transfer.body[8:]
            onwards = replace(transfer, lane=partition.number, order=offset, body=body)
            self.forwarder.send(partition.number, table.homes[whose], encode_transfer(onwards))
            return
        slot = int(self._slots(partition, person)[0])
        rows = partition.state.rows
        if slot < 0 or rows["got_last"][slot] > offset:
            return
        if transfer.kind == ROW:
            join_rows(partition.state, slot, found.row[0], self.parameters)
        join_pairs(partition.state, slot, table.persons(found.others), found.slots, self.parameters)
        rows["got_last"][slot] = offset + 1
        pending_of(partition).mark(np.array([slot]))

    def _slots(self, partition: Partition, persons: np.ndarray) -> np.ndarray:
        """Return the row (i8[n]) of every person by hash, -1 for one who has left: each was introduced."""
        index, known = partition.index, partition.extra.setdefault("persons", {})
        for person in np.unique(persons).tolist():
            if person not in known or int(index.hashes[known[person]]) != person:
                found = index.slots_of(np.array([person], np.uint64))
                known[person] = int(found[0]) if len(found) else -1
        slots = np.array([known[person] for person in persons.tolist()], np.int64)
        self.metrics.refused.labels(Reason.OPTED_OUT.value).inc(int((slots < 0).sum()))
        return slots

    def _are_gone(self, hashes: np.ndarray, produced_at_ms: np.ndarray) -> np.ndarray:
        out = self.suppression.drops(hashes, produced_at_ms)
        self.metrics.refused.labels(Reason.OPTED_OUT.value).inc(int(out.sum()))
        return out

"""Actor stage: decides what each engagement is worth where the actor's state lives, and forwards it as credit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.dead_letter import DeadLetter
from schemas.reasons import Reason
from streams.engine.dedupe import Seen, first_needed, rebuilt
from streams.engine.log_reader import read_log
from streams.stages.admission import Admitted, Refusals, admit, value_at
from streams.stages.bisection import admit_rest
from streams.stages.forward import MAX_WAITING_RECORDS, Forwarder
from streams.stages.obeyed import table_of
from streams.stages.poison_plan import ADMIT, PRICE, TOLD, PoisonPlan, planned
from streams.stages.quarantine import PoisonError, endure
from streams.stages.suppression import Suppression
from streams.stages.weighing import Weighed, Weighing

if TYPE_CHECKING:
    from streams.engine.chunk import Chunk
    from streams.engine.partition import Partition
    from streams.metrics import Metrics
    from streams.model.parameters import Parameters
    from streams.settings import Settings
    from streams.stages.letters import Outbox
    from streams.stages.stream_time import StreamTime

SOURCE = "actor-stage"
_SEEN = "seen"


@dataclass(frozen=True, slots=True)
class ActorStage:
    """Applies chunks of engagements; everything it needs is handed in."""

    settings: Settings
    parameters: Parameters
    forwarder: Forwarder
    outbox: Outbox
    stream_time: StreamTime
    metrics: Metrics
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)
    suppression: Suppression = field(default_factory=Suppression)
    plan: PoisonPlan | None = field(default_factory=planned)

    async def prepare(self, partition: Partition, chunk: Chunk) -> None:
        """Have the partition's recent acts at hand, re-reading the log when the partition has just arrived."""
        if _SEEN not in partition.extra:
            horizon = self.settings.dedupe_horizon
            start = first_needed(horizon, chunk.first)
            log = read_log(self.settings.bootstrap, chunk.topic, chunk.partition, start, chunk.first, **self.security)
            partition.extra[_SEEN] = await rebuilt(horizon, chunk.first, log, self._acts)

    async def wait_for_room(self) -> None:
        """Send what waits when too much does: the back-pressure of a slow broker."""
        if self.forwarder.waiting > MAX_WAITING_RECORDS:
            await self.forwarder.flush()

    def apply(self, partition: Partition, chunk: Chunk) -> None:
        """Price every new, valid engagement and pack the credits; refuse or re-route the others."""
        admitted = self._admitted(chunk)
        self.metrics.engagements.inc(len(chunk))
        refused = list(admitted.refused)
        if len(admitted.where):
            keep, accounts = self._counting(admitted), admitted.columns.users.hashes
            admitted = self._as_persons(partition, admitted, keep)
            self._send_home(chunk, admitted, keep)
            self._drop_repeats(partition, admitted, keep)
            w = self._grant(partition, chunk, admitted, keep, accounts)
            self._count_late(np.delete(admitted.columns.at, [i for i, _ in w.poison]))
            refused += [(int(admitted.where[i]), PoisonError(error)) for i, error in w.poison]
            refused += [(int(admitted.where[i]), error) for i, error in w.refused]
            refused.sort(key=lambda one: one[0])
        endure(partition, SOURCE, len(chunk), [(p, error) for p, error in refused if isinstance(error, PoisonError)])
        self._refuse(chunk, refused)

    def _admitted(self, chunk: Chunk) -> Admitted:
        return admit_rest(chunk, self._admit)

    def _admit(self, chunk: Chunk) -> Admitted:
        if self.plan is not None and self.plan.hit(ADMIT, chunk):
            raise ValueError(TOLD)
        return admit(chunk, self.settings)

    def _acts(self, chunk: Chunk) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return offsets i8, act hashes u8 and keep u1 as `apply` checks them for repeats."""
        admitted = self._admitted(chunk)
        c = admitted.columns
        at_home = c.users.homes[c.actors] == chunk.partition
        return c.offsets, c.acts, (at_home & ~admitted.undos).astype(np.uint8)

    def _refuse(self, chunk: Chunk, refused: Refusals) -> None:
        for place, error in refused:
            self.metrics.refused.labels(error.reason.value).inc()
            letter = DeadLetter(
                value=value_at(chunk, place) or b"",
                reason=error.reason,
                detail=error.detail,
                topic=chunk.topic,
                partition=chunk.partition,
                offset=int(chunk.offsets[place]),
                source=SOURCE,
                at_ms=int(chunk.timestamps_ms[place]),
            )
            self.outbox.refuse(letter)

    def _count_late(self, at: np.ndarray) -> None:
        if len(at):
            self.stream_time.advance(float(at.max()))
            late = int((at < self.stream_time.now_s - self.settings.late_after_s).sum())
            self.metrics.late.inc(late)

    def _send_home(self, chunk: Chunk, admitted: Admitted, keep: np.ndarray) -> None:
        """Have engagements whose key was not their actor go to the actor's partition instead."""
        c = admitted.columns
        homes = c.users.homes[c.actors]
        strange = np.flatnonzero((homes != chunk.partition) & (keep == 1))
        keep[strange] = 0
        for i in strange.tolist():
            self.metrics.rerouted.inc()
            value = value_at(chunk, int(admitted.where[i])) or b""
            self.outbox.reroute(int(homes[i]), c.users.name(c.actors[i]), value)

    def _counting(self, admitted: Admitted) -> np.ndarray:
        """Return keep u1[n]: 0 for what is by or about somebody who opted out, or was forgotten since."""
        c, said = admitted.columns, self.suppression
        hashes, appended = c.users.hashes, c.produced_at_ms
        out = said.drops(hashes[c.actors], appended) | said.drops(hashes[c.targets], appended)
        if out.any():
            self.metrics.refused.labels(Reason.OPTED_OUT.value).inc(int(out.sum()))
        keep: np.ndarray = (~out).astype(np.uint8)
        return keep

    def _as_persons(self, partition: Partition, admitted: Admitted, keep: np.ndarray) -> Admitted:
        """Return what was admitted, persons' hashes for their accounts'; what is between one's own does not count."""
        table = table_of(partition, self.suppression.links)
        if not table:
            return admitted
        c = admitted.columns
        hashes = table.persons(c.users.hashes)
        own = (hashes[c.actors] == hashes[c.targets]) & (keep == 1)
        keep[own] = 0
        self.metrics.refused.labels(Reason.OWN_ACCOUNT.value).inc(int(own.sum()))
        return replace(admitted, columns=replace(c, users=replace(c.users, hashes=hashes)))

    def _drop_repeats(self, partition: Partition, admitted: Admitted, keep: np.ndarray) -> None:
        seen: Seen = partition.extra[_SEEN]
        acts = keep * ~admitted.undos
        before = int(acts.sum())
        seen.check(admitted.columns.offsets, admitted.columns.acts, acts)
        self.metrics.repeats.inc(before - int(acts.sum()))
        keep[~admitted.undos] = acts[~admitted.undos]

    def _grant(
        self, partition: Partition, chunk: Chunk, admitted: Admitted, keep: np.ndarray, accounts: np.ndarray
    ) -> Weighed:
        """Weigh and pack what is to be kept; return what came of it."""
        c, chosen = admitted.columns, np.flatnonzero(keep)
        partition.granted.window_s = self.settings.undo_window_s
        at = self._instants(chunk, admitted)
        w = Weighing(partition, c, chosen, admitted.undos, at, accounts, self.parameters).weighed()
        new = np.flatnonzero(w.fresh)
        if len(new):
            weighed = w.mass[new], w.established[new], w.reach[new]
            self.forwarder.add(chunk.partition, w.columns, chosen[new], *weighed, w.undone)
        undone = 0 if w.undone is None else int((w.undone[chosen[new]] >= 0).sum())
        self.metrics.granted.inc(len(new) - undone)
        self.metrics.undone.inc(undone)
        self.metrics.repeats.inc(w.repeats)
        return w

    def _instants(self, chunk: Chunk, admitted: Admitted) -> np.ndarray:
        """Return when the engagements happened (f8, seconds), no number where they are told to fail."""
        at = admitted.columns.at
        if self.plan is not None:
            at = np.where(np.isin(admitted.where, self.plan.hit(PRICE, chunk)), np.nan, at)
        return at

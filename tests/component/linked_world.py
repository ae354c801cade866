"""One worker's stages, departures and links on several partitions, over logs in memory; it may die anywhere."""

from __future__ import annotations

import asyncio
import copy
import json
from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from schemas.command import Command, Person, encode_command, subject_of
from schemas.credit import decode_credits
from schemas.transfer import introduction, is_transfer
from streams.engine.chunk import Chunk
from streams.engine.dedupe import Seen
from streams.engine.hashing import hash_id
from streams.engine.partition import Partition
from streams.engine.partitioner import partition_of
from streams.engine.records import COLUMNS, OFFSET, STAMP, VALUE_AT, VALUE_LEN
from streams.engine.snapshot import take
from streams.metrics import Metrics
from streams.model.parameters import Parameters
from streams.settings import Settings
from streams.stages.actor import ActorStage
from streams.stages.departure import Departure
from streams.stages.forward import Forwarder
from streams.stages.letters import Outbox
from streams.stages.linking import HELD, Linking
from streams.stages.relay import Relay
from streams.stages.stream_time import StreamTime
from streams.stages.suppression import Suppression
from streams.stages.target import TargetStage, store_progress

PARTITIONS = 3
SETTINGS = Settings(partitions=PARTITIONS)
KEY = SETTINGS.hash_key.encode()
START_MS = 1_800_000_000_000
MINUTE_MS = 60_000
CROWD = [f"x:u{i}" for i in range(12)]
ANN, BOB, CAT, DOG = "a:ann", "b:ann", "x:cat", "x:dog"
"""Two accounts and two bystanders, one of them at home where neither account is."""


class CrashError(Exception):
    """The worker is dead."""


def hashed(user: str) -> int:
    """Return the keyed hash of a user."""
    return hash_id(user.encode(), KEY)


def home(user: str) -> int:
    """Return the partition of a user."""
    return partition_of(user.encode(), PARTITIONS)


def chunk_of(topic: str, number: int, values: list[bytes], first: int, stamps: list[int]) -> Chunk:
    """Return a stretch of a log."""
    table = np.zeros((COLUMNS, len(values)), np.int64)
    length = np.array([len(value) for value in values])
    table[OFFSET], table[STAMP] = np.arange(first, first + len(values)), stamps
    table[VALUE_AT], table[VALUE_LEN] = np.cumsum(length) - length, length
    return Chunk(topic, number, first, first + len(values) - 1, b"".join(values), table)


class World:
    """Logs that last, and a worker on them that does not."""

    def __init__(self) -> None:
        self.engagements: dict[int, list[tuple[bytes, int]]] = defaultdict(list)
        self.credits: dict[int, list[bytes]] = defaultdict(list)
        self.scores: dict[bytes, bytes | None] = {}
        self.said, self.now_ms, self.crash_at = Suppression(), START_MS, -1
        self.saved = {number: Partition(number, KEY) for number in range(PARTITIONS)}
        self.places = dict.fromkeys(range(PARTITIONS), (0, 0))
        self.restart()

    def restart(self) -> None:
        """Begin anew with what is durable."""
        self.parameters, self.metrics = Parameters(), Metrics()
        self.partitions = {number: copy.deepcopy(one) for number, one in self.saved.items()}
        self.at = dict(self.places)
        for partition in self.partitions.values():
            partition.active = True
            partition.extra.clear()
            seen = Seen(SETTINGS.dedupe_horizon, 0)
            partition.extra["seen"] = seen
        self.forwarder = Forwarder(lambda: self, "credits", PARTITIONS)  # type: ignore[arg-type, return-value]
        outbox, time = Outbox(lambda: self, SETTINGS.topics), StreamTime()  # type: ignore[arg-type, return-value]
        args = (self.parameters, self.forwarder, outbox, time, self.metrics)
        self.actor = ActorStage(SETTINGS, *args, suppression=self.said)
        relay = Relay(self.said, self.forwarder, PARTITIONS, self.parameters, time, self.metrics)
        self.target = TargetStage(
            PARTITIONS, self.parameters, outbox, time, self.metrics, suppression=self.said, relay=relay
        )
        linking = Linking(
            "scores", self.said, self.forwarder, PARTITIONS, lambda: self, self.durable, self.parameters  # type: ignore[arg-type, return-value]
        )  # fmt: skip
        self.departure = Departure("scores", self.said, lambda: self, self.durable, self.metrics, linking)  # type: ignore[arg-type, return-value]

    async def append_open(self, topic: str, partition: int, records: list[Any], *, lane: str) -> int:
        """Be the broker."""
        self._maybe_crash()
        for key, value, _ in records:
            if topic == "scores":
                self.scores[key] = value
            else:
                assert lane == "credits"
                self.credits[partition].append(value)
        return 0

    def _maybe_crash(self) -> None:
        self.crash_at -= 1
        if self.crash_at == 0:
            raise CrashError

    async def durable(self) -> None:
        """Be the barrier: forwards, then one partition after another."""
        for partition in self.partitions.values():
            store_progress(partition)
        taken = {n: (copy.deepcopy(one), self.at[n]) for n, one in self.partitions.items() if take(one) is not None}
        await self.forwarder.flush()
        for number, (state, place) in taken.items():
            self._maybe_crash()
            take(state)
            self.saved[number], self.places[number] = state, place

    def act(self, actor: str, target: str, kind: str = "share") -> None:
        """Have an engagement appended."""
        self.now_ms += MINUTE_MS
        number = home(actor)
        fields = {"id": f"{self.now_ms}", "kind": kind, "actor": actor, "target": target, "occurred_at": self.now_ms}
        self.engagements[number].append((json.dumps(fields).encode(), self.now_ms))

    def tell(self, command: str, account: str, person: str | None = None) -> None:
        """Have a command appended, with what goes before it."""
        self.now_ms += MINUTE_MS
        whom = None
        if person is not None:
            introduced = []
            for number in sorted({home(account), home(person)}):
                introduced.append((number, len(self.credits[number])))
                self.credits[number].append(introduction(account.encode(), person.encode(), self.now_ms))
            whom = Person(subject_of(hashed(person)), home(person), tuple(introduced))
        value = encode_command(Command("c", command, subject_of(hashed(account)), 0, "test", whom))  # type: ignore[arg-type]
        self.said.take(self.said.following, self.now_ms, value)

    def apply_acts(self, number: int) -> None:
        """Run the actor stage of a partition to the end of its log."""
        place, partition = self.at[number][0], self.partitions[number]
        records = self.engagements[number][place:]
        if records and not partition.meta.get(HELD):
            values, stamps = [value for value, _ in records], [stamp for _, stamp in records]
            self.actor.apply(partition, chunk_of("engagements", number, values, place, stamps))
            self.at[number] = (place + len(records), self.at[number][1])

    def apply_credits(self, number: int) -> None:
        """Run the target stage of a partition to the end of its log."""
        place, partition = self.at[number][1], self.partitions[number]
        values = self.credits[number][place:]
        if values and not partition.meta.get(HELD):
            self.target.apply(partition, chunk_of("credits", number, values, place, [0] * len(values)))
            self.at[number] = (self.at[number][0], place + len(values))

    async def obey(self, *numbers: int) -> None:
        """Bring all partitions, or some, to the newest command that they can obey."""
        await self.departure.obey([self.partitions[number] for number in numbers or range(PARTITIONS)])

    async def work(self) -> None:
        """Do whatever there is to do."""
        for _ in range(8):
            for number in range(PARTITIONS):
                self.apply_acts(number)
            await self.forwarder.flush()
            for number in range(PARTITIONS):
                self.apply_credits(number)
            await self.forwarder.flush()
            await self.obey()
        await self.durable()
        assert not any(self.forwarder._packed.values())

    def run(self) -> None:
        """Do whatever there is to do."""
        asyncio.run(self.work())

    def row(self, user: str) -> Any:
        """Return the user's row, None when there is none."""
        partition = self.partitions[home(user)]
        slot = partition.index.find(user.encode())
        return None if slot < 0 else partition.state.rows[slot]

    def pairs(self, user: str) -> dict[int, Any]:
        """Return the user's slots by the others' hashes."""
        partition = self.partitions[home(user)]
        pairs = partition.state.pairs
        mine = pairs.users == partition.index.find(user.encode())
        return dict(zip(pairs.others[mine].tolist(), pairs.slots[mine], strict=True))

    def granted(self) -> dict[str, tuple[float, int]]:
        """Return of every target the long mass at the newest instant, and the events, that were ever granted."""
        found: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
        seen = set()
        for values in self.credits.values():
            for value in values:
                if is_transfer(value):
                    continue
                c = decode_credits(value)
                ends = np.cumsum(c.lengths, dtype=np.int64)
                for one in c.events:
                    act, i = (c.source, c.first + int(one["offset_delta"])), int(one["target"])
                    if act not in seen:
                        seen.add(act)
                        name = c.names[ends[i] - c.lengths[i] : ends[i]].tobytes().decode()
                        left = 2 ** -((self.now_ms / 1000 - float(one["at"])) / self.parameters.half_life_long_s)
                        mass, count = found[name]
                        found[name] = mass + left * float(one["mass"]), count + 1
        return found

    def earned(self, user: str) -> tuple[float, int]:
        """Return the same of what the user's row holds."""
        row = self.row(user)
        if row is None:
            return 0.0, 0
        left = 2 ** -((self.now_ms / 1000 - float(row["mass_at"])) / self.parameters.half_life_long_s)
        return float(row["known"][2] + row["new"][2]) * left, int(row["received"].sum())


def linked() -> World:
    """Return a world in which ann's account has been linked to bob after both had received something."""
    world = World()
    for i, actor in enumerate(CROWD):
        world.act(actor, (ANN, BOB)[i % 2])
    world.act(ANN, CROWD[0])
    world.run()
    world.tell("link", ANN, BOB)
    world.run()
    return world


def same(found: tuple[float, int], expected: tuple[float, int]) -> None:
    """Hold masses and counts against each other."""
    assert found == (pytest.approx(expected[0], rel=1e-9), expected[1])

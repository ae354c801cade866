"""Tries faults one after the other, each on a pipeline of its own, and has each judged."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from confluent_kafka import KafkaException
from redis.exceptions import RedisError

from agents.faults.bed import Bed
from agents.faults.fault import Fault
from agents.faults.outcome import Outcome, judged
from agents.faults.scene import Scene, scene
from schemas.errors import RenownError

Say = Callable[[str], None]


def tried(faults: Sequence[Fault], bed: Bed, seed: int, say: Say) -> Iterator[Outcome]:
    """Yield the outcome of each fault; logs of one that broke a promise stay in the bed's folder."""
    for number, fault in enumerate(faults, 1):
        why = fault.missing()
        if why:
            yield Outcome(fault.name, fault.title, not_tried=why)
            continue
        say(f"{number} of {len(faults)}: {fault.name}: {fault.title}")
        folder = bed.folder / fault.name
        outcome = attempt(fault, bed, folder, seed)
        if outcome.kept:
            shutil.rmtree(folder, ignore_errors=True)
        yield outcome


def attempt(fault: Fault, bed: Bed, folder: Path, seed: int) -> Outcome:
    """Return the outcome of one fault; what breaks the scene itself is a problem of the fault."""
    began = time.monotonic()
    try:
        with scene(
            bed,
            folder,
            fault.records,
            seed=seed,
            rate=fault.rate,
            workers=fault.workers,
            own_broker=fault.own_broker,
            disk_mb=fault.disk_mb,
            settings=fault.settings,
        ) as made:
            return _judged(fault, made, began)
    except (RenownError, KafkaException, RedisError, OSError) as error:
        problem = f"{type(error).__name__}: {error}"
        return Outcome(fault.name, fault.title, seconds_s=time.monotonic() - began, problems=(problem,))


def _judged(fault: Fault, made: Scene, began: float) -> Outcome:
    """Run the act and have the end judged, also when the act was not survived."""
    try:
        fault.act(made)
        made.pause(1.0)
    except RenownError as error:
        made.problems.append(str(error))
    verdict = made.verdict()
    for name, examples in verdict.examples.items():
        made.problems += [f"{name}: {example}" for example in examples[:3]]
    beside = {
        "injected": made.injected,
        "recovery_s": tuple(round(each, 2) for each in made.recovered_s),
        "notes": tuple(made.notes),
        "problems": tuple(made.problems + made.supervisor.problems),
        "seconds_s": round(time.monotonic() - began, 1),
    }
    return judged(fault.name, fault.title, verdict, len(made.source.acts), beside)

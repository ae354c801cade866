"""What a fault is: a name, what is done, and the scene it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agents.faults.records import Records, ordinary
from agents.faults.scene import Scene

RATE: Final = 500.0
"""Engagements a second: enough that every chunk, barrier and flush has something in hand when the fault comes."""


@dataclass(frozen=True)
class Fault:
    """`act` injects it and waits for the recovery; `missing` returns why it cannot be tried here, if so."""

    name: str
    title: str
    act: Callable[[Scene], None]
    records: Callable[[int], Records] = ordinary
    rate: float = RATE
    workers: int = 2
    own_broker: bool = False
    disk_mb: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False
    missing: Callable[[], str] = lambda: ""

"""What things cost, as measured: `python -m agents.operations.capacity.measure` writes `measured.json` anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec

MEASURED: Final = Path(__file__).with_name("measured.json")


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """CPU in microseconds of one core of the machine measured, sizes in bytes; logs as they lie on one broker."""

    worker_us_per_event: float
    worker_us_per_score: float
    scoring_us_per_score: float
    redis_us_per_score: float
    kafka_us_per_event: float
    worker_base_bytes: float
    row_bytes_per_user: float
    row_bytes_per_pair: float
    engagement_log_bytes: float
    credit_log_bytes: float
    score_log_bytes: float
    user_log_bytes: float
    redis_bytes_per_user: float
    redis_bytes_per_history_day: float


class Measured(msgspec.Struct, frozen=True):
    """Costs, the command that measured them, and where."""

    command: str
    machine: dict[str, Any]
    costs: Costs


def measured(path: Path = MEASURED) -> Measured:
    """Return the costs in force."""
    return msgspec.json.decode(path.read_bytes(), type=Measured)

"""When each alert fires and when it does not, as deviations from a pipeline that is well.

Each case states all alerts that fire, so that one that fires beside the meant one is noticed, too.
Values are in promtool's notation, one a minute: `1x80 0x10` is 81 times 1, then 11 times 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

END: Final = 90
"""Minutes: the instant at which alerts are looked at."""


def _steady(value: float) -> str:
    return f"{value:g}x{END}"


def _rising(per_minute: float) -> str:
    return f"0+{per_minute:g}x{END}"


STAGES: Final = ("actor", "target", "scoring")
WORKERS: Final = ("w0", "w1")
INSTANCES: Final = {
    "renown-worker": WORKERS,
    "renown-scoring": ("s",),
    "renown-http": ("h",),
    "renown-web": ("a",),
    "renown-monitor": ("m",),
}
_DELAY: Final = "renown_scoring_delay_seconds"
_BARRIER: Final = "renown_barrier_seconds_bucket"


def up(job: str, instance: str) -> str:
    """Return the series that says whether a process answers."""
    return f'up{{job="{job}",instance="{instance}"}}'


def of(name: str, **labels: str) -> str:
    """Return a series by name and labels."""
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{inside}}}" if inside else name


def lag(stage: str, *partitions: int) -> list[str]:
    """Return the series of a stage's lag, of all four partitions unless some are named."""
    return [of("renown_lag_seconds", stage=stage, partition=str(p)) for p in partitions or range(4)]


def _of_processes() -> dict[str, str]:
    found = {}
    for job, instances in INSTANCES.items():
        for instance in instances:
            where = {"job": job, "instance": instance}
            found |= {
                up(job, instance): _steady(1),
                of("process_start_time_seconds", **where): _steady(1000),
                of("process_open_fds", **where): _steady(50),
                of("process_max_fds", **where): _steady(1000),
                of("renown_build_info", version="0.1.0", **where): _steady(1),
            }
    return found


def _of_workers() -> dict[str, str]:
    busy = {of("renown_chunk_seconds_sum", instance=w, stage=s): _rising(12) for w in WORKERS for s in STAGES[:2]}
    return busy | {of("renown_partitions", instance=worker): _steady(2) for worker in WORKERS}


WELL: Final[dict[str, str]] = {
    **_of_processes(),
    **_of_workers(),
    **{series: _steady(1) for stage in STAGES for series in lag(stage)},
    **{series.replace("_seconds", "_records"): _steady(9) for stage in STAGES for series in lag(stage)},
    **{of("renown_monitor_up", of=server): _steady(1) for server in ("kafka", "redis")},
    "renown_engagements_total": _rising(60_000),
    of("renown_refused_total", reason="invalid_field"): _rising(60),
    of("renown_refused_total", reason="self_engagement"): _rising(60),
    of("renown_refused_total", reason="poison"): _steady(0),
    "renown_emitted_total": _rising(600),
    of(f"{_DELAY}_bucket", le="1.0"): _rising(590),
    of(f"{_DELAY}_bucket", le="5.0"): _rising(600),
    of(f"{_DELAY}_bucket", le="+Inf"): _rising(600),
    f"{_DELAY}_count": _rising(600),
    of("renown_http_requests_total", status="202"): _rising(600),
    of("renown_http_requests_total", status="503"): _steady(0),
    of("renown_web_requests_total", status="200"): _rising(600),
    of("renown_web_requests_total", status="503"): _steady(0),
    "renown_barriers_total": _rising(60),
    **{of(_BARRIER, le=le): _rising(60) for le in ("1.0", "5.0", "10.0", "+Inf")},
    "renown_claims_total": _steady(4),
    "renown_calibration_age_seconds": _steady(1800),
    "renown_dead_letters": _rising(10),
    "renown_population_users": _steady(10_000),
    "renown_ranked_users": _steady(9_000),
    "renown_scoring_redis_up": _steady(1),
    "renown_scoring_rewinds_total": _steady(0),
    of("renown_scoring_users_total", outcome="refused"): _steady(0),
    of("renown_collect_connected", source="bluesky"): _steady(1),
    of("renown_collect_lag_seconds", source="bluesky"): _steady(2),
    of("renown_http_turned_away_total", key="-", reason="wrong"): _rising(6),
    of("renown_leaders_mass_ratio", first="10"): _steady(0.2),
    "renown_provisional_ratio": _steady(0.1),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One alert: deviations under which it fires, and others under which it does not; `also` fire beside it."""

    alert: str
    fires: dict[str, str]
    quiet: dict[str, str]
    also: set[str] = field(default_factory=set)
    beside_quiet: set[str] = field(default_factory=set)


def _gone(series: str, *others: str) -> dict[str, str]:
    return dict.fromkeys((series, *others), "1x70 0x20")


def _briefly(series: str) -> dict[str, str]:
    """Return a gap that had ended before anybody need be told."""
    return {series: "1x80 0x1 1x8"}


_FRESH: Final = of(f"{_DELAY}_bucket", le="5.0")
_FAILED: Final = of("renown_http_requests_total", status="503")
_POISON: Final = of("renown_refused_total", reason="poison")
_START: Final = of("process_start_time_seconds", job="renown-worker", instance="w0")
_NEWER: Final = of("renown_build_info", version="0.2.0", job="renown-worker", instance="w1")
_TRIED: Final = of("renown_http_turned_away_total", key="-", reason="wrong")
_LEADERS: Final = of("renown_leaders_mass_ratio", first="10")
_FOREIGN: Final = of("renown_scoring_users_total", outcome="refused")
_FILES: Final = of("process_open_fds", job="renown-worker", instance="w0")


def _busy(*workers: str) -> dict[str, str]:
    found = {of("renown_chunk_seconds_sum", instance=w, stage="actor"): _rising(36) for w in workers}
    return found | {of("renown_chunk_seconds_sum", instance=w, stage="target"): _rising(18) for w in workers}


_OBJECTIVES: Final = (
    Case(
        "RenownFreshnessBudgetBurnsFast",
        {_FRESH: _rising(480)},
        {_FRESH: "0+300x50 15600+600x39"},
        {"RenownFreshnessBudgetBurnsSlowly"},
    ),
    Case("RenownFreshnessBudgetBurnsSlowly", {_FRESH: _rising(552)}, {_FRESH: _rising(576)}),
    Case(
        "RenownAvailabilityBudgetBurnsFast",
        {_FAILED: _rising(20)},
        {_FAILED: "0+20x50 1000x39"},
        {"RenownAvailabilityBudgetBurnsSlowly"},
    ),
    Case("RenownAvailabilityBudgetBurnsSlowly", {_FAILED: _rising(6)}, {_FAILED: _rising(3)}),
    Case(
        "RenownExactnessBudgetBurnsFast",
        {_POISON: _rising(60)},
        {_POISON: "0+60x50 3000x39"},
        {"RenownExactnessBudgetBurnsSlowly", "RenownPoison"},
    ),
    Case(
        "RenownExactnessBudgetBurnsSlowly",
        {_POISON: _rising(6)},
        {_POISON: _rising(3)},
        {"RenownPoison"},
        {"RenownPoison"},
    ),
)
_PROCESSES: Final = (
    Case(
        "RenownNoWorker",
        _gone(up("renown-worker", "w0"), up("renown-worker", "w1")),
        _gone(up("renown-worker", "w0")),
        {"RenownWorkerDown"},
        {"RenownWorkerDown"},
    ),
    Case("RenownWorkerDown", _gone(up("renown-worker", "w0")), _briefly(up("renown-worker", "w0"))),
    Case("RenownScoringDown", _gone(up("renown-scoring", "s")), _briefly(up("renown-scoring", "s"))),
    Case("RenownIngestDown", _gone(up("renown-http", "h")), _briefly(up("renown-http", "h"))),
    Case("RenownWebDown", _gone(up("renown-web", "a")), _briefly(up("renown-web", "a"))),
    Case(
        "RenownMonitorBlind", _gone(of("renown_monitor_up", of="kafka")), _briefly(of("renown_monitor_up", of="kafka"))
    ),
    Case("RenownRestarts", {_START: "1x70 2x3 3x3 4x3 5x9"}, {_START: "1x70 2x3 3x15"}),
    Case("RenownFilesRunOut", {_FILES: _steady(900)}, {_FILES: _steady(700)}),
    Case("RenownVersionsMixed", {_NEWER: _steady(1)}, {_NEWER: "_x60 1x29"}),
)
_PIPELINE: Final = (
    Case("RenownLag", dict.fromkeys(lag("actor"), _steady(100)), dict.fromkeys(lag("actor"), _steady(50))),
    Case(
        "RenownLagSevere",
        dict.fromkeys(lag("target"), _steady(1000)),
        dict.fromkeys(lag("target"), _steady(800)),
        {"RenownLag"},
        {"RenownLag"},
    ),
    Case(
        "RenownPartitionStuck",
        dict.fromkeys(lag("actor", 2), _steady(200)),
        dict.fromkeys(lag("actor"), _steady(200)),
        {"RenownLag"},
        {"RenownLag"},
    ),
    Case(
        "RenownPartitionsUnowned",
        {of("renown_partitions", instance="w1"): "2x80 0x9"},
        {of("renown_partitions", instance="w1"): "2x80 0x2 2x6"},
    ),
    Case(
        "RenownBarriersStopped",
        {"renown_barriers_total": "0+60x70 4200x19"},
        {
            "renown_barriers_total": "0+60x70 4200x19",
            "renown_engagements_total": "0+60000x70 4200000x19",
            of("renown_refused_total", reason="invalid_field"): _steady(0),
        },
    ),
    Case(
        "RenownBarrierSlow",
        dict.fromkeys((of(_BARRIER, le="1.0"), of(_BARRIER, le="5.0")), _steady(0)),
        {of(_BARRIER, le="1.0"): _steady(0)},
    ),
    Case("RenownRebalances", {"renown_claims_total": "4x59 4+2x30"}, {"renown_claims_total": "4x70 8x19"}),
    Case("RenownWorkersBusy", _busy(*WORKERS), _busy("w0")),
    Case(
        "RenownNotCalibrated",
        {"renown_calibration_age_seconds": _steady(8000)},
        {"renown_calibration_age_seconds": _steady(7000)},
    ),
    Case("RenownPoison", {_POISON: "0x85 1x4"}, {_POISON: "0x60 1x29"}),
    Case(
        "RenownRefusals",
        {of("renown_refused_total", reason="invalid_field"): _rising(6000)},
        {of("renown_refused_total", reason="self_engagement"): _rising(12_000)},
    ),
    Case("RenownDeadLetters", {"renown_dead_letters": _rising(50)}, {"renown_dead_letters": _rising(15)}),
)
_EDGES: Final = (
    Case("RenownRedisAway", _gone("renown_scoring_redis_up"), _briefly("renown_scoring_redis_up")),
    Case("RenownRedisLostData", {"renown_scoring_rewinds_total": "0x85 4x4"}, {"renown_scoring_rewinds_total": "4x90"}),
    Case("RenownForeignScores", {_FOREIGN: "0x85 1x4"}, {_FOREIGN: "1x90"}),
    Case("RenownRedisBehind", {"renown_ranked_users": _steady(3000)}, {"renown_ranked_users": "3000x50 9000x39"}),
    Case(
        "RenownWebFails",
        {of("renown_web_requests_total", status="503"): _rising(20)},
        {of("renown_web_requests_total", status="503"): _rising(3)},
    ),
    Case(
        "RenownSourceSilent",
        _gone(of("renown_collect_connected", source="bluesky")),
        _briefly(of("renown_collect_connected", source="bluesky")),
    ),
    Case(
        "RenownSourceBehind",
        {of("renown_collect_lag_seconds", source="bluesky"): _steady(400)},
        {of("renown_collect_lag_seconds", source="bluesky"): _steady(200)},
    ),
    Case("RenownKeysTried", {_TRIED: _rising(120)}, {_TRIED: _rising(30)}),
    Case("RenownLeadersShift", {_LEADERS: "0.2x60 0.4x29"}, {_LEADERS: "0.2x60 0.25x29"}),
    Case(
        "RenownManyNewAccounts",
        {"renown_provisional_ratio": "0.1x60 0.5x29"},
        {"renown_provisional_ratio": "0.1x60 0.2x29"},
    ),
)
CASES: Final = (*_OBJECTIVES, *_PROCESSES, *_PIPELINE, *_EDGES)

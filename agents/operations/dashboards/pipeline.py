"""The dashboard for operators: every stage, every partition, what is slow and why."""

from __future__ import annotations

from typing import Final

from agents.operations.dashboards.panel import Dashboard, Row, lines, stack


def _rate(name: str, by: str = "instance") -> str:
    return f"sum by ({by}) (rate({name}[$__rate_interval]))"


def _tail(name: str, by: str = "le") -> str:
    return f"histogram_quantile(0.99, sum by ({by}) (rate({name}_bucket[$__rate_interval])))"


_LAG: Final = Row(
    "How far behind",
    (
        lines("Lag of each stage", ("max by (stage) (renown_lag_seconds)", "{{stage}}")),
        lines("Records waiting, by partition", ("renown_lag_records", "{{stage}} {{partition}}")),
        lines("Age of the oldest waiting, by partition", ("renown_lag_seconds", "{{stage}} {{partition}}")),
    ),
)
_STAGES: Final = Row(
    "Stages",
    (
        lines(
            "Through the stages",
            ("sum(rate(renown_engagements_total[$__rate_interval]))", "engagements read"),
            ("sum(rate(renown_granted_total[$__rate_interval]))", "weighed"),
            ("sum(rate(renown_credited_total[$__rate_interval]))", "credited"),
            ("sum(rate(renown_emitted_total[$__rate_interval]))", "scores sent"),
        ),
        lines(
            "Busy, by worker and stage",
            (_rate("renown_chunk_seconds_sum", "instance, stage"), "{{instance}} {{stage}}"),
            unit="percentunit",
        ),
        lines("Time of a chunk, 99 %", (_tail("renown_chunk_seconds", "le, stage"), "{{stage}}")),
        lines(
            "From append on, 99 %",
            (_tail("renown_applied_seconds"), "credited"),
            (_tail("renown_scored_seconds"), "scored"),
            (_tail("renown_scoring_delay_seconds"), "readable"),
        ),
        lines(
            "Dropped or passed over",
            (_rate("renown_repeats_total"), "repeats {{instance}}"),
            (_rate("renown_forward_repeats_total"), "credits forwarded before {{instance}}"),
            (_rate("renown_relayed_total"), "credits sent on to a person {{instance}}"),
            (_rate("renown_stale_chunks_total"), "stale chunks {{instance}}"),
            (_rate("renown_stray_records_total"), "strays {{instance}}"),
        ),
        lines("Stream time behind the clock", ("time() - max(renown_stream_time_seconds > 0)", "behind"), unit="s"),
        lines(
            "Calibration",
            ("max(renown_calibration_age_seconds)", "age in stream time"),
        ),
    ),
)
_STATE: Final = Row(
    "State",
    (
        lines("Partitions scored", ("renown_partitions", "{{instance}}")),
        lines(
            "Users",
            ("renown_users", "{{instance}}"),
            ("increase(renown_departed_total[1h])", "left in an hour {{instance}}"),
            unit="short",
        ),
        lines("Pairs", ("renown_pairs", "{{instance}}")),
        lines(
            "Written to the changelog",
            (_rate("renown_rows_flushed_total"), "rows {{instance}}"),
            (_rate("renown_pairs_flushed_total"), "pairs {{instance}}"),
        ),
        lines(
            "Barriers, 99 %",
            (_tail("renown_barrier_seconds"), "whole"),
            (_tail("renown_snapshot_seconds"), "holding up"),
        ),
        lines("Barriers", (_rate("renown_barriers_total"), "{{instance}}")),
    ),
)
_RECOVERY: Final = Row(
    "Recovery",
    (
        lines("Changelog records read", (_rate("renown_restored_records_total"), "{{instance}}")),
        lines("Applying a delivery, 99 %", (_tail("renown_restore_seconds"), "99 %")),
        lines("Partitions claimed", (_rate("renown_claims_total"), "{{instance}}")),
        lines("Map in use", ("renown_calibration_version", "{{instance}}")),
        lines(
            "Starts",
            ('time() - process_start_time_seconds{job=~"renown-.*"}', "{{job}} {{instance}} runs for"),
            unit="s",
        ),
        lines(
            "The monitor sees",
            ("renown_monitor_up", "{{of}}"),
            ("rate(renown_monitor_looks_total[$__rate_interval])", "looks at {{of}}"),
        ),
    ),
)
_REDIS: Final = Row(
    "Redis",
    (
        stack("Score records, by outcome", (_rate("renown_scoring_users_total", "outcome"), "{{outcome}}")),
        lines("Redis answers", ("renown_scoring_redis_up", "{{instance}}")),
        lines("Partitions read again", ("increase(renown_scoring_rewinds_total[15m])", "{{instance}}"), unit="short"),
    ),
)
_INGEST: Final = Row(
    "Ingest",
    (
        stack("HTTP items, by outcome", (_rate("renown_http_items_total", "outcome"), "{{outcome}}")),
        stack(
            "HTTP requests turned away", (_rate("renown_http_turned_away_total", "key, reason"), "{{key}} {{reason}}")
        ),
        lines("Kafka's acknowledgement, 99 %", (_tail("renown_http_ack_seconds"), "99 %")),
        lines(
            "Frames of live sources",
            (_rate("renown_collect_frames_total", "source"), "{{source}} read"),
            (_rate("renown_collect_passed_total", "source"), "{{source}} without an engagement"),
            (_rate("renown_collect_refused_total", "source"), "{{source}} refused"),
        ),
        lines(
            "Connections of live sources",
            ("renown_collect_connected", "{{source}} connected"),
            ("increase(renown_collect_lost_total[15m])", "{{source}} lost {{to}}"),
            unit="short",
        ),
        lines(
            "Newest frame",
            ("time() - (renown_collect_newest_timestamp_seconds > 0)", "{{source}} old"),
            unit="s",
        ),
    ),
)
_API: Final = Row(
    "Score API",
    (
        stack("Requests by status", (_rate("renown_web_requests_total", "status"), "{{status}}")),
        stack("Turned away", (_rate("renown_web_turned_away_total", "reason"), "{{reason}}")),
        lines("Answers, 99 %", (_tail("renown_web_seconds"), "99 %")),
        lines("Open streams", ("renown_web_streams", "{{instance}}")),
    ),
)
PIPELINE: Final = Dashboard(
    "renown-pipeline",
    "Renown: pipeline",
    "Every stage and partition: how far behind, how busy, what is being made durable or recovered.",
    (_LAG, _STAGES, _STATE, _RECOVERY, _REDIS, _INGEST, _API),
)

"""The dashboard for anybody: does it run, how much, how fresh, are the objectives met?"""

from __future__ import annotations

from typing import Final

from agents.operations.dashboards.panel import PER_SECOND, Dashboard, Row, bars, lines, number, objective, stack


def _faster(quantile: str) -> str:
    rate = "rate(renown_scoring_delay_seconds_bucket[$__rate_interval])"
    return f"histogram_quantile({quantile}, sum by (le) ({rate}))"


OVERVIEW: Final = Dashboard(
    "renown-overview",
    "Renown: overview",
    "Does it run, how much comes in, how fresh are scores, are the objectives met?",
    (
        Row(
            "Now",
            (
                number("Engagements", "sum(rate(renown_engagements_total[$__rate_interval]))"),
                number("Scores written", 'sum(rate(renown_scoring_users_total{outcome="written"}[$__rate_interval]))'),
                number("Users", "max(renown_population_users)"),
                number("Furthest behind", "max(renown_lag_seconds)", red_above=60),
                number("Dead letters kept", "max(renown_dead_letters)"),
                number("Redis answers", "min(renown_scoring_redis_up)", red_below=1),
            ),
        ),
        Row(
            "Objectives, last hour",
            (
                objective("Late scores", "freshness", "1 % of scores may be readable later than after 5 s"),
                objective("Failed requests", "availability", "0.1 % of requests for ingestion may end in 5xx"),
                objective("Engagements we fail over", "exactness", "0.001 % may become dead letters by our own fault"),
            ),
        ),
        Row(
            "Flow",
            (
                stack(
                    "What becomes of engagements",
                    ("sum(rate(renown_granted_total[$__rate_interval]))", "weighed"),
                    ("sum(rate(renown_undone_total[$__rate_interval]))", "taken back"),
                    ("sum(rate(renown_repeats_total[$__rate_interval]))", "repeats"),
                    ("sum(rate(renown_rerouted_total[$__rate_interval]))", "re-routed"),
                    ("sum(rate(renown_refused_total[$__rate_interval]))", "refused"),
                ),
                stack(
                    "Refused, by reason",
                    ("sum by (reason) (rate(renown_refused_total[$__rate_interval]))", "{{reason}}"),
                ),
                lines(
                    "From engagement to readable score",
                    (_faster("0.5"), "half are faster than"),
                    (_faster("0.99"), "99 % are faster than"),
                ),
            ),
        ),
        Row(
            "Sources",
            (
                lines(
                    "Live sources",
                    ("sum by (source) (rate(renown_collect_engagements_total[$__rate_interval]))", "{{source}}"),
                    width=6,
                ),
                lines("Behind their feeds", ("max by (source) (renown_collect_lag_seconds)", "{{source}}"), width=6),
                stack(
                    "HTTP requests by status",
                    ("sum by (status) (rate(renown_http_requests_total[$__rate_interval]))", "{{status}}"),
                    width=6,
                ),
                bars(
                    "Versions that run",
                    ("count by (job, version) (renown_build_info)", "{{job}} {{version}}"),
                    width=6,
                ),
            ),
        ),
        Row(
            "Processes",
            (
                lines(
                    "CPU",
                    ('rate(process_cpu_seconds_total{job=~"renown-.*"}[$__rate_interval])', "{{job}} {{instance}}"),
                    unit="percentunit",
                ),
                lines(
                    "Memory",
                    ('process_resident_memory_bytes{job=~"renown-.*"}', "{{job}} {{instance}}"),
                    unit="bytes",
                ),
                lines("Late engagements", ("sum(rate(renown_late_total[$__rate_interval]))", "late"), unit=PER_SECOND),
            ),
        ),
    ),
)

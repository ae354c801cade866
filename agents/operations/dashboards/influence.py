"""The dashboard for product people: how scores are spread, who moves, and signs of gaming; nobody is named."""

from __future__ import annotations

from typing import Final

from agents.operations.dashboards.panel import Dashboard, Row, bars, lines, number, stack

_POINTS: Final = "suffix: points"

INFLUENCE: Final = Dashboard(
    "renown-influence",
    "Renown: influence",
    "How scores are spread, how they move, signs of gaming. From an even sample; names are in `renown top`.",
    (
        Row(
            "Everybody",
            (
                number("Users with influence", "max(renown_population_users)"),
                number("Users ranked", "max(renown_ranked_users)"),
                number("Users with momentum", "max(renown_trending_users)"),
                number("Median score", 'max(renown_shown_score{percentile="50"})', unit=_POINTS),
                number("In their first week", "max(renown_provisional_ratio)"),
                number("Influence of the first ten", 'max(renown_leaders_mass_ratio{first="10"})'),
            ),
        ),
        Row(
            "How scores are spread",
            (
                bars(
                    "Share of users by score", ("max by (band) (renown_shown_score_band_ratio)", "{{band}}"), width=12
                ),
                lines(
                    "Score at a percentile", ("max by (percentile) (renown_shown_score)", "{{percentile}} %"), width=12
                ),
            ),
        ),
        Row(
            "Movers",
            (
                stack(
                    "Moved by a point or more in a day",
                    ("max by (direction) (renown_score_moved_ratio)", "{{direction}}"),
                    width=12,
                ),
                lines(
                    "Change over a day, at a percentile",
                    ("max by (percentile) (renown_score_change_points)", "{{percentile}} %"),
                    width=12,
                ),
            ),
        ),
        Row(
            "Gaming",
            (
                lines("Influence held by the first", ("max by (first) (renown_leaders_mass_ratio)", "{{first}}")),
                lines(
                    "Newcomers and mutual praise",
                    ("max(renown_provisional_ratio)", "users in their first week"),
                    ("max(renown_mutual_mass_ratio)", "influence from relationships"),
                ),
                stack(
                    "Acts that count nothing",
                    ('sum(rate(renown_refused_total{reason="self_engagement"}[$__rate_interval]))', "towards oneself"),
                    ("sum(rate(renown_repeats_total[$__rate_interval]))", "repeats"),
                    ('sum(rate(renown_refused_total{reason="from_the_future"}[$__rate_interval]))', "from the future"),
                ),
            ),
        ),
    ),
)

"""The monitor's metrics."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry

from streams.declaration import Declaration, Kind, Label, Unit, about_process, counter, gauge

STAGES: Final = ("actor", "target", "scoring")
SERVERS: Final = ("kafka", "redis")
PERCENTILES: Final = (5, 25, 50, 75, 95, 99)
BANDS: Final = tuple(f"{low}-{low + 9}" for low in range(1, 100, 10))
DIRECTIONS: Final = ("up", "still", "down")
LEADERS: Final = (10, 100)

_PLACE: Final = (Label("stage", STAGES), Label("partition", holds="the partition's number"))
_PERCENTILE: Final = Label("percentile", tuple(map(str, PERCENTILES)))

LAG_RECORDS: Final = Declaration(
    "lag_records",
    "renown_lag_records",
    Kind.GAUGE,
    Unit.RECORDS,
    "records that a stage has not committed yet, by partition; the target's are chunks of credits",
    "growing: are workers running (`up`), then add workers; one partition alone: a hot user or a stuck worker",
    _PLACE,
)
LAG_SECONDS: Final = Declaration(
    "lag_seconds",
    "renown_lag_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    "age of the oldest record that a stage has not committed yet, by partition",
    "over a few times commit_interval_s: the stage stands still or is too slow",
    _PLACE,
)
DEAD_LETTERS: Final = Declaration(
    "dead_letters",
    "renown_dead_letters",
    Kind.GAUGE,
    Unit.RECORDS,
    "dead letters kept",
    "rising: `renown dlq list` says why; mend the producer, then `renown dlq retry`",
)
POPULATION: Final = Declaration(
    "population",
    "renown_population_users",
    Kind.GAUGE,
    Unit.USERS,
    "users who have influence now, as all partitions together report",
    "grows while new people appear: `renown plan` says what it needs",
)
CALIBRATION_AGE: Final = Declaration(
    "calibration_age",
    "renown_calibration_age_seconds",
    Kind.GAUGE,
    Unit.SECONDS,
    "stream time passed since the map in force was made",
    "over two hours: the worker that owns partition 0 makes no map; see its log",
)
REACHED: Final = Declaration(
    "reached",
    "renown_monitor_up",
    Kind.GAUGE,
    Unit.TRUTH,
    "1 while the monitor's look at a server succeeds; at 0 its other figures are old",
    "0: is the server up, and has the monitor the rights of auditor and reader?",
    (Label("of", SERVERS),),
)
LOOKS: Final = Declaration(
    "looks",
    "renown_monitor_looks",
    Kind.COUNTER,
    Unit.TIMES,
    "looks at a server that succeeded",
    "not rising: see renown_monitor_up",
    (Label("of", SERVERS),),
)
RANKED: Final = Declaration(
    "ranked",
    "renown_ranked_users",
    Kind.GAUGE,
    Unit.USERS,
    "users on the leaderboard in Redis",
    "far below renown_population_users for long: Redis was emptied; `renown scoring` fills it again",
)
TRENDING: Final = Declaration(
    "trending",
    "renown_trending_users",
    Kind.GAUGE,
    Unit.USERS,
    "users with momentum now",
    "0 while engagements arrive: scores do not reach Redis",
)
SHOWN: Final = Declaration(
    "shown",
    "renown_shown_score",
    Kind.GAUGE,
    Unit.POINTS,
    "percentiles of the shown score over ranked users, from an even sample",
    "a jump of the median: was a parameter or the profile changed?",
    (_PERCENTILE,),
)
BAND: Final = Declaration(
    "band",
    "renown_shown_score_band_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    "share of ranked users whose shown score is in a band",
    "high bands filling up: look for gaming in the influence dashboard",
    (Label("band", BANDS),),
)
CHANGE: Final = Declaration(
    "change",
    "renown_score_change_points",
    Kind.GAUGE,
    Unit.POINTS,
    "percentiles of the shown score's change over one day, among users with a score of a day ago",
    "outside -1.1 to +10: a bug, report it",
    (_PERCENTILE,),
)
MOVED: Final = Declaration(
    "moved",
    "renown_score_moved_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    "share of users whose shown score moved by at least a point in a day, by direction",
    "nearly all in one direction: a source is down or a flood goes on",
    (Label("direction", DIRECTIONS),),
)
PROVISIONAL: Final = Declaration(
    "provisional",
    "renown_provisional_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    "share of ranked users in their first week",
    "jumping up: many new accounts at once; see which source sends them",
)
MUTUAL: Final = Declaration(
    "mutual",
    "renown_mutual_mass_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    "share of all influence that comes from relationships",
    "rising fast: a ring praises itself",
)
LEADING: Final = Declaration(
    "leading",
    "renown_leaders_mass_ratio",
    Kind.GAUGE,
    Unit.RATIO,
    "share of all influence held by the first so many",
    "rising fast: `renown top`, then `renown explain` of who is new there",
    (Label("first", tuple(map(str, LEADERS))),),
)
CATALOGUE: Final = (
    LAG_RECORDS,
    LAG_SECONDS,
    DEAD_LETTERS,
    POPULATION,
    CALIBRATION_AGE,
    REACHED,
    LOOKS,
    RANKED,
    TRENDING,
    SHOWN,
    BAND,
    CHANGE,
    MOVED,
    PROVISIONAL,
    MUTUAL,
    LEADING,
)


class MonitorMetrics:
    """Every series exists at zero from the start, one per stage and partition."""

    def __init__(self, registry: CollectorRegistry, partitions: int) -> None:
        about_process(registry)
        self.lag_records = gauge(LAG_RECORDS, registry)
        self.lag_seconds = gauge(LAG_SECONDS, registry)
        for stage in STAGES:
            for partition in range(partitions):
                self.lag_records.labels(stage, str(partition))
                self.lag_seconds.labels(stage, str(partition))
        self.dead_letters, self.population, self.calibration_age, self.ranked, self.trending = (
            gauge(each, registry) for each in (DEAD_LETTERS, POPULATION, CALIBRATION_AGE, RANKED, TRENDING)
        )
        self.shown, self.band, self.change, self.moved, self.leading = (
            gauge(each, registry) for each in (SHOWN, BAND, CHANGE, MOVED, LEADING)
        )
        self.provisional, self.mutual = (gauge(each, registry) for each in (PROVISIONAL, MUTUAL))
        self.reached, self.looks = gauge(REACHED, registry), counter(LOOKS, registry)

"""What Redis can serve wrongly of one user, and what the judge must then find."""

from __future__ import annotations

import json

from redis import Redis

PREFIX = "judged"
STAR = "test:user1"


def hash_of(user: str) -> str:
    """Return the key of a user's hash."""
    return f"{PREFIX}:u:{user}"


def older(redis: Redis) -> None:
    """Bring an earlier score of a user back, on the leaderboards as well."""
    version = int(redis.hget(hash_of(STAR), "version") or 0)
    redis.hset(hash_of(STAR), mapping={"version": version - 1, "score": "1.5", "raw": "0.5"})
    redis.zadd(f"{PREFIX}:top", {STAR: 0.5})
    redis.zadd(f"{PREFIX}:top:test", {STAR: 0.5})


def newer(redis: Redis) -> None:
    """Have a version in Redis that the topic never had."""
    redis.hincrby(hash_of(STAR), "version", 1)


def fewer_likes(redis: Redis) -> None:
    """Serve other counts of seven days than were published."""
    counts = json.loads(redis.hget(hash_of(STAR), "counts_7d") or "{}")
    redis.hset(hash_of(STAR), "counts_7d", json.dumps({**counts, "like": counts["like"] - 1}))


def gone(redis: Redis) -> None:
    """Lose a user altogether."""
    redis.delete(hash_of(STAR), f"{PREFIX}:why:{STAR}")
    for board in ("top", "top:test", "top:momentum"):
        redis.zrem(f"{PREFIX}:{board}", STAR)


def stranger(redis: Redis) -> None:
    """Serve a user nobody scored."""
    redis.copy(hash_of(STAR), hash_of("other:stranger"))
    raw, momentum = redis.hmget(hash_of(STAR), "raw", "momentum")
    redis.zadd(f"{PREFIX}:top", {"other:stranger": float(raw)})
    redis.zadd(f"{PREFIX}:top:other", {"other:stranger": float(raw)})
    redis.zadd(f"{PREFIX}:top:momentum", {"other:stranger": float(momentum)})


def wrong_rank(redis: Redis) -> None:
    """Rank a user by another value than hers."""
    redis.zincrby(f"{PREFIX}:top", 0.001, STAR)


def off_the_board(redis: Redis) -> None:
    """Leave a user out of her network's leaderboard."""
    redis.zrem(f"{PREFIX}:top:test", STAR)


def ghost_on_the_board(redis: Redis) -> None:
    """Rank somebody by momentum who has no score."""
    redis.zadd(f"{PREFIX}:top:momentum", {"test:ghost": 1.0})


def unexplained(redis: Redis) -> None:
    """Lose a user's moments."""
    redis.delete(f"{PREFIX}:why:{STAR}")


def no_score_at_all(redis: Redis) -> None:
    """Serve something that is not a number."""
    redis.hset(hash_of(STAR), "score", "nan")


def behind(redis: Redis) -> None:
    """Say that the last score of a partition is not applied."""
    fields = {name: int(at) for name, at in redis.hgetall(f"{PREFIX}:meta").items() if name.startswith(b"applied:")}
    name = max(fields, key=lambda each: fields[each])
    redis.hset(f"{PREFIX}:meta", name, fields[name] - 1)


SERVED = [
    (older, {"stale_scores": 1}),
    (newer, {"stale_scores": 1}),
    (fewer_likes, {"stale_scores": 1}),
    (gone, {"missing_scores": 1}),
    (stranger, {"stray_scores": 1}),
    (wrong_rank, {"boards_wrong": 1}),
    (off_the_board, {"boards_wrong": 1}),
    (ghost_on_the_board, {"boards_wrong": 1}),
    (unexplained, {"why_missing": 1}),
    (no_score_at_all, {"stale_scores": 1, "scores_out_of_range": 1}),
    (behind, {"unfinished": 1}),
]

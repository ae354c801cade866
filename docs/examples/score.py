"""Prints a user's score, the top three and the user's days: python score.py github:torvalds."""
# ruff: noqa: INP001, T201

import os
import sys

from redis import Redis

user = sys.argv[1]
with Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as redis:
    print("score", redis.hget(f"renown:u:{user}", "score") or "none")

    for rank, leader in enumerate(redis.zrevrange("renown:top", 0, 2), 1):
        score = redis.hget(f"renown:u:{leader}", "score")
        if score is not None:  # else left between the two reads
            print("top", rank, leader, score)

    for day, score in sorted(redis.hgetall(f"renown:h:{user}").items()):
        print("day", day, score)

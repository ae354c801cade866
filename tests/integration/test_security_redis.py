"""Redis with TLS and ACLs: readers read and nothing else, the agent writes under its prefix and nowhere else."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from deploy.local.state import StackState
from schemas.redis_keys import RedisKeys
from schemas.score import Counts, Parts, Score, encode_score
from tests.integration.pipeline import RENOWN
from tests.integration.secured_redis import SecuredRedis, make_users, secured_redis

pytestmark = pytest.mark.integration
OWN = "guarded"
KEYS = RedisKeys(OWN)
IN_EACH = "s3cret"
"""Found however the quotes around it are escaped."""
PASSWORDS = {role: f"odd, \"{IN_EACH}\" of 'the' {role} =#~*" for role in ("reader", "scoring", "operator")}
WRONG = "wr0ng-one"
LIMIT_S = 60.0
USERS = 3


@dataclass(frozen=True)
class Served:
    """A Redis that an agent with the scoring role has filled, by TLS."""

    redis: SecuredRedis
    stack: StackState
    log: Path

    def env(self, role: str, **other: str) -> dict[str, str]:
        """Return the settings with which a role is let in, `other` ones over them."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")},
            "RENOWN_BOOTSTRAP": self.stack.bootstrap_servers,
            "RENOWN_PREFIX": OWN,
            "RENOWN_REDIS_PREFIX": OWN,
            "RENOWN_REDIS_URL": self.redis.tls_url,
            "RENOWN_REDIS_CA_FILE": str(self.redis.ca),
            "RENOWN_REDIS_USER": f"{OWN}-{role}",
            "RENOWN_REDIS_PASSWORD": PASSWORDS[role],
            **other,
        }

    def ran(self, role: str, *arguments: str, **other: str) -> subprocess.CompletedProcess[str]:
        """Return a finished command of ours."""
        env = self.env(role, **other)
        return subprocess.run([*RENOWN, *arguments], env=env, capture_output=True, text=True, check=False, timeout=90)

    @contextlib.contextmanager
    def client(self, role: str) -> Iterator[Redis]:
        """Yield a plain client of that role, as somebody else's program has it."""
        with Redis.from_url(self.redis.plain_url, username=f"{OWN}-{role}", password=PASSWORDS[role]) as found:
            yield found


@pytest.fixture(scope="module")
def served(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Fill a Redis with scores, by an agent that has nothing but its role."""
    folder = tmp_path_factory.mktemp("redis")
    with secured_redis(stack.redis.port, folder) as redis, Redis.from_url(redis.plain_url) as everything:
        make_users(redis.plain_url, OWN, PASSWORDS, folder)
        found = Served(redis, stack, folder / "scoring.log")
        made = found.ran("scoring", "topics", "apply")
        assert made.returncode == 0, made.stderr
        with running(found, "scoring"):
            send(stack.bootstrap_servers)
            until(found, lambda: everything.zcard(KEYS.top()) == USERS)
            everything.set("other:u:t:a", "foreign")
            yield found
        for role in PASSWORDS:
            everything.acl_deluser(f"{OWN}-{role}")


@contextlib.contextmanager
def running(served: Served, role: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running agent, its words in the log."""
    with served.log.open("ab") as log:
        process = subprocess.Popen([*RENOWN, "scoring", *words], env=served.env(role), stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until(served: Served, condition: Any) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, served.log.read_text()
        time.sleep(0.05)


def send(bootstrap: str) -> None:
    """Write the scores of USERS people to the topic."""
    producer = Producer({"bootstrap.servers": bootstrap})
    for number in range(USERS):
        score = Score(
            user=f"t:{number}", score=12.0, target_score=12.0, raw=1.0, relationships=1.0, momentum=1.0, reach=1.0,
            percentile=50.0, provisional=False, counts_7d=Counts(like=1), moments=(), as_of=1_790_000_000_000,
            parts=Parts(like=1.0, share=0.0, mention=0.0, reply=0.0, relationships=0.0), version=1,
            model="default@00000000", produced_at_ms=1,
        )  # fmt: skip
        producer.produce(f"{OWN}.scores.v1", encode_score(score), score.user.encode())
    producer.flush(30)


def test_a_reader_has_all_that_a_reader_needs(served: Served) -> None:
    """By the plain commands of the contract, and by ours over TLS."""
    with served.client("reader") as redis:
        assert redis.hget(KEYS.user("t:1"), "score") == b"12.0"
        assert redis.hgetall(KEYS.user("t:1"))[b"model"] == b"default@00000000"
        assert len(redis.zrevrange(KEYS.top(), 0, 9, withscores=True)) == USERS
        assert len(redis.zrevrange(KEYS.top_momentum(), 0, 9)) == USERS
        assert redis.zrevrank(KEYS.top("t"), "t:1") is not None
        assert redis.get(KEYS.why("t:1")) == b"[]"
        assert len(redis.hgetall(KEYS.history("t:1"))) == 1
        assert redis.pipeline(transaction=True).hgetall(KEYS.user("t:1")).execute()[0]
    assert json.loads(served.ran("reader", "score", "t:1", "--json").stdout)["score"] == 12.0
    for words in (["top"], ["explain", "t:1"], ["history", "t:1"]):
        done = served.ran("reader", *words)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["SET", KEYS.user("t:1"), "x"],
        ["HSET", KEYS.user("t:1"), "score", "100"],
        ["ZADD", KEYS.top(), "1", "t:1"],
        ["DEL", KEYS.user("t:1")],
        ["UNLINK", KEYS.user("t:1")],
        ["EXPIRE", KEYS.user("t:1"), "1"],
        ["EVAL", "return 1", "0"],
        ["SCRIPT", "LOAD", "return 1"],
        ["KEYS", "*"],
        ["SCAN", "0"],
        ["FLUSHALL"],
        ["CONFIG", "GET", "*"],
        ["ACL", "LIST"],
        ["CLIENT", "LIST"],
        ["MONITOR"],
        ["SUBSCRIBE", "x"],
        ["PUBLISH", "x", "y"],
        ["GET", "other:u:t:a"],
        ["HSET", KEYS.meta(), "contract_version", "2"],
        ["HGETALL", f"{OWN}2:u:t:1"],
    ],
    ids=" ".join,
)
def test_a_reader_is_refused_everything_else(served: Served, words: list[str]) -> None:
    """No writes, no look around, no other prefix, no word about the deployment itself."""
    with served.client("reader") as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*words)


@pytest.mark.parametrize(
    "words",
    [
        ["GET", "other:u:t:a"],
        ["HGETALL", "other:u:t:a"],
        ["SET", "other:x", "y"],
        ["DEL", "other:u:t:a"],
        ["FLUSHALL"],
        ["FLUSHDB"],
        ["CONFIG", "SET", "maxmemory", "1"],
        ["KEYS", "*"],
        ["SCAN", "0"],
        ["EVAL", "return 1", "0"],
        ["SCRIPT", "FLUSH"],
        ["SHUTDOWN"],
    ],
    ids=" ".join,
)
def test_the_agent_is_refused_what_it_does_not_use(served: Served, words: list[str]) -> None:
    """A stolen password of the agent's costs the scores under its prefix and nothing else."""
    with served.client("scoring") as redis, pytest.raises(NoPermissionError):
        redis.execute_command(*words)


def test_a_script_cannot_reach_what_its_user_cannot(served: Served) -> None:
    """Being allowed to load scripts is no way round the prefix."""
    with served.client("scoring") as redis:
        sha = redis.script_load("return redis.call('SET', KEYS[1], 'x')")
        with pytest.raises(NoPermissionError):
            redis.evalsha(sha, 1, "other:x")
        inside = redis.script_load("return redis.call('DEL', 'other:u:t:a')")
        with pytest.raises(RedisError, match=r"(?i)no permission|can't access|noperm|ACL failure"):
            redis.evalsha(inside, 0)
    with Redis.from_url(served.redis.plain_url) as everything:
        assert everything.get("other:u:t:a") == b"foreign"


def test_rebuilding_takes_the_operator(served: Served) -> None:
    """Emptying looks over all names in Redis; the agent's own user may not."""
    refused = served.ran("scoring", "scoring", "--rebuild")
    assert refused.returncode == 2, refused.stderr
    assert "renown access redis" in refused.stderr.splitlines()[-1]
    with Redis.from_url(served.redis.plain_url) as everything:
        everything.hset(KEYS.user("t:gone"), "score", "1")
        with running(served, "operator", "--rebuild"):
            until(served, lambda: not everything.exists(KEYS.user("t:gone")))
            until(served, lambda: everything.zcard(KEYS.top()) == USERS)
        assert everything.get("other:u:t:a") == b"foreign"


@pytest.mark.parametrize("command", ["score t:1", "scoring"])
@pytest.mark.parametrize("wrong", ["authority", "no tls", "only tls", "password", "login"])
def test_a_refusal_is_one_line_that_names_the_setting(served: Served, wrong: str, command: str) -> None:
    """Waiting cannot cure any of it; and the password tried is not repeated."""
    other, said = {
        "authority": ({"RENOWN_REDIS_CA_FILE": str(served.redis.other_ca)}, "RENOWN_REDIS_CA_FILE"),
        "no tls": ({"RENOWN_REDIS_URL": served.redis.plain_url.replace("redis:", "rediss:")}, "write redis://"),
        "only tls": (
            {"RENOWN_REDIS_URL": served.redis.tls_url.replace("rediss:", "redis:"), "RENOWN_REDIS_CA_FILE": ""},
            "write rediss://",
        ),
        "password": ({"RENOWN_REDIS_PASSWORD": WRONG}, "RENOWN_REDIS_PASSWORD"),
        "login": ({"RENOWN_REDIS_USER": "nobody"}, "RENOWN_REDIS_USER"),
    }[wrong]
    done = served.ran("scoring", *command.split(), **other)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in (WRONG, IN_EACH))


def test_the_agent_says_no_password(served: Served) -> None:
    """Its log holds a whole life, refusals and outages included."""
    assert IN_EACH not in served.log.read_text()

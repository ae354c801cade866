"""Kafka with TLS and login: the whole pipeline counts exactly, and a refusal is one clear line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.state import StackState
from streams.settings import load
from tests.integration.pipeline import RENOWN, Pipeline
from tests.integration.secured_kafka import PASSWORD, PLAIN_PASSWORD, USER, SecuredKafka, secured_kafka

pytestmark = pytest.mark.integration
EVENTS = 300
WRONG = "wr0ng-one"


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """Start one secured broker for this file."""
    with secured_kafka(tmp_path_factory.mktemp("secured")) as running:
        yield running


def login(kafka: SecuredKafka, **other: str) -> dict[str, str]:
    """Return the settings that are let in, `other` ones over them."""
    return {
        "RENOWN_BOOTSTRAP": kafka.login,
        "RENOWN_KAFKA_SECURITY": "SASL_SSL",
        "RENOWN_KAFKA_CA_FILE": str(kafka.ca),
        "RENOWN_KAFKA_SASL_USER": USER,
        "RENOWN_KAFKA_SASL_PASSWORD": PASSWORD,
        **other,
    }


def ran(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return a finished command of ours."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("RENOWN_")}
    return subprocess.run(
        [*RENOWN, *arguments], env=plain | env, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_whole_pipeline_counts_exactly_over_tls_with_a_login(
    kafka: SecuredKafka, stack: StackState, tmp_path: Path, own_prefix: str
) -> None:
    """One client without the login would stand still; the password is in a file and appears in no log."""
    secret = tmp_path / "password"
    secret.write_text(PASSWORD + "\n")
    own = login(
        kafka,
        RENOWN_REDIS_URL=stack.redis_url,
        RENOWN_PREFIX=own_prefix,
        RENOWN_REDIS_PREFIX=own_prefix,
        RENOWN_KAFKA_SASL_PASSWORD_FILE=str(secret),
    )
    del own["RENOWN_KAFKA_SASL_PASSWORD"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("RENOWN_")} | own
    running = Pipeline(load(own), env, tmp_path)
    running.renown("topics", "apply")
    lines = [
        {
            "id": f"e{i}",
            "kind": "share",
            "actor": f"t:a{i % 40}",
            "target": f"t:b{i % 7}",
            "occurred_at": "2026-11-20T12:00:00Z",
        }
        for i in range(EVENTS)
    ]
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        for name in ("worker-0", "scoring"):
            running.start(name)
        running.wait_ready("worker-0", 240)
        running.renown("ingest", str(tmp_path / "events.jsonl"))
        running.renown("drain", "--timeout", "90")
        counts = running.counts()
        assert sum(line["received"]["share"] for line in counts.values()) == EVENTS  # type: ignore[index]
        assert json.loads(running.renown("score", "t:b1", "--json"))
        for pid in (process.pid for process in running.processes.values()):
            assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    finally:
        running.stop()
    assert "s3cret" not in running.log("worker-0") + running.log("scoring")  # however its quotes are escaped


def test_plain_passwords_and_tls_alone_are_let_in(kafka: SecuredKafka) -> None:
    """Every way in that the settings offer is a real one."""
    plain = login(kafka, RENOWN_KAFKA_SASL_MECHANISM="PLAIN", RENOWN_KAFKA_SASL_PASSWORD=PLAIN_PASSWORD)
    tls = {
        "RENOWN_BOOTSTRAP": kafka.tls,
        "RENOWN_KAFKA_SECURITY": "SSL",
        "RENOWN_KAFKA_CA_FILE": str(kafka.ca),
    }
    for env in (plain, login(kafka, RENOWN_KAFKA_SASL_MECHANISM="SCRAM-SHA-256"), tls):
        done = ran({**env, "RENOWN_PREFIX": "let-in"}, "topics", "plan")
        assert done.returncode == 1, done.stderr
        assert "let-in.scores.v1: is missing" in done.stdout


@pytest.mark.parametrize("command", ["worker", "scoring", "topics plan", "ingest", "collect http --port 0", "drain"])
@pytest.mark.parametrize("wrong", ["password", "authority", "plaintext"])
def test_a_refusal_is_one_line_that_names_the_setting(
    kafka: SecuredKafka, wrong: str, command: str, tmp_path: Path
) -> None:
    """Waiting cannot cure a wrong password, so nothing waits; and the password tried is not repeated."""
    env, said = {
        "password": (login(kafka, RENOWN_KAFKA_SASL_PASSWORD=WRONG), "RENOWN_KAFKA_SASL_USER"),
        "authority": (login(kafka, RENOWN_KAFKA_CA_FILE=str(kafka.other_ca)), "RENOWN_KAFKA_CA_FILE"),
        "plaintext": ({"RENOWN_BOOTSTRAP": kafka.tls}, "speaks TLS"),
    }[wrong]
    events = tmp_path / "e.jsonl"
    events.write_text('{"id":"1","kind":"like","actor":"t:a","target":"t:b","occurred_at":"2026-11-20T12:00:00Z"}\n')
    done = ran(env, *command.split(), *([str(events)] if command == "ingest" else []))
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in done.stderr.splitlines()[-1]
    assert WRONG not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr

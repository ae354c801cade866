"""Kafka with ACLs: each role has what it needs and no more, and what is refused is told before anything runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from aiokafka import errors as kafka_errors
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from cryptography.hazmat.primitives import serialization

from agents.rights.kafka_acls import acls, create
from deploy.local import ports
from deploy.local.state import StackState
from schemas.access import KAFKA_ROLES, Resource, Role
from schemas.topics import Topics
from streams.engine.fencing import FencedWriter
from streams.security import kafka_security
from streams.settings import SECRETS, Settings, load
from tests.integration.pipeline import RENOWN, Pipeline
from tests.integration.secured_kafka import SecuredKafka, add_user, secured_kafka
from tests.integration.secured_redis import make_users

pytestmark = pytest.mark.integration
EVENTS = 300
SECRET = "s3cret-of-{}"  # noqa: S105 - a broker of the test's own
OWN = "acl"
TOPICS = Topics(OWN)
HALF = "worker-without-fencing"
REDIS_PASSWORDS = {"scoring": "redis-writer-s3cret", "reader": "redis-reader-s3cret"}
SECRET_VARIABLES = {f"RENOWN_{name.upper()}" for name in SECRETS}
GUARDED = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "false",
    # The plain listener is the administrator's, as the broker's own connections are.
    "super.users": "User:ANONYMOUS",
}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """Start one guarded broker with a user per role, whose ACLs and topics our own commands have made."""
    with secured_kafka(tmp_path_factory.mktemp("guarded"), GUARDED) as running:
        for user in (*KAFKA_ROLES, HALF):
            add_user(running.plain, user, SECRET.format(user))
        made = ran({"RENOWN_BOOTSTRAP": running.plain, "RENOWN_PREFIX": OWN}, "access", "kafka", "--apply", "--json")
        assert made.returncode == 0, made.stderr
        done = ran(as_role(running, Role.OPERATOR), "topics", "apply")
        assert done.returncode == 0, done.stderr
        yield running


def as_role(kafka: SecuredKafka, user: str) -> dict[str, str]:
    """Return the settings with which the role's user is let in."""
    return {
        "RENOWN_BOOTSTRAP": kafka.login,
        "RENOWN_KAFKA_SECURITY": "SASL_SSL",
        "RENOWN_KAFKA_CA_FILE": str(kafka.ca),
        "RENOWN_KAFKA_SASL_USER": user,
        "RENOWN_KAFKA_SASL_PASSWORD": SECRET.format(user),
        "RENOWN_PREFIX": OWN,
    }


def settings_of(kafka: SecuredKafka, user: str) -> Settings:
    """Return the same as an object."""
    return load(as_role(kafka, user))


def ran(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return a finished command of ours."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("RENOWN_")}
    return subprocess.run(
        [*RENOWN, *arguments], env=plain | env, capture_output=True, text=True, check=False, timeout=120
    )


def everything_secret(kafka: SecuredKafka, stack: StackState, role: Role, folder: Path) -> dict[str, str]:
    """Return the environment of a role in which every secret setting is set."""
    redis = "scoring" if role is Role.SCORING else "reader"
    env = {k: v for k, v in os.environ.items() if not k.startswith("RENOWN_")} | {
        **as_role(kafka, role),
        "RENOWN_HASH_KEY": "a-hash-key-s3cre",
        "RENOWN_KAFKA_CERT_FILE": str(certificate(folder / "client.pem", "key-s3cret")),
        "RENOWN_KAFKA_KEY_PASSWORD": "key-s3cret",
        "RENOWN_REDIS_URL": stack.redis_url,
        "RENOWN_REDIS_PREFIX": OWN,
        "RENOWN_REDIS_USER": f"{OWN}-{redis}",
        "RENOWN_REDIS_PASSWORD": REDIS_PASSWORDS[redis],
    }
    assert env.keys() >= SECRET_VARIABLES
    return env


def certificate(path: Path, password: str) -> Path:
    """Return a file with some certificate and its key, which the password opens."""
    issued = trustme.CA().issue_cert("client")
    key = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
    locked = serialization.BestAvailableEncryption(password.encode())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    path.write_bytes(key.private_bytes(*form) + b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    return path


def metrics(port: int) -> str:
    """Return what a process exports."""
    with urllib.request.urlopen(f"http://{ports.HOST}:{port}/metrics") as answer:
        return str(answer.read(), "utf-8")


def one_event(folder: Path) -> str:
    """Return a file with one engagement."""
    path = folder / "one.jsonl"
    path.write_text('{"id":"1","kind":"like","actor":"t:x","target":"t:y","occurred_at":"2026-11-20T12:00:00Z"}\n')
    return str(path)


def test_a_whole_pipeline_counts_exactly_with_no_more_than_these_acls(
    kafka: SecuredKafka, stack: StackState, tmp_path: Path
) -> None:
    """Every part runs as its own user; one operation missing from the table would stop it."""
    make_users(stack.redis_url, OWN, REDIS_PASSWORDS, tmp_path)
    users = {role: everything_secret(kafka, stack, role, tmp_path) for role in KAFKA_ROLES}
    running = Pipeline(settings_of(kafka, Role.WORKER), users[Role.WORKER], tmp_path)
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
    (tmp_path / "events.jsonl").write_text("{}\n" + "".join(json.dumps(line) + "\n" for line in lines))
    try:
        numbers = {"worker-0": ports.pick()}
        numbers["scoring"] = ports.pick(frozenset(numbers.values()))
        running.start("worker-0", also={"RENOWN_METRICS_PORT": str(numbers["worker-0"])})
        running.start("scoring", also={**users[Role.SCORING], "RENOWN_METRICS_PORT": str(numbers["scoring"])})
        running.wait_ready("worker-0", 240)
        sent = ran(users[Role.PRODUCER], "ingest", str(tmp_path / "events.jsonl"))
        assert "sent              300" in sent.stdout, sent.stdout + sent.stderr
        drained = ran(users[Role.AUDITOR], "drain", "--timeout", "90")
        assert drained.returncode == 0, drained.stderr + running.log("worker-0") + running.log("scoring")
        counted = [json.loads(line) for line in ran(users[Role.AUDITOR], "counts").stdout.splitlines()]
        assert sum(line["received"]["share"] for line in counted) == EVENTS
        refused = ran(users[Role.AUDITOR], "dlq", "list", "--json")
        assert len(refused.stdout.splitlines()) == 1, refused.stderr
        assert ran(users[Role.OPERATOR], "topics", "plan").returncode == 0
        score = ran(users[Role.AUDITOR], "score", "t:b1", "--json")
        assert json.loads(score.stdout)
        shown = "".join(map(metrics, numbers.values())) + sent.stderr + drained.stderr + refused.stdout + score.stderr
        assert "renown_" in shown
    finally:
        running.stop()
    shown += running.log("worker-0") + running.log("scoring")
    secrets = {value for env in users.values() for name, value in env.items() if name in SECRET_VARIABLES}
    assert len(secrets) >= len(SECRET_VARIABLES)
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize(
    ("user", "command", "lacks"),
    [
        (Role.PRODUCER, "scoring", f"Read on topic {TOPICS.scores.name}"),
        (Role.SCORING, "ingest", f"Write on topic {TOPICS.engagements.name}"),
        (Role.AUDITOR, "collect http --port 0", f"Write on topic {TOPICS.engagements.name}"),
        (Role.SCORING, "worker", f"Write on topic {TOPICS.users_changelog.name}"),
        (Role.SCORING, "worker", f"Read on group {TOPICS.app_id}"),
        (Role.PRODUCER, "drain", f"Describe on group {TOPICS.scoring_group}"),
        (Role.OPERATOR, "counts", f"Read on topic {TOPICS.users_changelog.name}"),
        (Role.OPERATOR, "dlq list", f"Read on topic {TOPICS.dead_letters.name}"),
        (Role.SCORING, "topics plan", f"DescribeConfigs on topic {TOPICS.credits.name}"),
        (Role.OPERATOR, "access kafka --apply", "may not create ACLs"),
    ],
)
def test_what_a_user_lacks_is_named_before_anything_runs(
    kafka: SecuredKafka, user: str, command: str, lacks: str, tmp_path: Path
) -> None:
    """Clients alone would wait for ever, or call the topic missing."""
    done = ran(as_role(kafka, user), *command.split(), *([one_event(tmp_path)] if command == "ingest" else []))
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 2, done.stdout + done.stderr
    assert last.startswith(f"renown: RENOWN_KAFKA_SASL_USER='{user}'"), last
    assert lacks in last
    assert "renown access kafka" in last or "super user" in last
    assert "Traceback" not in done.stderr
    assert SECRET.format(user) not in done.stdout + done.stderr


def test_a_worker_that_may_not_fence_does_not_start(kafka: SecuredKafka) -> None:
    """No broker tells that beforehand: the worker's own proof of fencing finds it."""
    wanted = [
        acl
        for acl in acls([(Role.WORKER, f"User:{HALF}")], TOPICS)
        if acl.grant.resource is not Resource.TRANSACTIONAL_ID
    ]
    asyncio.run(create(load({"RENOWN_BOOTSTRAP": kafka.plain, "RENOWN_PREFIX": OWN}), wanted))
    done = ran(as_role(kafka, HALF), "worker")
    assert done.returncode == 2, done.stderr
    assert "transactional id" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_broker_without_acls_says_so(stack: StackState) -> None:
    """ACLs that nobody looks at would be a false comfort."""
    done = ran({"RENOWN_BOOTSTRAP": stack.bootstrap_servers, "RENOWN_PREFIX": OWN}, "access", "kafka", "--apply")
    assert done.returncode == 1
    assert "authorizer.class.name" in done.stderr


async def test_the_broker_itself_refuses_what_is_not_in_the_table(kafka: SecuredKafka) -> None:
    """The check at the start is courtesy; these clients do without it."""
    for user, topic in (
        (Role.PRODUCER, TOPICS.scores),
        (Role.SCORING, TOPICS.engagements),
        (Role.OPERATOR, TOPICS.scores),
    ):
        assert reading(kafka, user, topic.name) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert reading(kafka, Role.AUDITOR, Topics("other").scores.name) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    for user in (Role.SCORING, Role.AUDITOR, Role.OPERATOR):
        assert writing(kafka, user, TOPICS.engagements.name) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert writing(kafka, Role.WORKER, TOPICS.commands.name) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert writing(kafka, Role.PRODUCER, TOPICS.dead_letters.name) is None
    worker = settings_of(kafka, Role.WORKER)
    foreign = FencedWriter(worker.bootstrap, "another.app", security=kafka_security(worker))
    with pytest.raises(kafka_errors.TransactionalIdAuthorizationFailed):
        await foreign.probe(TOPICS.users_changelog.name)
    await foreign.stop()


def client(kafka: SecuredKafka, user: str) -> dict[str, str]:
    """Return the settings of a client that is not ours."""
    return {
        "bootstrap.servers": kafka.login,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(kafka.ca),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": SECRET.format(user),
    }


def reading(kafka: SecuredKafka, user: str, topic: str) -> int | None:
    """Return the error code of a look and a read, None when there is none."""
    consumer = Consumer({**client(kafka, user), "group.id": "none", "enable.auto.commit": False})
    try:
        hidden = consumer.list_topics(topic, 30).topics[topic].error
        if hidden is not None:
            return int(hidden.code())
        consumer.assign([TopicPartition(topic, 0, 0)])
        while True:
            message = consumer.poll(30)
            assert message is not None
            code = message.error().code() if message.error() else None
            if code != KafkaError.GROUP_AUTHORIZATION_FAILED:  # librdkafka looks for a group that it does not use
                return code
    finally:
        consumer.close()


def writing(kafka: SecuredKafka, user: str, topic: str) -> int | None:
    """Return the error code of a write, None when there is none."""
    found: list[KafkaError | None] = []
    producer = Producer(client(kafka, user))
    producer.produce(topic, b"{}", partition=0, on_delivery=lambda error, _: found.append(error))
    producer.flush(30)
    return found[0].code() if found[0] else None

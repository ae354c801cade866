"""The table of roles: nobody has more than a role's commands use, and what is printed means the same to the servers."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from aiokafka import errors as kafka_errors
from click.testing import CliRunner

from agents.cli.main import cli
from agents.rights import kafka_acls, redis_acls
from agents.rights.kafka_check import not_permitted
from agents.scoring.writer import SCRIPT
from schemas.access import KAFKA_ROLES, REDIS_ROLES, Operation, Resource, Role, kafka_grants, redis_rights
from schemas.errors import BadSettingError
from schemas.redis_keys import RedisKeys
from schemas.topics import Topics
from streams.settings import Settings

TOPICS = Topics("p")


def able(operation: Operation, resource: Resource, name: str) -> set[Role]:
    """Return the roles that may do it."""
    return {
        role
        for role in KAFKA_ROLES
        for grant in kafka_grants(role, TOPICS)
        if operation in grant.operations and grant.resource is resource and grant.name == name
    }


def test_each_topic_is_written_by_those_that_make_its_records() -> None:
    """A role that could write scores could say of anybody what it likes."""
    written = {topic.name: able(Operation.WRITE, Resource.TOPIC, topic.name) for topic in TOPICS.all()}
    worker, both = {Role.WORKER}, {Role.WORKER, Role.PRODUCER}
    assert written == {
        TOPICS.engagements.name: both,
        TOPICS.dead_letters.name: both,
        TOPICS.credits.name: {Role.WORKER, Role.STEWARD},
        TOPICS.scores.name: worker,
        TOPICS.calibration.name: worker,
        TOPICS.users_changelog.name: worker,
        TOPICS.commands.name: {Role.STEWARD},
    }


def test_only_the_operator_makes_topics_and_only_the_auditor_reads_all() -> None:
    """Making and reading are apart from running."""
    for topic in TOPICS.all():
        assert able(Operation.CREATE, Resource.TOPIC, topic.name) == {Role.OPERATOR}
        assert Role.AUDITOR in able(Operation.READ, Resource.TOPIC, topic.name)
        assert Role.OPERATOR not in able(Operation.READ, Resource.TOPIC, topic.name)


def test_every_grant_stays_under_the_prefix() -> None:
    """Two pipelines on one cluster must not reach each other's topics, groups or fencing."""
    for role in KAFKA_ROLES:
        for grant in kafka_grants(role, TOPICS):
            assert grant.name.startswith("p.")
            assert not grant.prefixed or grant.resource is Resource.TRANSACTIONAL_ID
            assert grant.operations
    assert kafka_grants(Role.READER, TOPICS) == ()


def test_the_agent_may_do_all_that_its_script_does() -> None:
    """Redis checks each command inside a script too."""
    called = {name.lower() for name in re.findall(r"redis\.call\('(\w+)'", SCRIPT)}
    assert len(called) > 5
    assert called <= set(redis_rights(Role.SCORING, "p").commands)


@pytest.mark.parametrize("role", REDIS_ROLES)
@pytest.mark.parametrize("prefix", ["renown", "a*b", "a[b]?", "back\\slash"])
def test_patterns_match_the_own_prefix_and_no_other(role: Role, prefix: str) -> None:
    """A star in a prefix must not open every key."""
    rights, keys = redis_rights(role, prefix), RedisKeys(prefix)

    def reaches(key: str) -> bool:
        patterns = [re.sub(r"\\(.)", lambda m: f"[{m[1]}]", pattern) for pattern in rights.patterns]
        return any(fnmatchcase(key, pattern) for pattern in patterns)

    own = [keys.user("t:a"), keys.history("t:a"), keys.why("t:a"), keys.top(), keys.top("t"), keys.meta()]
    assert all(map(reaches, own))
    assert not any(map(reaches, ["other:u:t:a", f"{prefix}2:u:t:a", "aXb:u:t:a", "ab:u:t:a", f"x{keys.user('t:a')}"]))


@pytest.mark.parametrize("prefix", ["a b", 'a"b', "a'b", "a\nb", "a\tb"])
def test_a_prefix_that_would_break_the_line_is_refused(prefix: str) -> None:
    """Else what stands behind the space would be another rule."""
    with pytest.raises(BadSettingError, match="RENOWN_REDIS_PREFIX"):
        redis_rights(Role.READER, prefix)


@pytest.mark.parametrize("user", ["", "a b", "a\n+@all", 'a"', "ü"])
def test_a_user_that_would_break_the_line_is_refused(user: str) -> None:
    """A name is one word."""
    with pytest.raises(BadSettingError, match="user"):
        redis_acls.line(user, ["reset"])


def test_what_is_printed_for_kafka_survives_the_shell() -> None:
    """Names of certificates hold commas, blanks and more."""
    odd = "User:CN=a b,O='x'; rm -rf $HOME"
    for acl in kafka_acls.acls([(Role.WORKER, odd)], TOPICS):
        words = shlex.split(kafka_acls.command(acl, "h:1"))
        assert words[words.index("--allow-principal") + 1] == odd
        assert words[words.index(f"--{acl.grant.resource}") + 1] == acl.grant.name
        assert words.count("--operation") == len(acl.grant.operations)
        assert ("prefixed" in words) is acl.grant.prefixed


def invoked(*words: str) -> tuple[int, str, BaseException | None]:
    """Return exit code, output and error of `renown access …`."""
    done = CliRunner().invoke(cli, ["access", *words], env={"RENOWN_BOOTSTRAP": "h:1", "RENOWN_PREFIX": "p"})
    return done.exit_code, done.output, done.exception


def test_kafka_s_acls_come_as_json_too() -> None:
    """For those whose ACLs are kept by another tool."""
    code, output, _ = invoked("kafka", "--principal", "scoring=User:s", "--json")
    assert code == 0
    found = {(each["grant"]["resource"], each["grant"]["name"]) for each in json.loads(output)}
    assert found == {("topic", "p.scores.v1"), ("group", "p.scoring")}
    assert {each["principal"] for each in json.loads(output)} == {"User:s"}


def test_a_redis_password_appears_as_its_hash(tmp_path: Path) -> None:
    """What is printed is piped, shown and kept."""
    (tmp_path / "web").write_text("s3cret\n")
    words = ["redis", "--user", "reader=web", "--password-file", f"reader={tmp_path / 'web'}"]
    _, output, _ = invoked(*words)
    assert output.startswith(f"ACL SETUSER web reset resetchannels on #{hashlib.sha256(b's3cret').hexdigest()} ~")
    assert "s3cret" not in output
    rules = json.loads(invoked(*words, "--json")[1])[0]["rules"]
    assert output.split() == ["ACL", "SETUSER", "web", *rules]


def test_without_a_password_nobody_is_let_in() -> None:
    """The placeholder is no hash, which is 64 hexadecimal digits: Redis refuses the whole line."""
    _, output, _ = invoked("redis", "--user", "reader=web")
    assert f"#{redis_acls.NO_HASH}" in output.split()
    assert not re.fullmatch(r"[0-9a-f]{64}", redis_acls.NO_HASH)


@pytest.mark.parametrize(
    "words",
    [
        ["kafka", "--principal", "reader=User:x"],
        ["kafka", "--principal", "worker"],
        ["redis", "--user", "worker=x"],
        ["redis", "--password-file", "reader=/none"],
        ["redis", "--user", "reader=x", "--password-file", "scoring=/dev/null"],
        ["redis", "--user", "reader=x", "--password-file", "reader=/dev/null"],
    ],
    ids=" ".join,
)
def test_wrong_words_are_refused(words: list[str]) -> None:
    """With the option's name, and the roles that there are."""
    code, _, error = invoked(*words)
    assert code != 0
    assert isinstance(error, BadSettingError)
    assert error.name in words


def test_a_refusal_names_who_was_refused_and_the_remedy() -> None:
    """A user by login, else by certificate; any other error is not a refusal."""
    denied = kafka_errors.TopicAuthorizationFailedError("p.scores.v1")
    found = not_permitted(denied, Settings(bootstrap="h:1"), Role.SCORING)
    assert found is not None
    assert found.name == "RENOWN_KAFKA_SECURITY"
    assert "topic p.scores.v1" in str(found)
    assert "renown access kafka --principal scoring=" in str(found)
    named = Settings(kafka_security="SASL_PLAINTEXT", kafka_sasl_user="ann", kafka_sasl_password="x")  # noqa: S106
    assert str(not_permitted(denied, named, Role.SCORING)).startswith("RENOWN_KAFKA_SASL_USER='ann'")
    assert not_permitted(kafka_errors.KafkaConnectionError("away"), named, Role.SCORING) is None

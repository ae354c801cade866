"""No secret leaves the settings: not by repr, not by `renown config`, not by an error, a log line or a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import traceback
from contextlib import redirect_stderr
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from agents.cli.main import cli
from agents.ingest.delivery import Delivery
from deploy.local import ports
from schemas.errors import BadSettingError
from streams import logs
from streams.app import build
from streams.security import kafka_security
from streams.settings import SECRETS, Settings, load, origins, visible

IN_URL = "url-s3cret-@of:me"
SECRET = {name: f"{name:.9}-s3cret"[:16].ljust(16, "!") for name in SECRETS}
URL = f"redis://ann:{IN_URL}@127.0.0.1:1/0"
LOGIN = {"RENOWN_KAFKA_SECURITY": "SASL_PLAINTEXT", "RENOWN_KAFKA_SASL_USER": "ann"}


def environ(**other: str) -> dict[str, str]:
    """Return variables that set every secret."""
    secret = {f"RENOWN_{name.upper()}": value for name, value in SECRET.items()}
    return {"RENOWN_BOOTSTRAP": "127.0.0.1:1", "RENOWN_REDIS_URL": "redis://127.0.0.1:1/0", **LOGIN, **secret, **other}


def leaked(text: str) -> list[str]:
    """Return the secrets that stand in the text, as they are or as Python or JSON spell them."""
    return [secret for secret in (*SECRET.values(), IN_URL) if secret in text]


def test_the_secrets_tell_each_other_apart() -> None:
    """Else a leak of one could hide behind another's name, and none could be found at all."""
    assert {"kafka_sasl_password", "redis_password", "hash_key", "kafka_key_password"} <= set(SECRETS)
    assert len(set(SECRET.values())) == len(SECRETS)
    assert leaked(json.dumps(SECRET)) == list(SECRET.values())


def test_every_setting_that_sounds_like_a_secret_is_one() -> None:
    """A new password without the mark would be shown."""
    sounds = {f.name for f in fields(Settings) if f.name.endswith(("password", "secret", "token", "_key"))}
    assert sounds <= set(SECRETS)


def test_no_representation_shows_a_secret() -> None:
    """Objects end up in tracebacks and logs."""
    settings = load(environ())
    delivery = Delivery(settings.bootstrap, settings.topics, security=kafka_security(settings))
    shown = [settings, origins(environ()), delivery, build(settings).app.conf.broker_credentials]
    assert leaked("".join(map(repr, shown)) + str(settings)) == []
    assert leaked(repr(load({"RENOWN_REDIS_URL": URL})) + repr(origins({"RENOWN_REDIS_URL": URL}))) == []


@pytest.mark.parametrize(
    "url",
    [URL, "redis://:" + IN_URL + "@h/0", "rediss://h/0?password=" + IN_URL + "&db=1", "unix://a:" + IN_URL + "@/s"],
)
def test_a_url_is_shown_without_its_password(url: str) -> None:
    """Whatever form redis-py takes."""
    assert leaked(str(visible("redis_url", url))) == []


@pytest.mark.parametrize("words", [["config"], ["config", "--json"]])
@pytest.mark.parametrize("way", ["variables", "file", "secret files", "url"])
def test_config_hides_every_secret_however_it_was_given(words: list[str], way: str, tmp_path: Path) -> None:
    """It is what people paste into reports."""
    env = environ()
    secret = {f"RENOWN_{name.upper()}" for name in SECRETS}
    if way == "file":
        (tmp_path / "renown.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in SECRET.items()))
        env = {k: v for k, v in env.items() if k not in secret} | {"RENOWN_CONFIG": str(tmp_path / "renown.toml")}
    if way == "secret files":
        for name, value in SECRET.items():
            (tmp_path / name).write_text(value + "\n")
        env = {k: v for k, v in env.items() if k not in secret}
        env |= {f"RENOWN_{name.upper()}_FILE": str(tmp_path / name) for name in SECRETS}
    if way == "url":
        env = {"RENOWN_BOOTSTRAP": "h:1", "RENOWN_REDIS_URL": URL}
    done = CliRunner().invoke(cli, words, env={"RENOWN_DATA": str(tmp_path / "none"), **env})
    assert done.exit_code == 0, done.output
    assert "redis_password" in done.output
    assert leaked(done.output) == []


def wrong_settings(tmp_path: Path) -> list[dict[str, str]]:
    """Return settings that are refused, secrets among them or beside the wrong one."""
    names = [f"RENOWN_{name.upper()}" for name in SECRETS]
    file = tmp_path / "renown.toml"
    file.write_text(f'redis_pasword = "{SECRET["redis_password"]}"\n')
    return [
        environ(RENOWN_PARTITIONS="0"),
        environ(RENOWN_KAFKA_SECURITY="PLAINTEXT"),
        environ(RENOWN_KAFKA_SASL_MECHANISM="none"),
        environ(RENOWN_REDIS_URL=URL),
        environ(RENOWN_HASH_KEY=SECRET["hash_key"] + "-too-long"),
        environ(RENOWN_CONFIG=str(file)),
        *(environ(**{name[:-1]: SECRET["redis_password"]}) for name in names),
        *(environ(**{f"{name}_FILE": str(file)}) for name in names),
    ]


def test_no_refusal_repeats_a_secret(tmp_path: Path) -> None:
    """The line on standard error goes into logs; a misspelt secret is a secret too."""
    for wrong in wrong_settings(tmp_path):
        with pytest.raises(BadSettingError) as refused:
            load(wrong)
        assert leaked(str(refused.value) + "".join(traceback.format_exception(refused.value))) == []


def raised(**settings: Any) -> None:
    """Raise an error in a frame whose locals hold secrets, objects that hold them and a client's arguments."""
    loaded = load(environ(), settings)
    security, password = kafka_security(loaded), loaded.kafka_sasl_password
    raise RuntimeError(f"{len(security)} {len(password)}")


@pytest.mark.parametrize("json_lines", [False, True])
def test_a_logged_traceback_shows_no_locals(json_lines: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Pretty tracebacks print the value of every variable: ours must stay plain."""
    said, before = io.StringIO(), structlog.get_config()
    try:
        with redirect_stderr(said):
            logs.set_up(json=json_lines)
            try:
                raised()
            except RuntimeError:
                structlog.get_logger().exception("failed", settings=load(environ()))
    finally:
        structlog.configure(**before)
    assert "RuntimeError" in said.getvalue()
    assert leaked(said.getvalue()) == []


@pytest.mark.parametrize(
    "words",
    [
        ["ingest", "{file}", "--wait", "0"],
        ["score", "t:a"],
        ["drain", "--timeout", "1"],
        ["dlq", "list"],
        ["topics", "plan"],
        ["counts"],
        ["access", "kafka"],
        ["access", "kafka", "--apply"],
        ["access", "redis"],
    ],
    ids=" ".join,
)
def test_no_command_says_a_secret_when_servers_are_away(words: list[str], tmp_path: Path) -> None:
    """Libraries put what they were given into their errors; ours cut it out or never pass it on."""
    file = tmp_path / "e.jsonl"
    file.write_text("{}\n")
    port = ports.pick()
    env = environ(RENOWN_BOOTSTRAP=f"127.0.0.1:{port}", RENOWN_REDIS_URL=f"redis://127.0.0.1:{port}/0")
    env |= {k: v for k, v in os.environ.items() if not k.startswith("RENOWN_")}
    argv = [sys.executable, "-X", "dev", "-W", "ignore", "-m", "agents.cli.main"]
    argv += [word.format(file=file) for word in words]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=90)
    assert done.stdout + done.stderr
    assert leaked(done.stdout + done.stderr) == []

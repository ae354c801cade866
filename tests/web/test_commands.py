"""`renown serve` and `renown report` as commands: exit codes and words that operators and scripts rely on."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from agents.cli.report import report
from deploy.local import ports
from schemas.score import CONTRACT_VERSION
from tests.integration.pipeline import RENOWN
from tests.web.process import process, write
from tests.web.serving import DAY_MS, NOON_MS, Store, score_of

pytestmark = pytest.mark.integration


def _served(redis_url: str, prefix: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Return what became of a server that should not start."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    env |= {"RENOWN_REDIS_URL": redis_url, "RENOWN_REDIS_PREFIX": prefix, "RENOWN_DATA": str(folder)}
    env["RENOWN_BOOTSTRAP"] = f"{ports.HOST}:{ports.pick()}"
    command = [*RENOWN, "serve", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


def test_without_keys_the_network_is_not_listened_on(redis_url: str, own_prefix: str, tmp_path: Path) -> None:
    """Scores of everybody are not for whoever finds the port."""
    done = _served(redis_url, own_prefix, tmp_path, "--host", "0.0.0.0", "--port", "0")  # noqa: S104 - to be refused
    assert (done.returncode, done.stdout) == (2, "")
    assert "RENOWN_API_KEYS_FILE" in done.stderr


def test_a_port_that_is_taken_is_named(redis_url: str, own_prefix: str, tmp_path: Path) -> None:
    """The remedy is another port."""
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _served(redis_url, own_prefix, tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert f"cannot listen on {ports.HOST}:{port}" in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_store_of_a_newer_release_is_not_served(store: Store, redis_url: str, tmp_path: Path) -> None:
    """Refused at the start, by name, before anybody reads a wrong score."""
    await store.redis.hset(store.keys.meta(), "contract_version", str(CONTRACT_VERSION + 1))
    done = await asyncio.to_thread(_served, redis_url, store.keys.prefix, tmp_path, "--port", "0")
    assert done.returncode == 2
    assert f"contract version {CONTRACT_VERSION + 1}" in done.stderr


def test_callers_meet_tls_where_a_certificate_is_set(redis_url: str, own_prefix: str, tmp_path: Path) -> None:
    """Keys must not travel for everybody to read."""
    authority, pem = trustme.CA(), tmp_path / "server.pem"
    authority.issue_cert(ports.HOST).private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with process(redis_url, own_prefix, tmp_path, http_cert_file=str(pem)) as address:
        url = f"{address.replace('http', 'https', 1)}/health"
        with urllib.request.urlopen(url, context=context, timeout=20) as answer:  # noqa: S310 - our own server
            assert json.load(answer) == {"status": "ok", "redis": "up"}
        with pytest.raises(OSError, match=r"."):
            urllib.request.urlopen(f"{address}/health", timeout=20)  # noqa: S310 - our own server


def test_a_week_is_told_in_words_and_as_one_document(
    redis_url: str, own_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same report as on the page; who has no score fails the command."""
    days = [[score_of("x:a", day + 1, as_of=NOON_MS + day * DAY_MS, score=10.0 + day)] for day in range(9)]
    write(redis_url, own_prefix, *days)
    monkeypatch.setenv("RENOWN_DATA", "/nowhere/at/all")
    monkeypatch.setenv("RENOWN_BOOTSTRAP", f"{ports.HOST}:{ports.pick()}")
    monkeypatch.setenv("RENOWN_REDIS_URL", redis_url)
    monkeypatch.setenv("RENOWN_REDIS_PREFIX", own_prefix)
    run = CliRunner()
    lines = run.invoke(report, ["x:a"]).stdout.splitlines()
    assert lines[0] == "The week of x:a, 2024-10-06 to 2024-10-12"
    assert "7.0 points more than a week ago." in lines
    found = json.loads(run.invoke(report, ["x:a", "--json"]).stdout)
    assert [each["score"] for each in found["days"]] == [12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0]
    missing = run.invoke(report, ["x:nobody", "--json"])
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert "x:nobody" in missing.stderr

"""HTTP ingest as a process on a real Kafka: keys, what stands in Kafka, and what a worker listens on."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import pytest
import trustme
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import ports
from deploy.local.state import StackState
from tests.integration.pipeline import RENOWN, pipeline

pytestmark = pytest.mark.integration
GOOD = {"id": "1", "kind": "like", "actor": "x:a", "target": "x:b", "occurred_at": 5}


def _env(stack: StackState, prefix: str, **own: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RENOWN_")}
    return plain | {
        "RENOWN_BOOTSTRAP": stack.bootstrap_servers,
        "RENOWN_REDIS_URL": stack.redis_url,
        "RENOWN_PREFIX": prefix,
        "RENOWN_DATA": "/nowhere/at/all",
        **own,
    }


def _renown(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RENOWN, *arguments], env=env, capture_output=True, text=True, check=False, timeout=60)


@contextlib.contextmanager
def _collecting(env: dict[str, str], log: Path, *arguments: str, authority: trustme.CA | None = None) -> Iterator[str]:
    """Yield the address of a running `renown collect http`."""
    with log.open("wb") as out:
        process = subprocess.Popen([*RENOWN, "collect", "http", "--port", "0", *arguments], env=env, stderr=out)
    try:
        until = time.monotonic() + 60
        while "listening on " not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        url = log.read_text().partition("listening on ")[2].split()[0].replace("0.0.0.0", "127.0.0.1")  # noqa: S104
        _up(url, until, authority)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _up(url: str, until: float, authority: trustme.CA | None) -> None:
    while _status(url.rpartition("/v1/")[0] + "/health", authority=authority) != 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def _status(url: str, key: str = "", body: object = None, *, authority: trustme.CA | None = None) -> int:
    tls = ssl.create_default_context() if authority else None
    if authority and tls:
        authority.configure_trust(tls)
    content = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(url, content, headers)  # noqa: S310 - our own server
    try:
        answer: IO[Any] = urllib.request.urlopen(request, timeout=20, context=tls)  # noqa: S310 - our own server
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        answer.read()
        return int(answer.status)  # type: ignore[attr-defined]


async def _sources(stack: StackState, topic: str, partitions: int) -> list[tuple[str, tuple[tuple[str, bytes], ...]]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends, found = sum((await consumer.end_offsets(places)).values()), []
        while len(found) < ends:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(json.loads(record.value)["id"], tuple(record.headers)) for record in records]
        return sorted(found)
    finally:
        await consumer.stop()


async def test_a_key_from_its_making_to_its_end_without_a_restart(
    stack: StackState, tmp_path: Path, own_prefix: str
) -> None:
    """The whole life of a key as an operator lives it; every event in Kafka says whose it was, no log says the key."""
    env = _env(stack, own_prefix, RENOWN_API_KEYS_FILE=str(tmp_path / "keys.json"))
    assert _renown(env, "topics", "apply").returncode == 0
    assert "renown keys add" in _renown(env, "collect", "http").stderr
    blog = _renown(env, "keys", "add", "blog").stdout.strip()
    log = tmp_path / "log"
    with _collecting(env, log, "--host", "0.0.0.0") as url:  # noqa: S104
        assert [_status(url, key, GOOD) for key in ("", "nonsense", blog[:-1] + "x", blog)] == [401, 401, 401, 202]
        forum = _renown(env, "keys", "add", "forum").stdout.strip()
        assert _status(url, forum, GOOD | {"id": "2"}) == 202
        rotated = _renown(env, "keys", "rotate", "blog", "--grace", "1h").stdout.strip()
        assert [_status(url, key, GOOD | {"id": "3"}) for key in (blog, rotated)] == [202, 202]
        assert _renown(env, "keys", "revoke", "blog").returncode == 0
        assert [_status(url, key, GOOD) for key in (blog, rotated, forum)] == [401, 401, 202]
    found = await _sources(stack, f"{own_prefix}.engagements.v1", 8)
    blogs, forums = (("source", b"blog"),), (("source", b"forum"),)
    assert found == [("1", blogs), ("1", forums), ("2", forums), ("3", blogs), ("3", blogs)]
    text = log.read_text()
    assert "unencrypted" in text
    assert all(key[16:] not in text for key in (blog, forum, rotated))
    assert "Bearer" not in text


def test_without_keys_only_loopback_is_listened_on(stack: StackState, tmp_path: Path, own_prefix: str) -> None:
    """What starts must be safe; what is not must name the remedy."""
    env = _env(stack, own_prefix)
    refused = _renown(env, "collect", "http", "--port", "0", "--host", "0.0.0.0")  # noqa: S104
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "RENOWN_API_KEYS_FILE" in refused.stderr
    assert "renown keys add" in refused.stderr
    assert _renown(env, "topics", "apply").returncode == 0
    with _collecting(env, tmp_path / "log") as url:
        assert url.startswith("http://127.0.0.1:")
        assert _status(url, body=GOOD) == 202


def test_over_tls_a_key_is_taken_and_plain_http_is_not(stack: StackState, tmp_path: Path, own_prefix: str) -> None:
    """On a network a key is as secret as the connection it travels on."""
    authority, stranger = trustme.CA(), trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    env = _env(stack, own_prefix, RENOWN_API_KEYS_FILE=str(tmp_path / "keys.json"), RENOWN_HTTP_CERT_FILE=str(pem))
    assert _renown(env, "topics", "apply").returncode == 0
    key = _renown(env, "keys", "add", "blog").stdout.strip()
    with _collecting(env, tmp_path / "log", "--host", "0.0.0.0", authority=authority) as url:  # noqa: S104
        assert url.startswith("https://")
        assert _status(url, key, GOOD, authority=authority) == 202
        with pytest.raises(urllib.error.URLError, match="certificate verify failed"):
            _status(url, key, GOOD, authority=stranger)
        with pytest.raises((urllib.error.URLError, ConnectionError, http.client.HTTPException)):
            _status(url.replace("https", "http"), key, GOOD)
    assert "unencrypted" not in (tmp_path / "log").read_text()


def _listening(process: psutil.Process) -> set[tuple[str, int]]:
    everyone = [process, *process.children(recursive=True)]
    found = [each for one in everyone for each in one.net_connections("inet")]
    return {(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN}


def test_a_worker_opens_no_port_but_the_one_asked_for(stack: StackState, tmp_path: Path, own_prefix: str) -> None:
    """Faust brings a web server that shows tables to anybody: it must be off, and metrics stay on this machine."""
    port = ports.pick()
    with pipeline(stack, tmp_path, own_prefix, workers=0) as running:
        running.start("worker-0", also={"RENOWN_METRICS_PORT": str(port)})
        running.wait_ready("worker-0")
        found = {name: _listening(psutil.Process(each.pid)) for name, each in running.processes.items()}
    assert found == {"worker-0": {("127.0.0.1", port)}, "scoring": set()}

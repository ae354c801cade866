"""TLS in front of a real Redis, and its ACL users as our own command writes them."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import trustme

from deploy.local import ports
from deploy.local.redis import find

RENOWN = (sys.executable, "-m", "agents.cli.main")


@dataclass(frozen=True)
class SecuredRedis:
    """The way in by TLS, the plain one, and the files that trust the first and do not."""

    tls_url: str
    plain_url: str
    ca: Path
    other_ca: Path


@contextlib.contextmanager
def secured_redis(plain_port: int, folder: Path) -> Iterator[SecuredRedis]:
    """Yield the Redis at `plain_port` behind TLS."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "redis-ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "redis-other.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(ports.HOST).configure_cert(context)
    with _proxy(plain_port, context) as port:
        tls, plain = f"rediss://{ports.HOST}:{port}/0", f"redis://{ports.HOST}:{plain_port}/0"
        yield SecuredRedis(tls, plain, folder / "redis-ca.pem", folder / "redis-other.pem")


@contextlib.contextmanager
def _proxy(target: int, context: ssl.SSLContext) -> Iterator[int]:
    """Run a proxy that ends TLS in a thread of its own and yield its port."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda r, w: _relay(r, w, target), ports.HOST, 0, ssl=context)
    )
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _ended(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: int) -> None:
    near, far = await asyncio.open_connection(ports.HOST, target)
    await asyncio.gather(_copied(reader, far), _copied(near, writer))


async def _copied(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await source.read(65_536):
            sink.write(part)
            await sink.drain()
    sink.close()
    with contextlib.suppress(OSError):
        await sink.wait_closed()


def make_users(plain_url: str, prefix: str, passwords: Mapping[str, str], folder: Path) -> None:
    """Make one user per role, named after prefix and role, by what `renown access redis` prints."""
    words = []
    for role, password in passwords.items():
        file = folder / f"{role}.password"
        file.write_text(password + "\n")
        words += ["--user", f"{role}={prefix}-{role}", "--password-file", f"{role}={file}"]
    env = {"RENOWN_BOOTSTRAP": "unused:1", "RENOWN_REDIS_PREFIX": prefix}
    printed = subprocess.run([*RENOWN, "access", "redis", *words], env=env, capture_output=True, text=True, check=True)
    assert not any(password in printed.stdout for password in passwords.values())
    cli = find().path.with_name("redis-cli")
    done = subprocess.run([cli, "-u", plain_url], input=printed.stdout, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["OK"] * len(passwords), done.stdout

"""Kafka's jars on this machine: each one checked against `kafka.lock`, those missing fetched first.

They are kept outside the data folder, so that a second stack downloads nothing. A file enters the cache by
one rename after its sum was checked; an interrupted
set-up therefore goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.errors import VALUE_LIMIT, ChecksumMismatchError, PartFailedError
from deploy.local.filelock import held
from deploy.local.lockfile import LockedJar, kafka_version, locked_jars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy.local.progress import Advance, Report

CONNECTIONS = 8
ATTEMPTS = 3
TIMEOUT_S = 60
SCRATCH = ".part-"


def cache_root() -> Path:
    """RENOWN_CACHE, else `renown` in XDG_CACHE_HOME, else `~/.cache/renown`."""
    if own := os.environ.get("RENOWN_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "renown"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, jar: LockedJar) -> None:
    """Return when the file is the locked jar; ChecksumMismatchError when it is not."""
    found = sha256_of(path)
    if found != jar.sha256:
        raise ChecksumMismatchError(path, found, jar.sha256)


def ensure(report: Report, jars: tuple[LockedJar, ...] | None = None) -> tuple[Path, ...]:
    """Paths of all locked jars, each present and checked now; fetches those that are missing.

    Only these files belong on the class path: a stray jar in the cache folder is never loaded.
    """
    jars = locked_jars() if jars is None else jars
    folder = cache_root() / f"kafka-{kafka_version(jars)}"
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder / ".lock", report, "another set-up to finish downloading Kafka"):
        for left in folder.glob(f"{SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        present = [jar for jar in jars if (folder / jar.file_name).exists()]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda jar: check(folder / jar.file_name, jar), present))
        if missing := sorted(set(jars) - set(present)):
            fetch(missing, folder, report)
    return tuple(folder / jar.file_name for jar in jars)


def fetch(jars: Iterable[LockedJar], folder: Path, report: Report) -> None:
    """Download the jars side by side, the largest first, and move each into `folder` once it is checked."""
    ordered = sorted(jars, key=lambda jar: -jar.size)
    total = sum(jar.size for jar in ordered)
    what = f"Kafka, {len(ordered)} jar{'s' if len(ordered) > 1 else ''}"
    with (
        report.download(what, total) as advance,
        ThreadPoolExecutor(CONNECTIONS) as pool,
    ):
        list(pool.map(lambda jar: fetch_one(jar, folder, advance), ordered))


def fetch_one(jar: LockedJar, folder: Path, advance: Advance) -> None:
    """One jar, tried up to three times; PartFailedError when the network refuses it."""
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            with scratch(folder) as work:
                arrived = download(jar, work, advance)
                check(arrived, jar)
                arrived.replace(folder / jar.file_name)
        except ChecksumMismatchError:
            raise
        except (OSError, RuntimeError) as error:
            # The cause of a failed connection stands at the end of a long account of the attempt.
            reason = str(error)[-VALUE_LIMIT:]
        else:
            return
    remedy = "check the network and run `renown up` again; jars that arrived are kept"
    raise PartFailedError(f"{jar.file_name} could not be downloaded", reason, remedy)


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Return a folder beside the cache on the same file system, so that the last step is a rename."""
    work = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def download(jar: LockedJar, work: Path, advance: Advance) -> Path:
    """Fetch the jar by its coordinate alone, without reading any POM; the path it arrived at."""
    # Takes half a second to import, and is needed once per machine.
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def counted(_name: str, _size: int) -> Iterator[Advance]:
        yield advance

    resolver = PythonResolver(progress_callback=counted)
    context = MavenContext(
        resolver=resolver,
        repo_cache=work,
        local_repos=[],
        remote_repos={"central": MAVEN_CENTRAL_URL},
        timeout=TIMEOUT_S,
    )
    return context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()

"""Writes `kafka.lock` anew: `python -m deploy.local.resolve`, after a version below was changed.

kafka-clients is named at the broker's version because a resolver that does not read dependency management
picks an older one; the log4j core and its slf4j binding are named because Kafka's own POM leaves them out.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Dependency, MavenContext, PythonResolver
from jgo.parse import Endpoint

from deploy.local.lockfile import LOCK_PATH, LockedJar

KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.24.3"
COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J_VERSION}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}",
)
HEADER = "# SHA-256, size in bytes, coordinate. Written by `python -m deploy.local.resolve`.\n"


def resolved(cache: Path) -> list[Dependency]:
    """Return the named coordinates and what they need at run time, downloaded into `cache`."""
    repos = {"central": MAVEN_CENTRAL_URL}
    context = MavenContext(PythonResolver(), repo_cache=cache, local_repos=[], remote_repos=repos, timeout=60)
    named = Endpoint.parse("+".join(COORDINATES)).coordinates
    wanted = [context.create_dependency(replace(one, scope=one.scope or "compile")) for one in named]
    inputs, transitive = context.resolver.resolve(wanted)
    return [*inputs, *(one for one in transitive if one.scope in {"compile", "runtime"})]


def locked(dependency: Dependency) -> LockedJar:
    """Return the dependency's jar with the size and sum of the bytes that were just downloaded."""
    content = dependency.artifact.resolve().read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    return LockedJar(dependency.groupId, dependency.artifactId, dependency.version, len(content), sha256)


def main() -> None:
    """Resolve, download, and overwrite the lock file."""
    with tempfile.TemporaryDirectory() as cache:
        jars = sorted({locked(one) for one in resolved(Path(cache))})
    LOCK_PATH.write_text(HEADER + "".join(f"{jar.line()}\n" for jar in jars), encoding="utf-8")
    sys.stderr.write(f"{len(jars)} jars, {sum(jar.size for jar in jars)} bytes\n")


if __name__ == "__main__":
    main()

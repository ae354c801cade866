"""The list of jars that a broker may be started from."""

import pytest

from deploy.local.errors import StackError
from deploy.local.lockfile import kafka_version, locked_jars, parse

GOOD = "ab" * 32 + "  1234  org.example:thing:1.0"


def test_broker_and_clients_are_locked_at_one_version() -> None:
    """A resolver that ignores dependency management pairs a new broker with old clients: no start."""
    jars = locked_jars()
    clients = [jar.version for jar in jars if jar.artifact == "kafka-clients"]
    assert clients == [kafka_version(jars)]


def test_what_kafka_needs_but_does_not_name_is_locked() -> None:
    """Without a logging back end the broker starts mute, and a failure leaves no trace."""
    assert {"log4j-core", "log4j-slf4j-impl"} <= {jar.artifact for jar in locked_jars()}


def test_no_file_is_locked_twice() -> None:
    """Two sums for one file name could never both hold."""
    names = [jar.file_name for jar in locked_jars()]
    assert len(names) == len(set(names))


def test_a_written_line_reads_back_as_the_same_jar() -> None:
    """The lock is written by one command and read by another."""
    jars = locked_jars()
    assert parse("\n".join(jar.line() for jar in jars)) == jars


@pytest.mark.parametrize(
    "line",
    [
        "1234  org.example:thing:1.0",
        "  1234  org.example:thing:1.0",
        "ab" * 31 + "  1234  org.example:thing:1.0",
        "ab" * 32 + "  0  org.example:thing:1.0",
        "ab" * 32 + "  1234  org.example:../thing",
    ],
)
def test_a_line_without_a_whole_checksum_is_refused_by_number(line: str) -> None:
    """A jar nobody vouches for must not slip in through a damaged list."""
    with pytest.raises(StackError, match="line 3 has no checksum"):
        parse(f"# comment\n{GOOD}\n{line}\n")

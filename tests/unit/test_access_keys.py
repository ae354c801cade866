"""Keys at rest: what is kept opens nothing, and a change is whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from agents.access.bucket import Bucket, Buckets
from agents.access.changes import KeyNameError, add, named, revoke, rotate
from agents.access.door import gate_of, is_loopback, tls_of
from agents.access.gate import KeyGate, OpenGate
from agents.access.key import Key, Purpose, digest_of, id_in, is_text_of, new_key
from agents.access.key_file import MOST_KEYS, KeyFileError, changing, read
from agents.cli.main import cli
from schemas.errors import BadSettingError
from streams.settings import Settings


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keys will lie."""
    return tmp_path / "keys.json"


def _added(path: Path, name: str = "blog") -> str:
    with changing(path) as found:
        return add(found, name, Purpose.INGEST, now_s=1.0)[1]


def test_the_file_holds_no_key_and_only_its_owner_reads_it(path: Path) -> None:
    """A backup or a stray reader must not be able to send."""
    old_mask = os.umask(0)
    try:
        text = _added(path)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert text[16:] not in path.read_text()
    assert digest_of(text) in path.read_text()
    (key,) = read(path)[0].values()
    assert (id_in(text), is_text_of(text, key)) == (key.id, True)


@pytest.mark.parametrize("mode", [0o604, 0o660, 0o620, 0o666])
def test_a_file_that_others_could_change_or_read_is_refused(path: Path, mode: int) -> None:
    """Whoever can write the file can let themselves in."""
    _added(path)
    path.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read(path)


def test_a_failed_change_leaves_the_file_as_it_was(path: Path) -> None:
    """Half a key file would lock everybody out."""
    _added(path)
    before = path.read_bytes()

    def half() -> None:
        with changing(path) as found:
            revoke(found, "blog")
            revoke(found, "nobody")

    with pytest.raises(KeyNameError):
        half()
    assert path.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version":2,"keys":[]}', '{"version":1,"keys":[{}]}', '{"version":1,"keys":[],"more":1}', "\xff"],
)
def test_a_damaged_file_lets_nobody_in(path: Path, text: str) -> None:
    """Guessing what a torn line meant is how revoked keys come back."""
    path.write_bytes(text.encode("latin-1"))
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="restore it"):
        read(path)


@pytest.mark.parametrize("name", ["", "open", "-x", ".", "a b", "A", "x" * 41, "é", "a\n", 'a"', "../a", "a:b"])
def test_names_that_could_pass_for_something_else_are_refused(name: str) -> None:
    """A name is a label and a source: it must read as what it is."""
    with pytest.raises(KeyNameError, match="1 to 40"):
        add({}, name, Purpose.INGEST, now_s=1.0)


def test_a_second_key_of_a_name_needs_a_rotation() -> None:
    """Two keys that never end under one name are one too many to keep track of."""
    keys: dict[str, Key] = {}
    add(keys, "blog", Purpose.INGEST, now_s=1.0, rate=7.0)
    with pytest.raises(KeyNameError, match="rotate"):
        add(keys, "blog", Purpose.INGEST, now_s=1.0)
    new, _ = rotate(keys, "blog", now_s=10.0, grace_s=5.0)
    newer, _ = rotate(keys, "blog", now_s=11.0, grace_s=100.0)
    assert sorted(key.not_after or 0.0 for key in named(keys, "blog")) == [0.0, 15.0, 111.0]
    assert (new.rate, newer.rate) == (7.0, 7.0)
    last, _ = rotate(keys, "blog", now_s=15.0, grace_s=0.0)
    assert named(keys, "blog") == [last]


def test_a_file_of_too_many_keys_is_refused(path: Path) -> None:
    """Every name is a time series."""
    keys = [new_key(f"n{number}", Purpose.INGEST, now_s=1.0)[0] for number in range(MOST_KEYS + 1)]

    def filled(count: int) -> None:
        with changing(path) as found:
            found |= {key.id: key for key in keys[:count]}

    with pytest.raises(KeyFileError, match=f"more than {MOST_KEYS}"):
        filled(MOST_KEYS + 1)
    assert not path.exists()
    filled(MOST_KEYS)
    assert len(read(path)[0]) == MOST_KEYS


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1", "2001:db8::1", "no-such-host.invalid"])  # noqa: S104
def test_without_keys_the_network_is_refused(host: str) -> None:
    """The dangerous mistake is the one that works at once."""
    with pytest.raises(BadSettingError, match=r"RENOWN_API_KEYS_FILE.*renown keys add NAME"):
        gate_of(Settings(), host, 1_000.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_keys_this_machine_is_let_in(host: str, path: Path) -> None:
    """Trying it out needs no key; with a file of keys loopback needs one, too."""
    assert is_loopback(host)
    assert isinstance(gate_of(Settings(), host, 1_000.0), OpenGate)
    _added(path)
    assert isinstance(gate_of(Settings(api_keys_file=str(path)), host, 1_000.0), KeyGate)


def test_a_named_file_that_is_not_there_does_not_mean_open(path: Path) -> None:
    """A lost mount must not open the door."""
    with pytest.raises(KeyFileError, match="renown keys add"):
        gate_of(Settings(api_keys_file=str(path)), "127.0.0.1", 1_000.0)


@pytest.mark.parametrize("content", [None, "", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"])
def test_a_certificate_that_does_not_serve_is_named(tmp_path: Path, content: str | None) -> None:
    """Falling back to plain HTTP would send every key in the clear."""
    pem = tmp_path / "server.pem"
    if content is not None:
        pem.write_text(content)
    with pytest.raises(BadSettingError, match="RENOWN_HTTP_CERT_FILE"):
        tls_of(Settings(http_cert_file=str(pem)))
    with pytest.raises(BadSettingError, match="RENOWN_HTTP_CERT_FILE, which is not set"):
        tls_of(Settings(http_key_file=str(pem)))
    assert tls_of(Settings()) is None


@given(
    rate=st.floats(0.01, 1e5), burst_s=st.floats(0.1, 60),
    steps=st.lists(st.tuples(st.floats(0, 100), st.integers(1, 1_000)), min_size=1, max_size=60),
)  # fmt: skip
def test_nobody_sends_more_than_burst_and_rate_allow(
    rate: float, burst_s: float, steps: list[tuple[float, int]]
) -> None:
    """Over any time at most burst + rate x time + one batch goes through, and waiting as told is enough."""
    now_s, taken, burst = 0.0, 0, max(1.0, rate * burst_s)
    bucket = Buckets().of("n", rate, rate * burst_s, now_s)
    for pause_s, items in steps:
        now_s += pause_s
        if bucket.take(items, now_s):
            taken += items
        else:
            now_s += bucket.wait_s(now_s)
            assert bucket.take(items, now_s)
            taken += items
        assert taken <= (burst + rate * now_s + items) * 1.001 + 1.0


def test_names_do_not_share_and_do_not_grow_without_bound() -> None:
    """A bucket that is forgotten comes back full: only the least used may be."""
    buckets = Buckets(most=2)
    first = buckets.of("a", 1.0, 5.0, 0.0)
    assert isinstance(first, Bucket)
    assert first.take(5, 0.0)
    assert buckets.of("b", 1.0, 5.0, 0.0).level == 5.0
    assert buckets.of("a", 1.0, 5.0, 0.0) is first
    buckets.of("c", 1.0, 5.0, 0.0)
    assert buckets.of("a", 2.0, 5.0, 0.0).rate == 2.0
    assert len(buckets._buckets) == 2


def _renown(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments], env={"RENOWN_API_KEYS_FILE": str(path)})


def test_the_commands_show_a_key_once_and_never_again(path: Path) -> None:
    """What a script stores is the key alone; what a list shows opens nothing."""
    added = _renown(path, "add", "blog", "--rate", "50")
    text = added.stdout.strip()
    assert id_in(text)
    rotated = json.loads(_renown(path, "rotate", "blog", "--grace", "2h", "--json").stdout)
    assert id_in(rotated["key"]) == rotated["id"]
    listed = _renown(path, "list", "--json")
    rows = json.loads(listed.stdout)
    assert [(row["name"], row["rate"], row["state"], row["ends"] is None) for row in rows] == [
        ("blog", 50.0, "valid", False),
        ("blog", 50.0, "valid", True),
    ]
    for output in (listed.output, _renown(path, "list").output):
        assert text[16:] not in output
        assert rotated["key"][16:] not in output
    assert json.loads(_renown(path, "revoke", "blog", "--json").stdout)["revoked"] == [row["id"] for row in rows]
    assert read(path)[0] == {}


@pytest.mark.parametrize("grace", ["1", "h", "-1h", "1w", "1.5h", "9999999d"])
def test_a_grace_that_is_no_duration_is_refused(path: Path, grace: str) -> None:
    """A unit guessed wrong locks a sender out."""
    _renown(path, "add", "blog")
    assert _renown(path, "rotate", "blog", "--grace", grace).exit_code == 2


def test_without_a_file_named_the_setting_is_asked_for() -> None:
    """Where keys lie is the operator's decision."""
    found = CliRunner().invoke(cli, ["keys", "list"], env={"RENOWN_API_KEYS_FILE": None})
    assert isinstance(found.exception, BadSettingError)
    assert "RENOWN_API_KEYS_FILE" in str(found.exception)

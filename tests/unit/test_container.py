"""The image's recipe: what can be told without an engine that builds it."""

from __future__ import annotations

import importlib.util
import os
import re
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from agents.cli.main import COMMANDS
from deploy.container.health import STALE_AFTER_S, trouble
from streams import kernel_cache
from streams.settings import PREFIX, load
from tests.containerfile import CONTAINERFILE, PROJECT, environment, final_stage, health_check, instructions, removed

HOST = re.compile(r"\b(?:https?://|[a-z0-9-]+\.(?:io|org|com|dev|net|cloud)\b(?:/|:\d)|--(?:extra-)?index-url)")


def test_the_user_is_a_number_and_not_root() -> None:
    """A cluster that forbids root can tell from a number only."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final_stage()["USER"].rest)


def test_bases_are_pinned_by_version_and_digest() -> None:
    """A tag alone is another image tomorrow."""
    bases = [each.rest.split()[0] for each in instructions() if each.word == "FROM"]
    assert len(bases) == 2
    for base in bases:
        assert re.fullmatch(r"python:3\.1[12]\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}", base)
    assert "latest" not in CONTAINERFILE.read_text()


def test_no_index_and_no_registry_is_named() -> None:
    """Whoever builds decides where packages and images come from."""
    lines = [f"{each.word} {each.rest}" for each in instructions()]
    assert [line for line in lines if HOST.search(line)] == []


def test_every_package_is_checked_against_its_hash() -> None:
    """What was not locked must not get in."""
    installs = [each.rest for each in instructions() if "pip install" in each.rest]
    assert [each for each in installs if "--require-hashes" not in each and "--no-deps --no-build" not in each] == []
    assert any(each.endswith("--requirement requirements.lock") for each in installs)
    assert all("==" not in each for each in installs)


def test_nothing_that_the_build_copies_is_ignored() -> None:
    """The list of what a build may see forgets easily."""
    shown = {line.removeprefix("!") for line in (PROJECT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    copied = [word for each in instructions() if each.word == "COPY" for word in each.words()[:-1]]
    assert {word for word in copied if not word.startswith("/")} == shown
    assert all((PROJECT / name).exists() for name in shown)


def test_it_stops_by_sigterm_and_says_how_it_is() -> None:
    """A shell in between would keep the signal to itself."""
    last = final_stage()
    assert last["STOPSIGNAL"].rest == "SIGTERM"
    assert last["ENTRYPOINT"].rest == '["renown"]'
    assert last["CMD"].words()[0] in COMMANDS
    python, _, module, service = health_check()
    assert (python, service) == ("python", "worker")
    assert importlib.util.find_spec(module) is not None


def test_every_command_named_in_it_exists() -> None:
    """Comments are read by operators, too."""
    named = re.findall(r"`renown ([a-z]+)|renown:[\d.]+ ([a-z]+)$", CONTAINERFILE.read_text(), re.MULTILINE)
    assert len(named) >= 4
    assert {one or other for one, other in named} <= COMMANDS.keys()


def test_its_settings_are_known_and_hold_no_secret() -> None:
    """Layers can be read by everybody who can pull them."""
    own = {name: value for name, value in environment().items() if name.startswith(PREFIX)}
    load(own)
    declared = [each.rest for each in instructions() if each.word in {"ENV", "ARG"}]
    assert [each for each in declared if re.search("PASSWORD|SECRET|TOKEN|HASH_KEY|_KEY=", each)] == []


def test_kernels_are_compiled_as_they_will_be_looked_for() -> None:
    """Another processor's name, place or source folder and every start compiles for half a minute."""
    found = instructions()
    warm = next(number for number, each in enumerate(found) if "agents.warm" in each.rest)
    before = [each for each in found[:warm] if each.word in {"ENV", "WORKDIR"}]
    assert [each.rest for each in before if each.word == "WORKDIR"][-1] == "/"
    built = dict(pair.split("=", 1) for each in before if each.word == "ENV" for pair in each.words())
    for name in ("NUMBA_CPU_NAME", "RENOWN_CACHE"):
        assert built[name] == environment()[name]
    assert "/src" not in {word for each in found if each.word == "ENV" for word in each.words()}


def test_what_is_taken_out_was_locked() -> None:
    """A misspelt name would stay in."""
    locked = (PROJECT / "requirements.lock").read_text()
    assert [name for name in removed() if f"\n{name}==" not in locked] == []


class TestKernels:
    """Where compiled kernels are read from."""

    @pytest.fixture
    def held(self, tmp_path: Path) -> Path:
        """Return a folder with the two files of one kernel."""
        folder = tmp_path / "image" / "model_0"
        folder.mkdir(parents=True)
        for ending in ("nbi", "1.nbc"):
            (folder / f"decay.mass-1.py311.{ending}").write_text(ending)
        return folder.parent

    @pytest.fixture
    def refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Be a user who may read all and write only here."""
        own = tmp_path / "tmp"
        own.mkdir()
        monkeypatch.setattr(kernel_cache.tempfile, "tempdir", str(own))
        monkeypatch.setattr(kernel_cache.os, "access", lambda path, mode: mode != os.W_OK and Path(path).exists())
        return own

    def test_a_folder_of_our_own_is_used_as_it_is(self, held: Path, tmp_path: Path) -> None:
        """Outside a container nothing changes, on the first start neither."""
        assert kernel_cache.usable(held) == held
        assert kernel_cache.usable(tmp_path / "not yet") == tmp_path / "not yet"

    def test_kernels_that_may_only_be_read_are_read_through_links(self, held: Path, refused: Path) -> None:
        """The compiler passes over a folder that it cannot write to; into this one it can."""
        found = kernel_cache.usable(held)
        assert found.parent == refused
        assert found.stat().st_mode & 0o077 == 0
        names = {path.relative_to(held) for path in held.rglob("*.nb?")}
        assert {path.relative_to(found) for path in found.rglob("*.nb?")} == names
        assert all((found / name).resolve() == held / name for name in names)

    def test_without_any_place_to_write_look_ups_still_work(
        self, held: Path, refused: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They want no kernel; only who wants one is refused."""

        def nowhere(**_: str) -> str:
            raise FileNotFoundError(f"instead of {refused}")

        monkeypatch.setattr(kernel_cache.tempfile, "mkdtemp", nowhere)
        assert kernel_cache.usable(held) == held


class TestHealth:
    """What an orchestrator restarts a container for."""

    def test_a_worker_is_well_while_its_file_is_fresh(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A hanging worker leaves its file behind."""
        file = tmp_path / "ready"
        monkeypatch.setenv("RENOWN_READY_FILE", str(file))
        assert "not ready" in trouble("worker")
        file.write_text("1")
        assert trouble("worker") == ""
        long_ago = time.time() - STALE_AFTER_S - 5
        os.utime(file, (long_ago, long_ago))
        assert "hangs" in trouble("worker")

    def test_a_worker_that_recovers_is_alive_and_one_that_hangs_is_not(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Recovery has no file, or one of the process before; only a file of its own that gets old tells of a hang."""
        file = tmp_path / "ready"
        monkeypatch.setenv("RENOWN_READY_FILE", str(file))
        assert trouble("worker-alive") == ""
        file.write_text(str(os.getpid()))
        assert trouble("worker-alive") == ""
        monkeypatch.setattr("deploy.container.health.STALE_AFTER_S", 0.1)
        time.sleep(0.2)
        assert "hangs" in trouble("worker-alive")
        long_ago = time.time() - 86_400 * 365
        os.utime(file, (long_ago, long_ago))
        assert trouble("worker-alive") == "", "written before this process began"
        file.write_text("999999999")
        assert trouble("worker-alive") == ""

    def test_a_service_is_well_while_it_answers(self) -> None:
        """503 is an answer, and not a good one."""

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/good" else 503)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Keep quiet."""

        with HTTPServer(("127.0.0.1", 0), Answer) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            assert trouble(f"{url}/good") == ""
            assert "503" in trouble(f"{url}/bad")
            server.shutdown()
        assert "refused" in trouble(f"{url}/good")

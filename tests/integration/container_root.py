"""A process under a container's conditions without an engine: own root that nobody can write, no rights, PID 1.

Given are what Linux gives an engine, too: namespaces of mounts and processes, a root made of read-only bind mounts
(the system, this Python, the project, the compiled kernels), a small /tmp in memory without programs, the image's
user, no capabilities and none to be had. Not given: the image's own files and layers, cgroups, seccomp, its network.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.containerfile import PROJECT, environment, final_stage, removed

DEVICES = ("null", "zero", "full", "random", "urandom")
PROGRAMS = ("unshare", "nsenter", "setpriv", "chroot", "mount")
NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--propagation", "private")
STEPS_LIMIT_S = 20.0
SHOWN = tuple(dict.fromkeys(["/usr", "/etc", sys.base_prefix, sys.prefix, str(PROJECT)]))
"""Folders of this machine that the container sees at their places."""


def missing() -> str:
    """Return why no container's conditions can be made here, empty when they can."""
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"programs are missing: {', '.join(absent)}"
    argv = [*NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    tried = subprocess.run(argv, capture_output=True, check=False)
    return "" if tried.returncode == 0 else "mounting in a namespace of one's own takes root's rights"


def in_image() -> dict[str, str]:
    """Return the image's environment; kernels are those that this machine has compiled, for its own processor."""
    found = environment() | {"HOME": "/"}
    del found["NUMBA_CPU_NAME"]
    return found | {"PATH": found["PATH"].replace("/opt/renown/bin", f"{sys.prefix}/bin").replace("$PATH", os.defpath)}


def unprivileged() -> list[str]:
    """Return the words that take every right from the command after them."""
    user, _, group = final_stage()["USER"].rest.partition(":")
    ids = ["--reuid", user, "--regid", group, "--clear-groups"]
    return ["setpriv", *ids, "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]


@dataclass(frozen=True)
class Container:
    """A running process under a container's conditions; `pid` is its number outside."""

    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Return the number of the container's first process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        until = time.monotonic() + STEPS_LIMIT_S
        while not (found := children.read_text().split()):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < until, self.said()
            time.sleep(0.01)
        return int(found[0])

    @property
    def root(self) -> Path:
        """Return its root as seen from outside."""
        return Path(f"/proc/{self.pid}/root")

    def end(self) -> None:
        """Kill whatever still runs; the first process takes all others of its namespace with it."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait(STEPS_LIMIT_S)

    def said(self) -> str:
        """Return what it has written to its outputs."""
        return self.log.read_text(errors="replace")

    def status(self) -> dict[str, str]:
        """Return /proc/PID/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def may_write(self) -> set[str]:
        """Return where writable mounts are."""
        lines = Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()
        mounts = [line.split() for line in lines]
        return {words[4] for words in mounts if "rw" in words[5].split(",")}

    def written(self) -> set[Path]:
        """Return every file and link that is in /tmp, the only place it can write to."""
        found, tmp = set[Path](), self.root / "tmp"
        for folder, folders, names in os.walk(tmp):
            place = Path("/tmp") / Path(folder).relative_to(tmp)
            folders[:] = [name for name in folders if str(place / name) not in SHOWN]
            links = [name for name in folders if Path(folder, name).is_symlink()]
            found |= {Path(folder, name).relative_to(tmp) for name in (*names, *links)}
        return found

    def run(self, *command: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command beside it, as a health check is run."""
        inside = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd"]
        argv = [*inside, *unprivileged(), *command]
        return subprocess.run(argv, env=dict(env), capture_output=True, text=True, check=False, timeout=STEPS_LIMIT_S)


def start(
    folder: Path, name: str, words: Iterable[str], env: Mapping[str, str], files: Mapping[str, Path]
) -> Container:
    """Start the image's entry point with `words`; `files` are put, read-only, at the places that name them."""
    root, log = folder / f"{name}.root", folder / f"{name}.log"
    root.mkdir()
    command = shlex.join([*unprivileged(), *final_stage()["ENTRYPOINT"].words(), *words])
    script = "\n".join([*_made(root, files), f"exec chroot {root} {command}"])
    with log.open("wb") as out:
        own = dict(env) | {"PATH": f"{env['PATH']}:/usr/sbin:/sbin"}
        process = subprocess.Popen([*NAMESPACES, "sh", "-euc", script], env=own, stdout=out, stderr=out, cwd="/")
    return Container(process, log)


def _made(root: Path, files: Mapping[str, Path]) -> list[str]:
    """Return the shell's lines that make the root."""
    kernels = Path(os.environ["NUMBA_CACHE_DIR"])
    held = f"{environment()['RENOWN_CACHE']}/renown/kernels/{kernels.name}"
    lines = [f"mount -t tmpfs -o mode=755 tmpfs {root}", f"mkdir {root}/proc {root}/tmp"]
    # First, because the project itself may lie below /tmp and must be seen there.
    lines += [f"mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size=64m tmpfs {root}/tmp"]
    lines += [_link(root, Path(name)) for name in ("/bin", "/sbin", "/lib", "/lib64") if Path(name).exists()]
    lines += [_bound(root, Path(name), name, "mkdir -p") for name in SHOWN]
    lines += [_bound(root, kernels, held, "mkdir -p")]
    lines += [_bound(root, path, name, "touch") for name, path in files.items()]
    lines += [_bound(root, Path("/dev") / name, f"/dev/{name}", "touch") for name in DEVICES]
    packages = Path(os.__file__).parent.name
    gone = [Path(sys.prefix) / "lib" / packages / "site-packages" / name for name in removed()]
    lines += [f"mount -t tmpfs -o ro tmpfs {root}{path}" for path in gone if path.is_dir()]
    lines += [f"mount -t proc -o ro proc {root}/proc"]
    return [*lines, f"mount -o remount,ro {root}"]


def _link(root: Path, path: Path) -> str:
    if path.is_symlink():
        return f"ln -s {path.readlink()} {root}{path}"
    return _bound(root, path, str(path), "mkdir -p")


def _bound(root: Path, source: Path, place: str, make: str) -> str:
    """Return the line that shows `source` at `place`, read-only."""
    at = f"{root}{place}"
    return (
        f"mkdir -p {Path(at).parent}; [ -e {at} ] || {make} {at}; mount --bind {source} {at}"
        f"; mount -o remount,bind,ro {at}"
    )

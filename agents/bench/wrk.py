"""wrk, a load generator that anybody can get, and what it has measured."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agents.bench.errors import BenchError

SCRIPT: Final = """
local paths = {%(paths)s}
local at = 0
function request()
  at = at + 1
  return wrk.format("GET", paths[(at * 7919) %% #paths + 1])
end
%(delay)s
function done(summary, latency)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('\\n{"requests":%%d,"failed":%%d,"us":%%d,"p50_us":%%d,"p99_us":%%d}\\n',
    summary.requests, failed, summary.duration, latency:percentile(50), latency:percentile(99)))
end
"""
DELAY: Final = "function delay() return math.random(0, %d) end"


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of wrk has measured; latencies in milliseconds, as its connections saw them."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Return the answers a second."""
        return self.requests / self.seconds


def require() -> str:
    """Return wrk's path; raise BenchError when it is not there."""
    found = shutil.which("wrk")
    if found is None:
        raise BenchError("wrk is not on PATH; install it (`apt install wrk`), it makes the load")
    return found


def load(address: str, paths: Sequence[str], seconds: float, connections: int, rate: float | None = None) -> Load:
    """Return what reading `paths` for so long has measured: as fast as answers come, or at about `rate` a second.

    At a rate every connection pauses between two requests for a random time, so that they come evenly mixed.
    Raises BenchError when any answer was no success.
    """
    pause_ms = 0 if rate is None else round(2000 * connections / rate)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_script(paths, pause_ms))
        script.flush()
        argv = [require(), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", script.name, address]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return measured(done.stdout, done.stderr)


def measured(out: str, complaint: str = "") -> Load:
    """Return what wrk's output says; raise BenchError when it says nothing, or that requests failed."""
    last = out.rstrip().rpartition("\n")[2]
    if not last.startswith("{"):
        raise BenchError(f"wrk has measured nothing: {(complaint or out).strip()[-200:]}")
    found = json.loads(last)
    if found["failed"]:
        raise BenchError(f"{found['failed']} of {found['requests']} requests failed; such a speed means nothing")
    return Load(found["requests"], found["us"] / 1e6, found["p50_us"] / 1e3, found["p99_us"] / 1e3)


def _script(paths: Sequence[str], pause_ms: int) -> str:
    return SCRIPT % {"paths": ",".join(map(json.dumps, paths)), "delay": DELAY % pause_ms if pause_ms else ""}

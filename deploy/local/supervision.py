"""Services as the stack sees them: started under a supervisor each, waited for, stopped together."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.local import process
from deploy.local.errors import PartFailedError
from deploy.local.services import DATA_VARIABLE, Service, environment
from deploy.local.state import ServiceState, StackState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

READY_LIMIT_S = 120.0
# Longer than the supervisor itself waits for its service before it kills it.
STOP_LIMIT_S = 40.0
POLL_S = 0.05
SUPERVISE = (sys.executable, "-m", "deploy.local.supervise")


@dataclass(frozen=True, slots=True)
class Supervision:
    """The supervised services of one data folder."""

    data_dir: Path

    def log(self, name: str) -> Path:
        """Return the log of a service and its supervisor."""
        return self.data_dir / "logs" / f"{name}.log"

    def pid_file(self, name: str) -> Path:
        """Return the file that holds the pid of the service's own process while there is one."""
        return self.data_dir / "run" / f"{name}.pid"

    def service_pid(self, name: str) -> int | None:
        """Return the pid of the service's own process; None while it is down."""
        try:
            pid = int(self.pid_file(name).read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        return pid if process.identify(pid) is not None else None

    def start(self, service: Service, state: StackState) -> ServiceState:
        """Return the service under a new supervisor, not yet ready."""
        pid_file = self.pid_file(service.name)
        pid_file.parent.mkdir(parents=True, exist_ok=True)
        pid_file.unlink(missing_ok=True)
        argv = (*SUPERVISE, "--name", service.name, "--pid-file", str(pid_file), "--", *service.argv)
        supervisor = process.start(argv, self.log(service.name), environment(service, state))
        if supervisor is None:
            raise self._failed(service.name, "ended at once")
        return ServiceState(service.name, supervisor)

    def wait_ready(self, service: Service, state: StackState) -> None:
        """Return once the service runs and is ready; PartFailedError when it is not in time."""
        supervisor = next(one.process for one in state.services if one.name == service.name)
        deadline = time.monotonic() + READY_LIMIT_S
        while time.monotonic() < deadline:
            if self.is_ready(service, state):
                return
            if not process.is_alive(supervisor):
                raise self._failed(service.name, "ended by itself")
            time.sleep(POLL_S)
        raise self._failed(service.name, f"was not ready after {READY_LIMIT_S:.0f} s")

    def is_ready(self, service: Service, state: StackState) -> bool:
        """Whether the service's own process runs and has taken up its work."""
        runs = self.service_pid(service.name) is not None
        return runs and (service.ready is None or service.ready(state))

    def stop(self, services: Iterable[ServiceState]) -> list[str]:
        """Stop the services side by side, and what a killed supervisor left; the names that ran until now."""
        chosen = list(services)
        with ThreadPoolExecutor(max(1, len(chosen))) as pool:
            return [name for name in pool.map(self._stop_one, chosen) if name]

    def _stop_one(self, service: ServiceState) -> str:
        ran = process.stop(service.process, STOP_LIMIT_S)
        orphans = process.kill_orphans(service.process, DATA_VARIABLE, str(self.data_dir))
        self.pid_file(service.name).unlink(missing_ok=True)
        return service.name if ran or orphans else ""

    def _failed(self, name: str, how: str) -> PartFailedError:
        log = self.log(name)
        remedy = f"read {log}, then run `renown up` again"
        return PartFailedError(f"{name} {how}", process.last_words(log), remedy)

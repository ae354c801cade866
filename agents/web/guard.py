"""What stands around every reading operation: time taken, Redis away, records of a newer release, damaged ones."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web
from redis.exceptions import RedisError

from agents.http.faults import Fault
from agents.http.problems import Handler, ProblemError
from agents.lookup.reader import Reader
from agents.web.metrics import WebMetrics
from agents.web.operations import DEPARTURES
from schemas.errors import BadSettingError, BrokenGuaranteeError

CONTRACT_S: Final = 1.0
"""A newer release may take over Redis while we run: how long we may not notice."""
RETRY_AFTER_S: Final = 2
log = structlog.get_logger()


@dataclass(slots=True)
class Contract:
    """Whether what Redis holds is of a contract that we read, as known for at most CONTRACT_S."""

    reader: Reader
    now_s: Callable[[], float] = time.monotonic
    _holds_until_s: float = field(default=float("-inf"), init=False)

    async def require(self) -> None:
        """Raise BadSettingError when a newer release has filled Redis."""
        now_s = self.now_s()
        if now_s < self._holds_until_s:
            return
        await self.reader.require_contract()
        self._holds_until_s = now_s + CONTRACT_S

    def forget(self) -> None:
        """Ask again at the next request: Redis may be another one when it comes back."""
        self._holds_until_s = float("-inf")


@dataclass(slots=True)
class Outage:
    """Told once when Redis goes and once when it comes back: every request would say the same."""

    is_on: bool = False

    def begins(self, error: Exception) -> None:
        """Take note of a failed read."""
        if not self.is_on:
            log.warning("redis cannot be read", error=f"{error!s:.200}")
        self.is_on = True

    def ends(self) -> None:
        """Take note of a read that succeeded."""
        if self.is_on:
            log.warning("redis is read again")
        self.is_on = False


def guarded(contract: Contract) -> Callable[[Handler], Handler]:
    """Return what turns a reading operation into one whose failures are problems."""
    outage = Outage()

    def around(operation: Handler) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            try:
                await contract.require()
                outage.ends()
                return await operation(request)
            except (RedisError, OSError) as error:
                outage.begins(error)
                contract.forget()
                detail, again = "scores cannot be read now; ask again later", {"Retry-After": str(RETRY_AFTER_S)}
                raise _unavailable(Fault.REDIS_AWAY, detail, again) from error
            except BadSettingError as error:
                raise _unavailable(Fault.NEWER, str(error), {}) from error
            except BrokenGuaranteeError as error:
                log.error("damaged record", error=str(error))  # noqa: TRY400 - the text says all
                raise ProblemError(HTTPStatus.INTERNAL_SERVER_ERROR, Fault.DAMAGED, str(error)) from error

        return handler

    return around


def timed(metrics: WebMetrics) -> Any:
    """Return a middleware that counts requests by status and takes their time, but of those that wait by nature."""

    @web.middleware
    async def timing(request: web.Request, handler: Callable[..., Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        started, status, is_whole = time.perf_counter(), HTTPStatus.INTERNAL_SERVER_ERROR.value, True
        try:
            response = await handler(request)
            status = response.status
            is_whole = isinstance(response, web.Response) and request.path != DEPARTURES
        finally:
            metrics.answered(status, time.perf_counter() - started if is_whole else None)
        return response

    return timing


def _unavailable(fault: Fault, detail: str, headers: dict[str, str]) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, fault, detail, headers=headers)

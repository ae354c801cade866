"""What stands before a request's items are looked at: keys, rates, sizes and patience."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from aiohttp import web

from agents.access.gate import Caller, ForeignPageError, Gate
from agents.access.key import Purpose
from agents.access.key_file import KeyFileError
from agents.access.ring import KeyRefusedError
from agents.http.encodings import BadEncodingError, DamagedError, TooLargeError, inflated
from agents.http.faults import Fault
from agents.http.problems import ProblemError

MOST_BODIES: Final = 32
"""Bodies in memory at once, of all callers: each may take twice the largest body."""
HEALTH_S: Final = 1.0
RETRY_AFTER_S: Final = 2
NO_KEY: Final = "send a valid key as `Authorization: Bearer rk_…`"


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in what they count; `request_limit_s` holds for a request's headers and again for its body."""

    max_body_bytes: int = 8 * 1024 * 1024
    max_batch: int = 1_000
    request_limit_s: float = 30.0


@dataclass(slots=True)
class Reception:
    """Lets callers in through `gate` and reads what they send within `limits`; raises ProblemError."""

    gate: Gate
    limits: Limits
    _bodies: int = field(default=0, init=False)

    def caller(self, request: web.Request, purpose: Purpose) -> Caller:
        """Return who asks. Whatever is wrong with a key, the answer is the same."""
        try:
            return self.gate.caller(request.headers, purpose)
        except KeyRefusedError as error:
            asks = {"WWW-Authenticate": "Bearer"}
            raise ProblemError(HTTPStatus.UNAUTHORIZED, error.cause, NO_KEY, headers=asks) from error
        except ForeignPageError as error:
            detail = "web pages may not send here; RENOWN_API_KEYS_FILE lets their servers in"
            raise ProblemError(HTTPStatus.FORBIDDEN, Fault.BROWSER, detail) from error
        except KeyFileError as error:
            detail, again = "keys cannot be checked now; send the same again later", {"Retry-After": str(RETRY_AFTER_S)}
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, Fault.KEYS_UNREADABLE, detail, headers=again) from error

    async def body(self, request: web.Request, caller: Caller) -> bytes:
        """Return the body, inflated; a caller over its rate is turned away before anything is read."""
        if caller.wait_s():
            raise self._over_rate(caller)
        if (request.content_length or 0) > self.limits.max_body_bytes:
            raise self._too_large(caller)
        if self._bodies >= MOST_BODIES:
            again = {"Retry-After": str(RETRY_AFTER_S)}
            raise _problem(caller, HTTPStatus.SERVICE_UNAVAILABLE, Fault.BUSY, "busy; send the same again later", again)
        self._bodies += 1
        try:
            sent = await self._sent(request, caller)
            return self._inflated(sent, request.headers.get("Content-Encoding", ""), caller)
        finally:
            self._bodies -= 1

    def charge(self, caller: Caller, items: int) -> None:
        """Take the items off what the caller may send."""
        if not caller.take(items):
            raise self._over_rate(caller)

    async def _sent(self, request: web.Request, caller: Caller) -> bytes:
        try:
            async with asyncio.timeout(self.limits.request_limit_s):
                return await request.read()
        except TimeoutError as error:
            detail = f"the body did not arrive within {self.limits.request_limit_s:g} s; send it in parts"
            raise _problem(caller, HTTPStatus.REQUEST_TIMEOUT, Fault.SLOW, detail, closes=True) from error
        except web.HTTPRequestEntityTooLarge as error:
            raise self._too_large(caller) from error
        except (web.RequestPayloadError, ConnectionError) as error:
            detail = "the body did not arrive whole"
            raise _problem(caller, HTTPStatus.BAD_REQUEST, Fault.TORN, detail, closes=True) from error

    def _inflated(self, sent: bytes, encoding: str, caller: Caller) -> bytes:
        try:
            return inflated(sent, encoding, self.limits.max_body_bytes)
        except BadEncodingError as error:
            status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
            raise _problem(caller, status, Fault.ENCODING, str(error), {"Accept-Encoding": "gzip, deflate"}) from error
        except DamagedError as error:
            raise _problem(caller, HTTPStatus.BAD_REQUEST, Fault.BAD_BODY, str(error)) from error
        except TooLargeError as error:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            raise _problem(caller, status, Fault.TOO_LARGE, str(error)) from error

    def _too_large(self, caller: Caller) -> ProblemError:
        detail = f"the body is larger than {self.limits.max_body_bytes} bytes; send it in parts"
        return _problem(caller, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Fault.TOO_LARGE, detail)

    def _over_rate(self, caller: Caller) -> ProblemError:
        wait_s = max(1, caller.wait_s())
        detail = f"more than this key's rate allows; send the same again in {wait_s} s"
        return _problem(caller, HTTPStatus.TOO_MANY_REQUESTS, Fault.RATE, detail, {"Retry-After": str(wait_s)})


@dataclass(slots=True)
class Health:
    """A server's state, asked at most once in HEALTH_S: strangers may ask for it and must not make us busy."""

    probe: Callable[[], Awaitable[bool]]
    now_s: Callable[[], float] = time.monotonic
    _asked_at: float = field(default=float("-inf"), init=False)
    _is_up: bool = field(default=False, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def is_up(self) -> bool:
        """Return whether it serves, as known for at most HEALTH_S."""
        async with self._lock:
            if self.now_s() - self._asked_at >= HEALTH_S:
                self._is_up = await self.probe()
                self._asked_at = self.now_s()
            return self._is_up


def _problem(
    caller: Caller,
    status: HTTPStatus,
    reason: Fault,
    detail: str,
    headers: dict[str, str] | None = None,
    *,
    closes: bool = False,
) -> ProblemError:
    return ProblemError(status, reason, detail, name=caller.name, headers=headers, closes=closes)

"""What changes something: only for stewards, a few at once, followed until it is obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from agents.access.gate import Caller, OpenGate
from agents.access.key import Cause, Purpose
from agents.departures import PUBLISH_S
from agents.http.admission import RETRY_AFTER_S, Reception
from agents.http.faults import Fault
from agents.http.problems import ProblemError
from agents.web.following import Following
from schemas.errors import BadSettingError
from streams.settings import Settings

MOST_AT_ONCE: Final = 8
"""Commands on their way to Kafka: each has a connection of its own."""
NO_KEYS: Final = "{what} need a key, and this server has none: RENOWN_API_KEYS_FILE names the file of keys"
AGAIN: Final = {"Retry-After": str(RETRY_AFTER_S)}
log = structlog.get_logger()


@dataclass(slots=True)
class Stewardship:
    """Commands go to Kafka, `following` sees them obeyed."""

    settings: Settings
    reception: Reception
    following: Following
    _under_way: int = field(default=0, init=False)

    async def end(self, _app: web.Application) -> None:
        """Let go of who waits: the server stops."""
        await self.following.end()

    def steward(self, request: web.Request, what: str) -> Caller:
        """Return who asks for `what`. A gate that lets in every program of this machine lets nobody in here."""
        if isinstance(self.reception.gate, OpenGate):
            raise ProblemError(HTTPStatus.FORBIDDEN, Cause.MISSING, NO_KEYS.format(what=what))
        return self.reception.caller(request, Purpose.STEWARD)

    async def published(self, caller: Caller, publish: Callable[[], Awaitable[int]]) -> int:
        """Return the offset of the command that `publish` appends; raise ProblemError when it does not stand."""
        if self._under_way >= MOST_AT_ONCE:
            raise _unavailable(caller, Fault.BUSY, "busy; send the same again later")
        self._under_way += 1
        try:
            async with asyncio.timeout(PUBLISH_S):
                return await publish()
        except (KafkaError, BadSettingError, OSError) as error:
            # The error may name servers and users of ours: they are the operator's to read.
            log.warning("command not taken", error=f"{error!s:.200}", by=caller.name)
            detail = "Kafka has not taken the command; send the same again later, it may come twice"
            raise _unavailable(caller, Fault.KAFKA_AWAY, detail) from error
        finally:
            self._under_way -= 1


def accepted(document: msgspec.Struct) -> web.Response:
    """Return the answer for a command that stands."""
    return web.Response(
        status=HTTPStatus.ACCEPTED,
        body=msgspec.json.encode(document),
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _unavailable(caller: Caller, fault: Fault, detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, fault, detail, name=caller.name, headers=AGAIN)

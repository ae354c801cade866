"""`POST /v1/departures`: what `renown opt-out`, `opt-in` and `forget` do, for who holds a steward's key."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import msgspec
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from agents.access.gate import Caller, OpenGate
from agents.access.key import Cause, Purpose
from agents.departures import PUBLISH_S, publish
from agents.http.admission import RETRY_AFTER_S, Reception
from agents.http.faults import Fault
from agents.http.problems import ProblemError
from agents.web import queries
from agents.web.answers import Asked
from agents.web.following import Following
from schemas.errors import BadSettingError
from streams.settings import Settings

MOST_AT_ONCE: Final = 8
"""Commands on their way to Kafka: each has a connection of its own."""
BODY: Final = '{"user": "network:id", "command": "opt_out"}, or opt_in, or forget'
NO_KEYS: Final = "departures need a key, and this server has none: RENOWN_API_KEYS_FILE names the file of keys"
AGAIN: Final = {"Retry-After": str(RETRY_AFTER_S)}
log = structlog.get_logger()


@dataclass(slots=True)
class Departures:
    """The one handler that changes something: commands go to Kafka, `following` sees them obeyed."""

    settings: Settings
    reception: Reception
    following: Following
    _under_way: int = field(default=0, init=False)

    async def depart(self, request: web.Request) -> web.Response:
        """Answer once the command stands, or at most `wait` seconds later once it is obeyed."""
        caller = self._steward(request)
        wait_s = queries.asked(request, queries.DepartureQuery).wait
        body = queries.sent(await self.reception.body(request, caller), queries.DepartureBody, BODY)
        user = queries.valid_user(body.user)
        self.reception.charge(caller, 1)
        offset = await self._published(body, user, caller)
        self.following.follow(offset)
        is_obeyed = await self.following.has_seen(offset, wait_s)
        return web.Response(
            status=HTTPStatus.ACCEPTED,
            body=msgspec.json.encode(Asked(user, body.command, offset, is_obeyed)),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    async def end(self, _app: web.Application) -> None:
        """Let go of who waits: the server stops."""
        await self.following.end()

    def _steward(self, request: web.Request) -> Caller:
        """Return who asks. A gate that lets in every program of this machine lets nobody in here."""
        if isinstance(self.reception.gate, OpenGate):
            raise ProblemError(HTTPStatus.FORBIDDEN, Cause.MISSING, NO_KEYS)
        return self.reception.caller(request, Purpose.STEWARD)

    async def _published(self, body: queries.DepartureBody, user: str, caller: Caller) -> int:
        if self._under_way >= MOST_AT_ONCE:
            raise _unavailable(caller, Fault.BUSY, "busy; send the same again later")
        self._under_way += 1
        try:
            async with asyncio.timeout(PUBLISH_S):
                return await publish(self.settings, body.command, user, caller.name)
        except (KafkaError, BadSettingError, OSError) as error:
            # The error may name servers and users of ours: they are the operator's to read.
            log.warning("departure not taken", error=f"{error!s:.200}", by=caller.name)
            detail = "Kafka has not taken the command; send the same again later, it may come twice"
            raise _unavailable(caller, Fault.KAFKA_AWAY, detail) from error
        finally:
            self._under_way -= 1


def _unavailable(caller: Caller, fault: Fault, detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, fault, detail, name=caller.name, headers=AGAIN)

"""`POST /v1/departures`: what `renown opt-out`, `opt-in` and `forget` do, for who holds a steward's key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from agents.departures import publish
from agents.web import queries
from agents.web.answers import Asked
from agents.web.stewardship import Stewardship, accepted

BODY: Final = '{"user": "network:id", "command": "opt_out"}, or opt_in, or forget'


@dataclass(frozen=True, slots=True)
class Departures:
    """Handler of departures."""

    desk: Stewardship

    async def depart(self, request: web.Request) -> web.Response:
        """Answer once the command stands, or at most `wait` seconds later once it is obeyed."""
        caller = self.desk.steward(request, "departures")
        wait_s = queries.asked(request, queries.CommandQuery).wait
        body = queries.sent(await self.desk.reception.body(request, caller), queries.DepartureBody, BODY)
        user = queries.valid_user(body.user)
        self.desk.reception.charge(caller, 1)
        offset = await self.desk.published(caller, lambda: publish(self.desk.settings, body.command, user, caller.name))
        self.desk.following.follow(offset)
        is_obeyed = await self.desk.following.has_seen(offset, wait_s)
        return accepted(Asked(user, body.command, offset, is_obeyed))

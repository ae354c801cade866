"""`POST /v1/links`: what `renown link` and `unlink` do, for who holds a steward's key."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from agents.http.faults import Fault
from agents.http.problems import ProblemError
from agents.links import LinkRefusedError, publish
from agents.web import queries
from agents.web.answers import Linked
from agents.web.stewardship import Stewardship, accepted

BODY: Final = '{"account": "network:id", "person": "network:id"}, or person null to unlink'


@dataclass(frozen=True, slots=True)
class Links:
    """Handler of links."""

    desk: Stewardship

    async def link(self, request: web.Request) -> web.Response:
        """Answer once the command stands, or at most `wait` seconds later once it is obeyed."""
        caller = self.desk.steward(request, "links")
        wait_s = queries.asked(request, queries.CommandQuery).wait
        body = queries.sent(await self.desk.reception.body(request, caller), queries.LinkBody, BODY)
        account = queries.valid_user(body.account)
        person = None if body.person is None else queries.valid_user(body.person)
        self.desk.reception.charge(caller, 1)
        try:
            offset = await self.desk.published(
                caller, lambda: publish(self.desk.settings, account, person, caller.name)
            )
        except LinkRefusedError as error:
            raise ProblemError(HTTPStatus.CONFLICT, Fault.LINK_REFUSED, str(error), name=caller.name) from error
        self.desk.following.follow(offset, joins=True)
        is_obeyed = await self.desk.following.has_seen(offset, wait_s)
        return accepted(Linked(account, person, offset, is_obeyed))

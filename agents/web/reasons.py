"""Why a score is what it is, over HTTP: explanations and weekly reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from agents.lookup.explanation import ExplanationDocument, explained
from agents.lookup.origins import Origins
from agents.lookup.week import report_of
from agents.web import queries
from agents.web.conditional import answer
from agents.web.scores import Scores, unknown
from streams.model.parameters import Parameters


@dataclass(slots=True)
class Reasons:
    """Handlers beside `scores`; `formulas` are known by the name that scores bear."""

    scores: Scores
    origins: Origins
    formulas: Mapping[str, Parameters]

    async def explanation(self, request: web.Request) -> web.Response:
        """Answer with a user's score and its reasons."""
        return answer(request, await self._explained(request), self.scores.cache_control)

    async def week(self, request: web.Request) -> web.Response:
        """Answer with a user's last seven days."""
        explanation = await self._explained(request)
        history = await self.scores.reader.history(explanation.user)
        return answer(request, report_of(explanation, history), self.scores.cache_control)

    async def _explained(self, request: web.Request) -> ExplanationDocument:
        queries.asked(request, queries.NoQuery)
        self.scores.admit(request, 1)
        user = queries.user_in_path(request)
        score = await self.scores.reader.score(user)
        if score is None:
            unknown()
        moments = await self.scores.reader.moments(user)
        acts = await self.origins.acts(moments)
        return explained(score, moments, acts, self.formulas.get(score.model))

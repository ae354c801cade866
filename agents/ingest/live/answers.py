"""What a server's answer says of when to come again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

import aiohttp

from agents.ingest.live.contract import FeedError
from schemas.errors import BadSettingError
from streams.clock import wall_ms


def asked_s(headers: Mapping[str, str]) -> float:
    """Return how long the server asks us to stay away: Retry-After, or until its limit begins anew; 0 = not at all."""
    after = headers.get("Retry-After", "")
    if after.isascii() and after.isdecimal():
        return float(after)
    try:
        reset = datetime.fromisoformat(headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return 0.0
    return max(0.0, reset.timestamp() - wall_ms() / 1000) if reset.tzinfo else 0.0


def checked(answer: aiohttp.ClientResponse, token_option: str) -> None:
    """Raise BadSettingError when the token is not good, FeedError for any other answer than 200."""
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        remedy = f"{answer.url.host} answers {answer.status} at {answer.url.path}; make a token that may read"
        raise BadSettingError(token_option, "…", remedy)
    if answer.status != HTTPStatus.OK:
        raise FeedError(f"{answer.url.path} answers {answer.status}", asked_s(answer.headers))

"""Answers that a caller need not be sent again: ETag, If-None-Match, Cache-Control."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web

MAX_AGE_S: Final = 1
"""A user's score changes at most once a second."""
_ENCODER: Final = msgspec.json.Encoder()
_TAG_BYTES: Final = 12


def tag_of(body: bytes) -> str:
    """Return the entity tag of a body: equal bodies, equal tags, over restarts and between servers."""
    return f'"{hashlib.blake2b(body, digest_size=_TAG_BYTES).hexdigest()}"'


def answer(request: web.Request, document: Any, cache_control: str) -> web.Response:
    """Return the document as JSON, or 304 without a body when the caller has it."""
    return fresh(request, _ENCODER.encode(document), "application/json", {"Cache-Control": cache_control})


def fresh(request: web.Request, body: bytes, content_type: str, headers: dict[str, str]) -> web.Response:
    """Return the body with its tag, or 304 when the caller's If-None-Match names it."""
    tag = tag_of(body)
    headers["ETag"] = tag
    known = request.headers.get("If-None-Match")
    if known is not None and _names(known, tag):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Type"] = content_type
    return web.Response(body=body, headers=headers)


def _names(header: str, tag: str) -> bool:
    r"""Return whether the header names the tag, weakly compared as RFC 9110 wants it.

    >>> _names('W/"a", "b"', '"a"'), _names("*", '"a"'), _names('"ab"', '"a"')
    (True, True, False)
    """
    return header.strip() == "*" or any(each.strip().removeprefix("W/") == tag for each in header.split(","))

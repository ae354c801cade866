"""What services ask before they post: proof that the address is ours.

| handshake | asks                                                | is answered with                                   |
|-----------|-----------------------------------------------------|----------------------------------------------------|
| hub       | GET hub.mode=subscribe, hub.verify_token, hub.challenge | the challenge, when the token is ours          |
| crc       | GET crc_token                                       | {"response_token": "sha256=" + HMAC of it, base64} |
| slack     | signed POST {"type": "url_verification"}            | {"challenge": …}                                   |
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from agents.ingest.live.inbox import Answer

MOST_CHARS: Final = 512
_TOKEN: Final = re.compile(r"[A-Za-z0-9_=.+/-]{1,512}")
"""What may be echoed or signed for anybody: neither a page nor JSON."""
Asked = Callable[[Mapping[str, str]], Answer | None]


class _Verification(msgspec.Struct):
    type: str
    challenge: str


def by_query(handshake: str, secrets: Sequence[bytes], tokens: Sequence[bytes]) -> Asked | None:
    """Return what answers a GET by its query, None = nothing does; the answer is None for a stranger's."""
    if handshake == "hub":
        return lambda query: _hub(tokens, query)
    if handshake == "crc":
        return lambda query: _crc(secrets[0], query)
    return None


def by_body(handshake: str) -> Callable[[bytes], Answer | None] | None:
    """Return what answers an authentic POST by itself, None for one that is to be taken."""
    return _url_verification if handshake == "slack" else None


def _hub(tokens: Sequence[bytes], query: Mapping[str, str]) -> Answer | None:
    given, challenge = query.get("hub.verify_token", "").encode("utf-8", "replace"), query.get("hub.challenge", "")
    known = any([hmac.compare_digest(given, each) for each in tokens])  # noqa: C419 - all are compared, always
    if not known or query.get("hub.mode") != "subscribe" or not _TOKEN.fullmatch(challenge):
        return None
    return Answer(challenge.encode(), "text/plain")


def _crc(secret: bytes, query: Mapping[str, str]) -> Answer | None:
    """Return the answer; none to what could be a body, for this would sign it: bodies are signed in the same way."""
    token = query.get("crc_token", "")
    if not _TOKEN.fullmatch(token):
        return None
    digest = base64.b64encode(hmac.digest(secret, token.encode(), "sha256")).decode()
    return Answer(msgspec.json.encode({"response_token": f"sha256={digest}"}), "application/json")


def _url_verification(body: bytes) -> Answer | None:
    try:
        found = msgspec.json.decode(body, type=_Verification)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if found.type != "url_verification":
        return None
    return Answer(msgspec.json.encode({"challenge": found.challenge[:MOST_CHARS]}), "application/json")

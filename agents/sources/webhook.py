"""Any service's webhooks by mappings: Discourse, Slack, WordPress, Meta, X, or yours (see `mapping/example.toml`).

Every mapping listens on its own path of one port. A frame is led by a line that says by which mapping, and with which
headers and values, it is read; the instant of its arrival too, where the mapping asks for it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import ClassVar, Final

import msgspec

from agents.ingest.live.contract import Frame, Memory, Reading, argument, option
from agents.ingest.live.inbox import Desk, Inbox
from agents.ingest.live.secret import secrets
from agents.ingest.mapping import form, handshakes
from agents.ingest.mapping.payloads import HEAD, Head, outcomes_of
from agents.ingest.outcomes import Ready, Refused
from schemas.errors import BadRecordError, BadSettingError, shown
from schemas.reasons import Reason
from streams.clock import wall_ms

MOST_BYTES: Final = 4 * 1024 * 1024
UNSIGNED: Final = b"unsigned"


@dataclass(frozen=True)
class Webhook:
    """Webhooks of any service by a mapping: discourse, slack, wordpress, meta, x, or a TOML file of yours."""

    example: ClassVar[str] = (
        "renown collect webhook slack mine.toml --secret-file slack=slack.key --secret-file mine=key"
    )
    mapping: tuple[str, ...] = argument("Mappings: names of shipped ones, or TOML files.")
    secret_file: tuple[str, ...] = option((), "MAPPING=FILE with the secret that the service signs with.")
    token_file: tuple[str, ...] = option((), "MAPPING=FILE with the verify token, where the service asks for one.")
    value: tuple[str, ...] = option((), "NAME=VALUE, a value of the mappings' [values].")
    listen: str = option("127.0.0.1", "Address to listen on; put a TLS proxy before it.")
    port: int = option(8087, "Port to listen on.", at_least=1)

    @property
    def feed(self) -> str:
        """Return the mappings: collectors of others may run beside."""
        return " ".join(sorted(each.name for each in self._mappings()))

    async def frames(self, cursor: str | None, attempt: int) -> AsyncGenerator[Frame, None]:  # noqa: ARG002 - none kept
        """Yield every authentic post, led by its head."""
        desks = [self._desk(each) for each in self._mappings()]
        async for frame in Inbox(self.listen, self.port, MOST_BYTES, desks).frames():
            yield frame

    def read(self, raw: bytes, memory: Memory) -> Reading:  # noqa: ARG002 - an undo says itself what it takes back
        """Return the engagements of one post, each accepted or refused by itself."""
        if raw == UNSIGNED:
            detail = "a post without a valid signature; set the service's secret to the one in --secret-file"
            return Reading([Refused(BadRecordError(Reason.BAD_SIGNATURE, detail), 0, raw)])
        lead, _, body = raw.partition(b"\n")
        try:
            head = HEAD.decode(lead)
            outcomes = list(outcomes_of(self._mapping(head.mapping), head, body, raw))
        except (msgspec.MsgspecError, UnicodeDecodeError, BadSettingError) as error:
            return Reading([Refused(BadRecordError(Reason.UNDECODABLE, f"{shown(lead)}: {error}"), 0, raw)])
        happened = [each.act.occurred_at_ms for each in outcomes if isinstance(each, Ready)]
        return Reading(outcomes, at_ms=max(happened, default=None))

    def _mappings(self) -> list[form.Mapping]:
        found = {mapping.name: mapping for mapping in map(form.load, self.mapping)}
        paths = {each.form.receive.path for each in found.values()}
        if not len(found) == len(paths) == len(self.mapping):
            raise BadSettingError("MAPPING", " ".join(self.mapping), "each needs a name and a path of its own")
        return list(found.values())

    def _mapping(self, name: str) -> form.Mapping:
        """Return the mapping that a frame was taken by; BadSettingError when it is neither given nor shipped."""
        return next((each for each in self._mappings() if each.name == name), None) or form.load(name)

    def _desk(self, mapping: form.Mapping) -> Desk:
        receive, name = mapping.form.receive, mapping.name
        known = secrets(f"--secret-file {name}=", _pairs("--secret-file", self.secret_file).get(name, ""))
        tokens = _pairs("--token-file", self.token_file).get(name, "")
        asks = receive.handshake == "hub"
        return Desk(
            receive.path,
            partial(_framed, mapping, known, mapping.form.values | _pairs("--value", self.value)),
            UNSIGNED,
            HTTPStatus.OK,
            handshakes.by_body(receive.handshake),
            handshakes.by_query(receive.handshake, known, secrets(f"--token-file {name}=", tokens) if asks else []),
        )


SOURCE = Webhook


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs; BadSettingError for one without a name."""
    found = dict(each.partition("=")[::2] for each in given)
    if wrong := [each for each in given if not each.partition("=")[1]]:
        raise BadSettingError(option, wrong[0], "send NAME=VALUE")
    return found


def _framed(
    mapping: form.Mapping, known: Sequence[bytes], values: dict[str, str], headers: Mapping[str, str], body: bytes
) -> bytes | None:
    """Return the frame of an authentic post; the signature is over the bytes of the body as they came."""
    now_ms = wall_ms()
    if not mapping.form.signature.holds(known, headers, body, now_ms / 1000):
        return None
    kept = {name.lower(): headers[name] for name in mapping.form.receive.headers if name in headers}
    head = Head(mapping.name, kept, values, now_ms if mapping.uses_arrival else None)
    try:
        lead = msgspec.json.encode(head)
    except UnicodeEncodeError:
        lead = msgspec.json.encode(Head(mapping.name, {}, values, head.received_at))
    return lead + b"\n" + body

"""The collector of webhooks: who is let in, what proves who we are, and what each service is answered."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from agents.ingest.live.contract import Forgetful
from agents.ingest.mapping import form
from agents.ingest.mapping.signatures import Signature
from agents.ingest.outcomes import Refused
from agents.sources.webhook import UNSIGNED, Webhook, _framed
from deploy.local import ports
from schemas.errors import BadSettingError
from schemas.reasons import Reason
from tests.sources.feeds.webhook import SECRETS, TOKEN, slack_headers, x_headers

TOKEN_OF_X = "MTY0.-_"  # noqa: S105 - opens nothing
BODY = b'{"a": "\\u0000"}'


@pytest.fixture
def source(tmp_path: Path) -> Webhook:
    """Give a collector of Slack, X and Meta."""
    files = {name: tmp_path / name for name in SECRETS}
    for name, path in files.items():
        path.write_bytes(SECRETS[name])
    (tmp_path / "token").write_bytes(TOKEN)
    secrets = tuple(f"{name}={path}" for name, path in files.items())
    return Webhook(("slack", "x", "meta"), secrets, (f"meta={tmp_path / 'token'}",), port=ports.pick())


@asynccontextmanager
async def _open(source: Webhook) -> AsyncIterator[tuple[ClientSession, list[bytes]]]:
    """Give a client of a listening collector, and the frames that are taken."""
    came: list[bytes] = []

    async def read() -> None:
        async with aclosing(source.frames(None, 0)) as frames:
            async for frame in frames:
                came.append(frame.raw)
                if frame.taken is not None:
                    frame.taken.set_result(None)

    reading = asyncio.ensure_future(read())
    async with ClientSession(f"http://127.0.0.1:{source.port}") as session:
        for _ in range(500):
            with contextlib.suppress(OSError):
                async with session.get("/"):
                    break
            await asyncio.sleep(0.01)
        yield session, came
        reading.cancel()
        await asyncio.wait({reading})


async def _got(session: ClientSession, path: str, **query: str) -> tuple[int, bytes]:
    async with session.get(path, params=query) as answer:
        return answer.status, await answer.read()


async def _posted(session: ClientSession, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
    async with session.post(path, data=body, headers=headers) as answer:
        return answer.status, await answer.read()


async def test_meta_is_shown_that_the_address_is_ours(source: Webhook) -> None:
    """By the token that it was given; a challenge that could be a page is never echoed."""
    query = {"hub.mode": "subscribe", "hub.verify_token": TOKEN.decode(), "hub.challenge": "1158201444"}
    async with _open(source) as (session, _):
        assert await _got(session, "/meta", **query) == (200, b"1158201444")
        for wrong in (
            {"hub.verify_token": "x"},
            {"hub.mode": "x"},
            {"hub.challenge": "<script>"},
            {"hub.challenge": ""},
        ):
            assert await _got(session, "/meta", **query | wrong) == (403, b"")
        assert await _got(session, "/meta") == (403, b"")


async def test_x_is_shown_that_the_secret_is_ours(source: Webhook) -> None:
    """The answer is the token's HMAC in base64, as X describes it."""
    digest = hmac.new(SECRETS["x"], TOKEN_OF_X.encode(), "sha256").digest()
    async with _open(source) as (session, _):
        status, answer = await _got(session, "/x", crc_token=TOKEN_OF_X)
        assert (status, json.loads(answer)) == (
            200,
            {"response_token": f"sha256={base64.b64encode(digest).decode()}"},
        )


async def test_the_handshake_of_x_signs_no_body_for_anybody(source: Webhook) -> None:
    """Token and body are signed alike: else whoever asks for a body's HMAC could post it."""
    body = b'{"favorite_events":[]}'
    async with _open(source) as (session, came):
        assert await _got(session, "/x", crc_token=body.decode()) == (403, b"")
        assert await _got(session, "/x") == (403, b"")
        assert (await _posted(session, "/x", body, x_headers(body)))[0] == 200
        assert came == [b'{"mapping":"x"}\n' + body]


async def test_slack_is_answered_its_challenge_when_it_has_signed_it(source: Webhook) -> None:
    """An event goes on, a verification does not."""
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw"}).encode()
    async with _open(source) as (session, came):
        assert await _posted(session, "/slack", body, slack_headers(body)) == (200, b'{"challenge":"3eZbrw"}')
        assert (await _posted(session, "/slack", body, slack_headers(body, b"other")))[0] == 401
        assert came == [UNSIGNED]


async def test_every_service_has_its_own_secret_and_path(source: Webhook) -> None:
    """Who knows one of them is not let in elsewhere."""
    async with _open(source) as (session, _):
        assert (await _posted(session, "/meta", BODY, x_headers(BODY)))[0] == 401
        assert (await _posted(session, "/x", BODY, x_headers(BODY)))[0] == 200
        assert (await _posted(session, "/else", BODY, x_headers(BODY)))[0] == 404


@pytest.mark.parametrize("name", form.shipped())
def test_only_the_signed_bytes_are_let_in(name: str) -> None:
    """Checked over the body as it came, before anything reads it; while a secret changes, either is good."""
    mapping, now_s = form.load(name), 1_790_000_000
    signature = mapping.form.signature
    signs = signature.signs.replace("{timestamp}", str(now_s)).encode()
    made = signature.made(b"new", signs.replace(b"{body}", BODY)).decode()
    stamp = {signature.timestamp: str(now_s)} if signature.timestamp else {}
    good = {signature.header: made} | stamp
    assert signature.holds([b"old", b"new"], good, BODY, now_s)
    assert not signature.holds([b"old"], good, BODY, now_s)
    assert not signature.holds([b"new"], good, BODY + b" ", now_s)
    assert not signature.holds([b"new"], stamp, BODY, now_s)
    assert not signature.holds([b"new"], {signature.header: "\u00e9\udcff"} | stamp, BODY, now_s)


@pytest.mark.parametrize("stamp", ["1789999000", "1790001000", "", "-5", "1e9", "١٧٩٠٠٠٠٠٠٠", "9" * 400])
def test_an_old_signature_is_none(stamp: str) -> None:
    """What was overheard cannot be posted again for ever."""
    signature = form.load("slack").form.signature
    made = signature.made(SECRETS["slack"], f"v0:{stamp}:".encode() + BODY).decode()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": made}
    assert not signature.holds([SECRETS["slack"]], headers, BODY, 1_790_000_000)


def test_a_token_is_a_signature_of_those_who_cannot_sign() -> None:
    """Some services can send a header and no more."""
    signature = Signature("Authorization", "Bearer {secret}")
    assert signature.holds([b"s3cret"], {"Authorization": "Bearer s3cret"}, BODY, 0)
    assert not signature.holds([b"s3cret"], {"Authorization": "Bearer s3cre"}, BODY, 0)


def test_a_frame_holds_what_the_mapping_asks_for_and_no_secret() -> None:
    """Frames become dead letters, which others may read."""
    mapping = form.load("discourse")
    headers = {"X-Discourse-Event": "post_liked", "X-Discourse-Event-Signature": "", "Authorization": "secret"}
    signed = mapping.form.signature.made(b"k", BODY).decode()
    framed = _framed(mapping, [b"k"], {}, headers | {"X-Discourse-Event-Signature": signed}, BODY)
    assert framed is not None
    head = json.loads(framed.partition(b"\n")[0])
    assert head.pop("received_at") > 0
    assert head == {"mapping": "discourse", "headers": {"x-discourse-event": "post_liked"}}
    strange = headers | {"X-Discourse-Event-Signature": signed, "X-Discourse-Event": "\udcff"}
    assert _framed(mapping, [b"k"], {}, strange, BODY) is not None


def test_what_is_not_signed_is_counted_and_not_kept() -> None:
    """Else anybody could fill the dead-letter topic."""
    (refused,) = Webhook().read(UNSIGNED, Forgetful()).outcomes
    assert isinstance(refused, Refused)
    assert refused.error.reason is Reason.BAD_SIGNATURE


async def test_wrong_settings_are_told_before_anything_listens(source: Webhook, tmp_path: Path) -> None:
    """No service without its secret; no two on one path."""
    twin = tmp_path / "twin.toml"
    twin.write_text((form.SHIPPED / "x.toml").read_text())
    known = source.secret_file
    for wrong, told in (
        (Webhook(("slack",)), "--secret-file slack="),
        (Webhook(("meta",), known), "--token-file meta="),
        (Webhook(("x", "x"), known), "MAPPING"),
        (Webhook(("x", str(twin)), known), "path of its own"),
        (Webhook(("slack",), ("slack",)), "NAME=VALUE"),
        (Webhook(("slack",), known, value=("site",)), "NAME=VALUE"),
    ):
        with pytest.raises(BadSettingError, match=told):
            await anext(wrong.frames(None, 0))

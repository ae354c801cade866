"""Who may read scores over HTTP: keys, rates, pages of other origins."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.web.cors import origins_of
from schemas.errors import BadSettingError
from tests.web.serving import Keys, Store, path_of, score_of, serving

pytestmark = pytest.mark.integration
ORIGIN = {"Origin": "https://a.example"}
READS = (
    "/v1/scores/x:a", "/v1/scores?user=x:a", "/v1/top", "/v1/scores/x:a/neighbours", "/v1/scores/x:a/history",
    "/v1/scores/x:a/explanation", "/v1/scores/x:a/report", "/v1/changes?user=x:a",
)  # fmt: skip


async def test_without_a_key_for_reading_nothing_is_read(store: Store, redis_url: str, tmp_path: Path) -> None:
    """A sender's key must not read, and a stranger learns neither who is scored nor which key was nearly right."""
    await store.write(score_of("x:a"))
    keys = Keys(tmp_path, 1_000.0)
    wrong = {"Authorization": keys.header("app")["Authorization"][:-1] + "x"}
    async with serving(redis_url, store.keys.prefix, keys.gate) as client:
        answers = set()
        for headers in ({}, wrong, keys.header("blog"), {"Authorization": "Basic eDp5"}):
            for path in READS:
                async with client.get(path, headers=headers) as answer:
                    answers.add((answer.status, answer.headers["WWW-Authenticate"], await answer.read()))
            async with client.post("/v1/scores", json={"users": ["x:a"]}, headers=headers) as answer:
                answers.add((answer.status, answer.headers["WWW-Authenticate"], await answer.read()))
        assert len(answers) == 1
        assert answers.pop()[:2] == (401, "Bearer")
        for path in READS:
            async with client.get(path, headers=keys.header("app")) as answer:
                assert answer.status == 200
        async with client.get(path_of("x:a"), headers=keys.header("app")) as answer:
            assert answer.headers["Cache-Control"].startswith("private")
        for open_path in ("/", "/health", "/openapi.json"):
            assert (await client.get(open_path)).status == 200
        assert (await client.get("/metrics")).status == 401
        text = await (await client.get("/metrics", headers=keys.header("prom"))).text()
    assert 'renown_web_turned_away_total{reason="purpose"}' in text
    assert not [key for key in keys.texts.values() if key in text]


async def test_a_key_reads_at_its_rate_and_learns_when_to_come_back(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """A loop gone wild must not cost the others; a batch counts as what it holds."""
    await store.write(score_of("x:a"))
    keys = Keys(tmp_path, 10.0)
    async with serving(redis_url, store.keys.prefix, keys.gate) as client:

        async def status(path: str) -> tuple[int, str | None]:
            async with client.get(path, headers=keys.header("app")) as answer:
                return answer.status, answer.headers.get("Retry-After")

        assert [await status(path_of("x:a")) for _ in range(11)] == [(200, None)] * 10 + [(429, "1")]
        keys.now_s += 1.0
        assert await status("/v1/top?limit=30") == (200, None)
        assert await status(path_of("x:a")) == (429, "3")
        users = {"users": ["x:a"] * 50}
        async with client.post("/v1/scores", json=users, headers=keys.header("app")) as answer:
            assert answer.status == 429
        keys.now_s += 3.0
        assert await status(path_of("x:a")) == (200, None)


async def test_pages_of_other_origins_read_only_where_a_setting_names_them(store: Store, redis_url: str) -> None:
    """Browsers keep an answer from a page that nobody allowed."""
    await store.write(score_of("x:a"))
    async with serving(redis_url, store.keys.prefix) as client:
        async with client.get(path_of("x:a"), headers=ORIGIN) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
        assert (await client.options(path_of("x:a"), headers=ORIGIN)).status == 405
    async with serving(redis_url, store.keys.prefix, cors_origins="https://a.example,https://b.example") as client:
        for path in (path_of("x:a"), path_of("x:nobody"), "/v1/changes?user=x:a"):
            async with client.get(path, headers=ORIGIN) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
                assert answer.headers["Vary"] == "Origin"
        for foreign in ("https://evil.example", "https://a.example.evil.example", "null"):
            async with client.get(path_of("x:a"), headers={"Origin": foreign}) as answer:
                assert "Access-Control-Allow-Origin" not in answer.headers
        async with client.options(path_of("x:a"), headers=ORIGIN) as answer:
            assert answer.status == 204
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    async with (
        serving(redis_url, store.keys.prefix, cors_origins="*") as client,
        client.get(path_of("x:a"), headers=ORIGIN) as answer,
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "setting", ["a.example", "https://a.example/", "https://", "ftp://x", "HTTPS://A", "https://ä"]
)
def test_an_origin_that_no_browser_sends_is_refused(setting: str) -> None:
    """A misspelt origin would silently shut out the page that it was meant for."""
    with pytest.raises(BadSettingError, match="RENOWN_CORS_ORIGINS"):
        origins_of(setting)


async def test_the_page_lets_nothing_foreign_run(store: Store, redis_url: str) -> None:
    """Ids are strangers' text: the rules hold even if a line of ours were wrong."""
    async with serving(redis_url, store.keys.prefix) as client, client.get("/") as answer:
        rules = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in rules
        assert "unsafe" not in rules
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        text = await answer.text()
    for forbidden in ("<style", " style=", " onclick", "http://", "https://", "javascript:"):
        assert forbidden not in text, forbidden
    assert text.count("<script") == text.count('<script type="module" src="/static/')

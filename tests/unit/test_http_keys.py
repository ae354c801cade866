"""Who may send over HTTP: keys, rates, browsers, and what others can see of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from agents.access import ring
from agents.access.changes import revoke, rotate
from agents.access.key import Purpose
from agents.access.key_file import changing
from agents.ingest.http_metrics import MOST_NAMES, OTHERS, PATH, HttpMetrics
from tests.http_ingest import GOOD, FakeDelivery, Keys, answered, serving


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Keys of two senders and of a Prometheus."""
    return Keys(tmp_path)


async def test_only_a_valid_key_opens_and_every_refusal_looks_the_same(keys: Keys) -> None:
    """Whoever tries keys must not learn whether an id exists, has ended or opens something else."""
    own = keys.texts["blog"]
    other_id = "0" * 12 if own[3] != "0" else "1" * 12
    wrong = [
        "", "Bearer", "Bearer nonsense", f"Basic {own}", own, f"Bearer {own[:-1]}", f"Bearer {own} {own}",
        f"Bearer {own[:-1]}{'0' if own[-1] != '0' else '1'}", f"Bearer rk_{other_id}{own[15:]}",
        f"Bearer {keys.texts['prom']}", f"Bearer {own.upper()}", "Bearer \u00e9\u00e9",
    ]  # fmt: skip
    delivery = FakeDelivery()
    async with serving(delivery, keys.gate) as client:
        answers = [await answered(client, {"Authorization": each} if each else {}) for each in wrong]
        assert delivery.delivered == []
        assert {(status, body, tuple(head.items())) for status, body, head in answers} == {
            (401, answers[0][1], (("WWW-Authenticate", "Bearer"),))
        }
        assert (await answered(client, keys.header("blog")))[0] == 202
        assert (await answered(client, {"Authorization": f"bearer  {own} "}))[0] == 202
    assert delivery.sources == {"blog"}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic y", f"Bearer rk_{'0' * 12}_{'0' * 64}", "own", "wrong secret"]
)
def test_every_answer_costs_one_hash_and_one_comparison(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    """An answer that comes sooner tells that an id does not exist."""
    real, compared = ring.is_text_of, []
    monkeypatch.setattr(ring, "is_text_of", lambda text, key: compared.append(text) or real(text, key))
    own = keys.header("blog")["Authorization"]
    shown = {"own": own, "wrong secret": own[:-6] + "000000"}.get(header, header)
    if header == "own":
        assert keys.gate.caller({"Authorization": shown}, Purpose.INGEST).name == "blog"
    else:
        with pytest.raises(ring.KeyRefusedError):
            keys.gate.caller({"Authorization": shown}, Purpose.INGEST)
    assert len(compared) == 1


async def test_a_changed_file_counts_from_the_next_request(keys: Keys) -> None:
    """A leaked key must be dead at once, and a rotation must not cost a single event."""
    async with serving(FakeDelivery(), keys.gate) as client:
        old = keys.header("blog")
        with changing(keys.path) as found:
            _, text = rotate(found, "blog", now_s=keys.now_s, grace_s=60.0)
        new = {"Authorization": f"Bearer {text}"}
        assert [(await answered(client, each))[0] for each in (old, new)] == [202, 202]
        keys.now_s += 60.0
        assert [(await answered(client, each))[0] for each in (old, new)] == [401, 202]
        with changing(keys.path) as found:
            revoke(found, "blog")
        assert (await answered(client, new))[0] == 401
        assert (await answered(client, keys.header("forum")))[0] == 202
        keys.path.write_text("{torn")
        status, body, head = await answered(client, keys.header("forum"))
        assert (status, "Retry-After" in head, str(keys.path) in body.decode()) == (503, True, False)


async def test_a_rate_counts_engagements_and_says_when_to_come_again(tmp_path: Path) -> None:
    """One sender's flood is its own: others go on, and waiting as told is enough."""
    keys = Keys(tmp_path, rate=2.0)
    async with serving(FakeDelivery(), keys.gate) as client:
        assert (await answered(client, keys.header("blog"), [GOOD] * 30))[0] == 202
        status, body, head = await answered(client, keys.header("blog"))
        assert (status, head["Retry-After"], b"rate" in body) == (429, "6", True)
        assert (await answered(client, keys.header("forum")))[0] == 202
        keys.now_s += 6.0
        assert [(await answered(client, keys.header("blog"), [GOOD] * 3))[0] for _ in "ab"] == [202, 429]


async def test_health_asks_for_no_key_and_metrics_for_their_own(keys: Keys) -> None:
    """A prober has no secrets; who sends must not read what others send."""
    async with serving(FakeDelivery(), keys.gate) as client:
        assert (await client.get("/health")).status == 200
        assert (await client.get("/metrics")).status == 401
        assert (await client.get("/metrics", headers=keys.header("blog"))).status == 401
        await answered(client, {})
        text = await (await client.get("/metrics", headers=keys.header("prom"))).text()
    assert 'renown_http_items_total{key="forum",outcome="accepted"} 0.0' in text
    assert 'renown_http_turned_away_total{key="-",reason="missing"} 2.0' in text
    assert 'renown_http_turned_away_total{key="-",reason="purpose"} 1.0' in text
    assert all(key[3:15] not in text for key in keys.texts.values())


async def test_what_senders_write_never_becomes_a_label() -> None:
    """A metric per hostile id would fill the memory of whoever scrapes."""
    async with serving(FakeDelivery()) as client:
        before = (await (await client.get("/metrics")).text()).count("\n")
        for number in range(20):
            await client.post(PATH, json=GOOD | {"actor": f'x:"}} {number}\n', "kind": f"k{number}"})
            await client.post(f"/v{number}", json=GOOD)
        text = await (await client.get("/metrics")).text()
    assert text.count("\n") == before
    metrics = HttpMetrics(CollectorRegistry())
    assert {metrics._known(f"n{number}") for number in range(MOST_NAMES + 50)} == {
        *(f"n{number}" for number in range(MOST_NAMES)), OTHERS
    }  # fmt: skip


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
async def test_a_web_page_cannot_send_where_no_key_is_asked_for(header: str) -> None:
    """Any page in a browser on this machine reaches loopback, and a plain text POST needs nobody's leave."""
    delivery = FakeDelivery()
    async with serving(delivery) as client:
        assert (await answered(client, {header: "https://elsewhere.example"}))[0] == 403
    assert delivery.delivered == []

"""Reading scores over HTTP: what programs rely on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from agents.lookup.documents import ScoreDocument
from agents.web.queries import MOST_USERS
from tests.web.serving import DAY_MS, HOSTILE, NOON_MS, Store, path_of, score_of, serving

pytestmark = pytest.mark.integration


async def got(client: ClientSession, path: str, **headers: str) -> tuple[int, Any]:
    """Return status and document; the path goes out as it is."""
    async with client.get(_raw(client, path), headers=headers) as answer:
        body = await answer.read()
        return answer.status, json.loads(body) if body else None


def _raw(client: ClientSession, path: str) -> URL:
    return URL(f"{client._base_url}".rstrip("/") + path, encoded=True)


async def test_a_score_is_the_document_of_the_contract(store: Store, redis_url: str) -> None:
    """The same fields as in Redis and on the command line."""
    await store.write(score_of("x:a"))
    async with serving(redis_url, store.keys.prefix) as client:
        status, found = await got(client, path_of("x:a"))
    assert (status, found["score"], found["as_of"], found["parts"]["like"]) == (
        200,
        12.3,
        "2024-10-04T12:00:00.000Z",
        1.0,
    )
    assert set(found) | {"linked_to"} == set(ScoreDocument.__struct_fields__)
    assert "linked_to" not in found, "she is nobody's account"


@pytest.mark.parametrize("user", HOSTILE)
async def test_every_id_that_may_be_scored_can_be_asked_for(store: Store, redis_url: str, user: str) -> None:
    """Slashes, quotes, emoji: ids are strangers' text, and reach exactly their own score in every operation."""
    await store.write(score_of(user), score_of("x:other", raw=9.0))
    async with serving(redis_url, store.keys.prefix) as client:
        for rest in ("", "/neighbours", "/history", "/explanation", "/report"):
            status, found = await got(client, path_of(user, rest))
            own = found["user"] if rest != "/neighbours" else found["user"]["user"]
            assert (status, own) == (200, user), rest
        async with client.get("/v1/scores", params=[("user", user)]) as answer:
            assert [each["user"] for each in (await answer.json())["scores"]] == [user]
        async with client.post("/v1/scores", json={"users": [user, "x:nobody"]}) as answer:
            found = await answer.json()
            assert ([each["user"] for each in found["scores"]], found["missing"]) == ([user], ["x:nobody"])


@pytest.mark.parametrize(
    ("segment", "status"),
    [
        ("x%3Anobody", 404), ("x:a%0Ab", 400), ("x:%FF", 400), ("x:%ED%A0%80", 400), ("nonsense", 400), ("x:", 400),
        ("x:a%00", 400), ("momentum:a", 400), ("X:a", 400), ("x:" + "a" * 300, 400), ("x:%E2%80%A8", 400),
        ("x:" + "%CC%81" * 600, 400), ("..%2F..%2Fmeta", 400),
    ],
)  # fmt: skip
async def test_what_is_no_id_is_named_as_such(store: Store, redis_url: str, segment: str, status: int) -> None:
    """Better an error than the score of somebody whose id looks alike."""
    await store.write(score_of("x:a"))
    async with serving(redis_url, store.keys.prefix) as client:
        found, problem = await got(client, f"/v1/scores/{segment}")
    assert (found, problem["status"], bool(problem["detail"])) == (status, status, True)


async def test_ids_are_compared_in_nfc(store: Store, redis_url: str) -> None:
    """Two keyboards write one name in two ways."""
    await store.write(score_of("x:Caf\u00e9"))
    async with serving(redis_url, store.keys.prefix) as client:
        assert (await got(client, path_of("x:Cafe\u0301")))[1]["user"] == "x:Caf\u00e9"


async def test_a_caller_who_has_it_is_sent_nothing(store: Store, redis_url: str) -> None:
    """Polling thousands of users must cost next to no bytes, and never show an old score."""
    await store.write(score_of("x:a"))
    async with serving(redis_url, store.keys.prefix) as client:
        for path in (path_of("x:a"), "/v1/top", path_of("x:a", "/explanation"), "/openapi.json", "/"):
            async with client.get(path) as answer:
                tag = answer.headers["ETag"]
                assert answer.headers["Cache-Control"]
            for known in (tag, f'"no", W/{tag}', "*"):
                async with client.get(path, headers={"If-None-Match": known}) as answer:
                    assert (answer.status, await answer.read(), answer.headers["ETag"]) == (304, b"", tag)
        async with client.get(path_of("x:a")) as answer:
            tag = answer.headers["ETag"]
        await store.write(score_of("x:a", 2, score=12.4))
        async with client.get(path_of("x:a"), headers={"If-None-Match": tag}) as answer:
            assert (answer.status, (await answer.json())["score"]) == (200, 12.4)
            assert answer.headers["ETag"] != tag


async def test_many_come_in_order_and_the_rest_is_named(store: Store, redis_url: str) -> None:
    """A thousand at once, and not one more."""
    users = [f"x:{number}" for number in range(MOST_USERS)]
    await store.write(*map(score_of, users[:-1]))
    async with serving(redis_url, store.keys.prefix) as client:
        async with client.post("/v1/scores", json={"users": users[::-1]}) as answer:
            found = await answer.json()
        assert [each["user"] for each in found["scores"]] == users[-2::-1]
        assert found["missing"] == users[-1:]
        for body in ({"users": [*users, "x:more"]}, {"users": []}, {"users": [3]}, {"user": "x:a"}, [], "x"):
            async with client.post("/v1/scores", json=body) as answer:
                assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_leaderboards_come_by_mass_by_network_and_by_momentum(store: Store, redis_url: str) -> None:
    """The same boards as in Redis."""
    await store.write(
        score_of("x:a", raw=2.0, momentum=4.0), score_of("y:b", raw=3.0, momentum=0.0), score_of("x:c", raw=1.0)
    )
    async with serving(redis_url, store.keys.prefix) as client:
        top = (await got(client, "/v1/top"))[1]
        assert ([(p["rank"], p["user"]) for p in top["places"]], top["size"]) == (
            [(1, "y:b"), (2, "x:a"), (3, "x:c")],
            3,
        )
        network = (await got(client, "/v1/top?network=x&limit=1"))[1]
        assert ([p["user"] for p in network["places"]], network["size"]) == (["x:a"], 2)
        assert [p["user"] for p in (await got(client, "/v1/top?sort=momentum"))[1]["places"]] == ["x:a", "x:c"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "sort=score", "network=X", "network=%FF", "nework=x",
     "network=a%2Fb", "limit=" + "9" * 400, "&" * 2000],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_refused(store: Store, redis_url: str, query: str) -> None:
    """A misspelt name must not answer another question than was asked."""
    async with serving(redis_url, store.keys.prefix) as client:
        status, problem = await got(client, f"/v1/top?{query}")
    assert (status, problem["title"]) == (400, "Bad Request")


async def test_a_board_that_is_not_kept_is_not_found(store: Store, redis_url: str) -> None:
    """Momentum is kept over all networks only: the wrong board would be a wrong answer."""
    async with serving(redis_url, store.keys.prefix) as client:
        assert (await got(client, "/v1/top?network=x&sort=momentum"))[0] == 404


async def test_neighbours_are_those_just_above_and_below(store: Store, redis_url: str) -> None:
    """At the ends there are fewer."""
    await store.write(*(score_of(f"x:{n}", raw=float(100 - n)) for n in range(10)))
    async with serving(redis_url, store.keys.prefix) as client:
        found = (await got(client, path_of("x:4", "/neighbours?limit=2")))[1]
        assert [(p["rank"], p["user"]) for p in found["above"]] == [(3, "x:2"), (4, "x:3")]
        assert (found["user"]["rank"], [p["user"] for p in found["below"]], found["size"]) == (5, ["x:5", "x:6"], 10)
        first = (await got(client, path_of("x:0", "/neighbours")))[1]
        assert (first["above"], first["user"]["rank"], len(first["below"])) == ([], 1, 5)
        assert (await got(client, path_of("x:nobody", "/neighbours")))[0] == 404


async def test_history_is_day_by_day(store: Store, redis_url: str) -> None:
    """As Redis keeps it."""
    for day in range(3):
        await store.write(score_of("x:a", day + 1, as_of=NOON_MS + day * DAY_MS, score=10.0 + day))
    async with serving(redis_url, store.keys.prefix) as client:
        days = (await got(client, path_of("x:a", "/history")))[1]["days"]
    assert [(each["day"], each["score"]) for each in days] == [
        ("2024-10-04", 10.0), ("2024-10-05", 11.0), ("2024-10-06", 12.0)
    ]  # fmt: skip


async def test_an_explanation_adds_up(store: Store, redis_url: str) -> None:
    """People add up what they are shown: points make the score, percent a hundred, masses the raw mass."""
    await store.write(score_of("x:a", score=40.1))
    async with serving(redis_url, store.keys.prefix) as client:
        found = (await got(client, path_of("x:a", "/explanation")))[1]
    parts = found["parts"].values()
    assert round(sum(part["points"] for part in parts), 6) == found["score"] == 40.1
    assert round(sum(part["percent"] for part in parts), 6) == 100
    assert sum(part["mass"] for part in parts) == found["raw"]
    assert [step["name"] for step in found["formula"]["steps"]] == ["mass", "rank", "target", "shown"]
    assert found["moments"][0]["actor"] is None


async def test_one_second_of_a_forgotten_user_is_enough(store: Store, redis_url: str) -> None:
    """Who left is gone from every operation at once: nothing is kept here."""
    await store.write(score_of("x:a"), score_of("x:b"))
    async with serving(redis_url, store.keys.prefix) as client:
        assert (await got(client, path_of("x:a")))[0] == 200
        await store.forget(["x:a"])
        for rest in ("", "/neighbours", "/history", "/explanation", "/report"):
            assert (await got(client, path_of("x:a", rest)))[0] == 404
        assert [p["user"] for p in (await got(client, "/v1/top"))[1]["places"]] == ["x:b"]

"""ActivityStreams 2.0: what activities of the fediverse become, from files and over HTTP."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.activitystreams import MOST_MENTIONS
from agents.ingest.formats import activitystreams as form
from agents.ingest.formats import outcomes
from agents.ingest.formats.opening import SourceError
from agents.ingest.letters import tried_again
from agents.ingest.outcomes import Ready, Refused
from schemas.dead_letter import DeadLetter
from schemas.kinds import KINDS
from schemas.reasons import Reason
from tests.http_ingest import NOW_MS, FakeDelivery, posted

ANN, BOB, CY = (f"https://{name}.example/users/{name}" for name in ("ann", "bob", "cy"))
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
AT = "2026-08-01T13:51:39Z"
NOTE = f"{BOB}/statuses/1"


def activity(kind: str, obj: Any, **more: Any) -> dict[str, Any]:
    """Return an activity of Ann's."""
    context = "https://www.w3.org/ns/activitystreams"
    return {"@context": context, "id": f"{ANN}#1", "type": kind, "actor": ANN, "object": obj, "published": AT} | more


def note(**more: Any) -> dict[str, Any]:
    """Return a note of Ann's."""
    return {"id": f"{ANN}/statuses/9", "type": "Note", "attributedTo": ANN, "content": "<p>hi</p>"} | more


def mention(href: str) -> dict[str, str]:
    """Return a tag that names somebody."""
    return {"type": "Mention", "href": href, "name": "@somebody"}


def read(document: Any, received_ms: int | None = None) -> list[Ready | Refused]:
    return list(form.document_outcomes(json.dumps(document).encode(), 1, received_ms))


def said(document: Any) -> list[tuple[str, str, str, bool]]:
    found = [each.act for each in read(document) if isinstance(each, Ready)]
    return [
        (a.id.decode().removeprefix(f"activitypub:{ANN}#1"), KINDS[a.kind], a.target.decode()[12:], a.undo)
        for a in found
    ]


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (activity("Like", {"id": "https://x.example/1", "attributedTo": BOB}), [("", "like", BOB, False)]),
        (activity("Like", {"id": "https://x.example/1", "attributedTo": [{"id": BOB}]}), [("", "like", BOB, False)]),
        (activity("Like", NOTE), [("", "like", BOB, False)]),
        (activity("Like", "https://x.example/1", to=[BOB, PUBLIC]), [("", "like", BOB, False)]),
        (activity(["as:Announce"], NOTE), [("", "share", BOB, False)]),
        (
            activity("Announce", "https://x.example/1", to=[PUBLIC], cc=[BOB, f"{ANN}/followers"]),
            [("", "share", BOB, False)],
        ),
        (activity("Create", note(inReplyTo=NOTE)), [("#reply", "reply", BOB, False)]),
        (
            activity("Create", note(inReplyTo=NOTE, tag=[mention(BOB), mention(CY), mention(CY)])),
            [("#reply", "reply", BOB, False), (f"#mention:{CY}", "mention", CY, False)],
        ),
        (
            activity("Create", note(quoteUrl=f"{CY}/statuses/3", tag=mention(BOB))),
            [("#quote", "share", CY, False), (f"#mention:{BOB}", "mention", BOB, False)],
        ),
        (activity("Create", note(inReplyTo=NOTE, quote=NOTE)), [("#reply", "reply", BOB, False)]),
        (activity("Create", note(tag=[{"type": "Hashtag", "href": BOB}, "x", None])), []),
        (activity("Create", note(inReplyTo="https://unknown.example/1")), []),
        (activity("Undo", activity("Like", NOTE), id="u"), [("", "like", BOB, True)]),
        (activity("Undo", activity("Announce", NOTE), id="u"), [("", "share", BOB, True)]),
        (
            activity("Undo", activity("Create", note(inReplyTo=NOTE, tag=[mention(CY)])), id="u"),
            [("#reply", "reply", BOB, True), (f"#mention:{CY}", "mention", CY, True)],
        ),
        (activity("Follow", BOB), []),
        (activity("Delete", NOTE), []),
        ({"type": "OrderedCollection", "orderedItems": [activity("Like", NOTE)]}, [("", "like", BOB, False)]),
        ({"type": "CollectionPage", "items": activity("Like", NOTE)}, [("", "like", BOB, False)]),
    ],
)
def test_an_activity_says(document: Any, wanted: list[tuple[str, str, str, bool]]) -> None:
    """Each form that servers of the fediverse send."""
    assert said(document) == wanted


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (activity("Like", "https://x.example/1"), "attributedTo"),
        (activity("Like", "https://x.example/1", to=[BOB, CY]), "attributedTo"),
        (activity("Undo", f"{ANN}#1"), "embed the activity"),
        (activity("Undo", activity("Like", NOTE) | {"actor": CY}), "only who acted"),
        (activity("Create", NOTE), "embed the object"),
        (activity("Like", NOTE, published=None), "published"),
        (activity("Like", NOTE, actor=None), "actor"),
        ({"type": "Collection", "items": ["https://x.example/1"]}, "the activity itself"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_remedy(document: Any, told: str) -> None:
    """A guess would give to somebody what another earned."""
    (refused,) = read(document)
    assert isinstance(refused, Refused)
    assert refused.error.reason is Reason.INVALID_FIELD
    assert told in refused.error.detail


def test_an_undo_takes_back_what_was_done_and_is_dated_by_itself() -> None:
    """Same id, kind, actor and target; an undo without an instant of its own is as old as what it takes back."""
    done, later = activity("Like", NOTE), "2026-08-02T00:00:00Z"
    (like,) = read(done)
    (undo,) = read(activity("Undo", done, id="u", published=later))
    (undated,) = read(activity("Undo", done, id="u", published=None))
    assert isinstance(like, Ready)
    assert isinstance(undo, Ready)
    assert isinstance(undated, Ready)
    for name in ("id", "kind", "actor", "target"):
        assert getattr(undo.act, name) == getattr(like.act, name)
    assert undo.act.occurred_at_ms - like.act.occurred_at_ms == 36_501_000
    assert undated.act.occurred_at_ms == like.act.occurred_at_ms


def test_what_has_no_id_has_the_same_one_always() -> None:
    """Servers may leave out the ids of activities that pass."""
    (one,), (two,) = (read(activity("Like", NOTE, id=None)) for _ in range(2))
    assert isinstance(one, Ready)
    assert isinstance(two, Ready)
    assert one.act.id == two.act.id


def test_a_crowd_of_mentions_is_cut() -> None:
    """A note written by hand can name thousands."""
    crowd = [mention(f"https://x.example/{number}") for number in range(1_000)]
    assert len(read(activity("Create", note(tag=crowd)))) == MOST_MENTIONS


def test_undos_of_undos_do_not_go_on_for_ever() -> None:
    """Nesting costs a stack."""
    nested = activity("Like", NOTE)
    for _ in range(100):
        nested = activity("Undo", nested)
    assert isinstance(read(nested)[0], Refused)


def test_files_hold_lines_or_one_document(tmp_path: Path) -> None:
    """An account's own archive is one document over many lines; a server's log has one activity a line."""
    both = [activity("Like", NOTE, id=f"{ANN}#{number}") for number in range(3)]
    lines = tmp_path / "log.jsonl.gz"
    lines.write_bytes(gzip.compress(b"\n".join(json.dumps(each).encode() for each in [*both, {"broken": 1}, 5])))
    outbox = tmp_path / "outbox.json"
    outbox.write_text(json.dumps({"type": "OrderedCollection", "orderedItems": [*both, "x"]}, indent=1))
    for path, refusals in ((lines, 1), (outbox, 1)):
        found = [each for block in outcomes(str(path), "activitystreams") for each in block]
        assert [each.act.id for each in found if isinstance(each, Ready)] == [
            f"activitypub:{ANN}#{number}".encode() for number in range(3)
        ]
        assert sum(isinstance(each, Refused) for each in found) == refusals


def test_a_document_that_does_not_fit_says_how_to_part_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded."""
    monkeypatch.setattr(form, "MOST_BYTES", 100)
    path = tmp_path / "outbox.json"
    path.write_text(json.dumps(activity("Like", NOTE), indent=1))
    with pytest.raises(SourceError, match="one a line"):
        list(outcomes(str(path), "activitystreams"))


def test_a_refused_item_of_a_collection_is_kept_by_itself_and_can_be_tried_again() -> None:
    """The letter of one item must not hold the whole outbox."""
    page = {"type": "Collection", "items": [activity("Like", NOTE), activity("Like", "https://x.example/1")]}
    _, refused = read(page)
    assert isinstance(refused, Refused)
    assert json.loads(refused.value)["object"] == "https://x.example/1"
    mended = refused.value.replace(b'"https://x.example/1"', json.dumps(NOTE).encode())
    letter = DeadLetter(mended, Reason.INVALID_FIELD, "", "f", 0, 1, "activitystreams", 5)
    assert isinstance(tried_again(letter)[0], Ready)


async def test_posted_documents_are_dated_by_their_arrival_when_they_are_not_dated() -> None:
    """Mastodon sends likes and undos without an instant."""
    delivery = FakeDelivery()
    like = activity("Like", NOTE, published=None)
    body = json.dumps({"type": "Collection", "items": [like, activity("Undo", like, published=None), "x"]}).encode()
    status, answer = await posted(delivery, body, "application/activity+json")
    assert (status, answer["accepted"], answer["items"][2]["reason"]) == (207, 2, "invalid_field")
    assert [(each.act.occurred_at_ms, each.act.undo) for each in delivery.delivered] == [
        (NOW_MS, False),
        (NOW_MS, True),
    ]
    profile = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    assert (await posted(delivery, json.dumps(activity("Follow", BOB)).encode(), profile))[0] == 202
    crowd = json.dumps({"type": "Collection", "items": [like] * 1_001}).encode()
    assert (await posted(delivery, crowd, "application/activity+json"))[0] == 422


@given(st.data())
def test_no_damage_ends_the_reader(data: st.DataObject) -> None:
    """Servers of the fediverse are many, and each writes as it likes."""
    whole = activity("Undo", activity("Create", note(inReplyTo=NOTE, quote=NOTE, tag=[mention(CY)]), to=[BOB], cc=CY))
    raw = bytearray(json.dumps(whole).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    assert isinstance(list(form.document_outcomes(bytes(raw), 1)), list)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda each: st.lists(each) | each)


@given(st.sampled_from(["actor", "object", "published", "id", "type", "to", "cc"]), JSON | st.just({}), st.booleans())
def test_any_value_in_any_place_is_read_or_refused(field: str, value: Any, inner: bool) -> None:  # noqa: FBT001
    """JSON-LD allows almost anything almost everywhere."""
    document = activity("Create", note(inReplyTo=NOTE))
    (document["object"] if inner else document)[field] = value
    for each in (document, activity("Undo", document), activity("Like", document)):
        assert isinstance(list(form.document_outcomes(json.dumps(each).encode(), 1, 5)), list)

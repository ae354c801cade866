"""CloudEvents: read as the project's conformance cases say, over HTTP and Kafka, and bounded in what they cost."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.bindings import http as reference_http
from cloudevents.core.bindings import kafka as reference_kafka
from cloudevents.core.v1.event import CloudEvent as ReferenceEvent
from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.cloudevents import MOST_BYTES, TYPE, from_http, from_kafka, structured
from agents.ingest.http_metrics import PATH
from schemas.errors import BadRecordError
from schemas.reasons import Reason
from tests.http_ingest import GOOD, FakeDelivery, posted, serving

FEATURE = Path(__file__).parents[1] / "recorded" / "cloudevents" / "kafka-protocol-binding.feature"
CONTEXT = {"specversion": "1.0", "id": "1", "source": "/s", "type": TYPE}


def _table(text: str) -> dict[str, str]:
    """Return the two columns of a table."""
    rows = re.findall(r"^\s*\|(.*)\|\s*$", text, re.MULTILINE)
    cells = [[cell.strip() for cell in row.split("|")] for row in rows]
    return {cell[0]: cell[1] for cell in cells if len(cell) == 2 and cell[0] != "key"}


def _conformance() -> list[Any]:
    """Return headers, payload, expected attributes and data of each case in the feature, examples filled in."""
    cases = []
    for scenario in re.split(r"Scenario(?: Outline)?: ", FEATURE.read_text())[1:]:
        payload, data = re.findall(r'"""\n(.*?)"""', scenario, re.DOTALL)
        given_part, _, then = scenario.partition("Then the attributes are:")
        examples = re.findall(r"^\s*\| (application\S.*?)\s*\|$", scenario.partition("Examples:")[2], re.MULTILINE) or [
            ""
        ]
        for example in examples:
            headers = _table(given_part.replace("<contentType>", example))
            wanted = _table(then.partition("And the data")[0])
            cases.append(pytest.param(headers, payload, wanted, data, id=example or "binary"))
    return cases


@pytest.mark.parametrize(("headers", "payload", "wanted", "data"), _conformance())
def test_the_conformance_cases_hold(headers: dict[str, str], payload: str, wanted: dict[str, str], data: str) -> None:
    """Both modes, as the project's own cases for Kafka state them."""
    event = from_kafka({name: value.encode() for name, value in headers.items()}, payload.encode())
    assert len(wanted) == 6
    assert dict(event.attributes) == wanted
    assert json.loads(event.data) == json.loads(data)
    with pytest.raises(BadRecordError, match=TYPE):
        event.engagement()


def test_every_conformance_case_was_found() -> None:
    """A table that is read wrongly would check nothing."""
    assert len(_conformance()) == 3


def _reference(**data: object) -> ReferenceEvent:
    return ReferenceEvent({**CONTEXT, "source": "/ünï cöde", "datacontenttype": "application/json"}, GOOD | data)


@pytest.mark.parametrize("write", [reference_kafka.to_binary_event, reference_kafka.to_structured_event])
def test_what_the_project_s_library_writes_to_kafka_is_read(write: Callable[[ReferenceEvent], Any]) -> None:
    """An independent writer."""
    message = write(_reference())
    event = from_kafka(message.headers, message.value)
    assert json.loads(event.engagement()) == GOOD
    assert event.attributes["source"] == "/ünï cöde"


@pytest.mark.parametrize("write", [reference_http.to_binary_event, reference_http.to_structured_event])
async def test_what_the_project_s_library_posts_is_taken(
    write: Callable[[ReferenceEvent], reference_http.HTTPMessage],
) -> None:
    """Over a real socket."""
    delivery, message = FakeDelivery(), write(_reference())
    async with (
        serving(delivery) as client,
        client.post(PATH, data=message.body, headers=message.headers) as answer,
    ):
        assert answer.status == 202
    assert [json.loads(each.value) for each in delivery.delivered] == [GOOD]


def test_attributes_in_http_headers_are_percent_decoded() -> None:
    """Headers hold ASCII only."""
    message = reference_http.to_binary_event(_reference())
    assert from_http(message.headers, message.body).attributes["source"] == "/ünï cöde"


async def test_a_batch_is_judged_event_by_event() -> None:
    """One of another type, or of another version, must not cost the good ones."""
    good = {**CONTEXT, "data": GOOD}
    packed = {**CONTEXT, "data_base64": base64.b64encode(json.dumps(GOOD).encode()).decode()}
    bad = [
        {**CONTEXT, "data_base64": "?"},
        {**good, "type": "other"},
        {**good, "specversion": "0.3"},
        {**good, "source": ""},
        5,
        {**CONTEXT},
    ]
    body = json.dumps([good, packed, *bad, {**good, "data": GOOD | {"kind": "poke"}}]).encode()
    status, answer = await posted(FakeDelivery(), body, "application/cloudevents-batch+json")
    assert status == 207
    invalid, undecodable = "invalid_field", "undecodable"
    assert [item.get("reason") for item in answer["items"]] == [
        *(None, None),
        *(undecodable, invalid, invalid, invalid, undecodable, undecodable),
        "unknown_kind",
    ]


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 202), (b"{", 400), (b"[1,", 400), (b"[{}" + b",{}" * 1000 + b"]", 422)]
)
async def test_a_batch_as_a_whole_may_be_wrong(body: bytes, status: int) -> None:
    """An empty batch is a batch."""
    assert (await posted(FakeDelivery(), body, "application/cloudevents-batch+json"))[0] == status


def test_an_event_s_size_is_looked_at_before_it_is_read() -> None:
    """Attributes are unbounded in number."""
    with pytest.raises(BadRecordError) as caught:
        structured(b"{" * (MOST_BYTES + 1))
    assert caught.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize("content", ["text/plain", "application/xml", "application/jsonx", ""])
def test_data_that_is_not_json_is_refused(content: str) -> None:
    """Only JSON can be an engagement."""
    with pytest.raises(BadRecordError, match="datacontenttype"):
        structured(json.dumps({**CONTEXT, "datacontenttype": content, "data": GOOD}).encode())


@given(st.data())
def test_no_damage_raises_anything_but_a_refusal(data: st.DataObject) -> None:
    """Whatever a topic holds, the collector goes on."""
    raw = bytearray(json.dumps({**CONTEXT, "time": None, "data_base64": "e30=", "data": GOOD}).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    headers = data.draw(st.dictionaries(st.sampled_from(["ce_type", "ce_id", "content-type"]), st.binary(max_size=9)))
    for read in (lambda: structured(bytes(raw)), lambda: from_kafka(headers, bytes(raw))):
        with contextlib.suppress(BadRecordError):
            assert isinstance(read().data, bytes)

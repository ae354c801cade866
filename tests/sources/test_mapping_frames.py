"""Whatever a service sends: a mapping reads it or refuses it, and never ends the reader."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from agents.ingest.live.contract import Forgetful
from agents.ingest.mapping import form
from agents.ingest.outcomes import Ready, Refused
from agents.sources.webhook import Webhook


def _values(found: Any) -> Any:
    """Yield every place in a document as (container, key)."""
    pairs = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for key, value in pairs:
        yield found, key
        yield from _values(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.sampled_from(["id", "user", "item"]), each, max_size=3)
    ),
)


@given(st.data())
def test_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    """What a service will send tomorrow is not known today."""
    mapping = form.load(data.draw(st.sampled_from(form.shipped())))
    one = data.draw(st.sampled_from(mapping.form.test))
    payload = json.loads(one.payload)
    container, key = data.draw(st.sampled_from(list(_values(payload))))
    container[key] = data.draw(JSON)
    headers = {name.lower(): value for name, value in one.headers.items()}
    raw = json.dumps({"mapping": mapping.name, "headers": headers}).encode() + b"\n" + json.dumps(payload).encode()
    assert all(isinstance(each, (Ready, Refused)) for each in Webhook().read(raw, Forgetful()).outcomes)


@given(st.data())
def test_no_damage_to_a_frame_ends_the_reader(data: st.DataObject) -> None:
    """A refusal holds the frame as it came."""
    raw = bytearray(b'{"mapping":"meta","headers":{}}\n' + form.load("meta").form.test[0].payload.encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    for outcome in Webhook().read(bytes(raw), Forgetful()).outcomes:
        assert isinstance(outcome, Ready) or outcome.value == bytes(raw)

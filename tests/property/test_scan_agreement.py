"""The scan of plain JSON decides as the codec does, or leaves the decision to it: over hostile and damaged input."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode_engagement
from schemas.errors import BadRecordError
from schemas.reasons import Reason
from streams.engine.chunk import Chunk
from streams.engine.hashing import hash_id
from streams.engine.partitioner import partition_of
from streams.engine.records import COLUMNS, OFFSET, STAMP, VALUE_AT, VALUE_LEN
from streams.settings import Settings
from streams.stages.admission import admit
from streams.stages.scan import SPANS, scan

SETTINGS = Settings()
KEY = SETTINGS.hash_key.encode()
NOW_MS = 1_800_000_000_000
SKEW_MS = int(SETTINGS.max_future_skew_s * 1000)
GOOD = {
    "id": '"1"',
    "kind": '"like"',
    "actor": '"bsky:did:plc:a"',
    "target": '"x-9:b c"',
    "occurred_at": '"2026-11-24T12:00:00.123Z"',
}
USERS = [
    '"x:a"', '"bsky:did:plc:abc"', '"x:b c~!"', '"x: "', '"x:"', '":a"', '"a"', '""', '"X:a"', '"x_y:a"', '"x y:a"',
    '"momentum:a"', '"momentum-:a"', '"momentu:a"', '"x:momentum:a"', f'"{"n" * 32}:a"', f'"{"n" * 33}:a"',
    f'"x:{"a" * 254}"', f'"x:{"a" * 255}"', '"x:é"', '"x:e\u0301"', '"x:\\u00e9"', '"x:\\u0061"', '"x:\\ud800"',
    '"x:\\ud83d\\ude00"', '"x:\\u0000"', '"x:\\/"', '"x:a\\n"', '"x:\x00"', '"x:\x1f"', '"x:\x7f"', '"x:\x80"',
    '"x:\u2028"', '"x::"', '"-:a"', "null", "7", "true", '["x:a"]', '{"x":"a"}',
]  # fmt: skip
INSTANTS = [
    "0", "-0", "00", "01", "-1", "1", "1.0", "1e3", "1E3", "1.", ".5", "+1", "- 1", "0x1", "4102444800000",
    "4102444800001", f"{NOW_MS}", f"{NOW_MS + SKEW_MS}", f"{NOW_MS + SKEW_MS + 1}", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "1" * 40, "1e999", "true", "null", "NaN", '""', '"5"',
    *(f'"{day}T12:00:00Z"' for day in (
        "2024-02-29", "2023-02-29", "2000-02-29", "2026-02-28", "2026-02-30", "2026-04-31", "2026-12-31",
        "2026-13-01", "2026-00-10", "2026-01-00", "1970-01-01", "1969-12-31", "1900-02-29", "2100-01-01",
        "2099-12-31", "0000-01-01", "9999-12-31", "20260101", "2026-W01-1", "2026-1-1", "2026/01/01",
        "\uff12026-01-01",
    )),
    *(f'"2026-11-24T{time}"' for time in (
        "12:00:00", "12:00:00Z", "12:00:00z", "24:00:00Z", "23:59:60Z", "23:59:59Z", "12:60:00Z", "12:00Z", "12Z",
        "12:00:00.Z", "12:00:00.1Z", "12:00:00.12Z", "12:00:00.123Z", "12:00:00.1239Z", "12:00:00.123456789Z",
        "12:00:00.9999999999Z", f"12:00:00.{'1' * 40}Z", "12:00:00,123Z", "12:00:00.12aZ", "12:00:00.-12Z",
        "12:00:00+00:00", "12:00:00.5+01:00", "12:00:00-23:59", "12:00:00Z ", " 12:00:00Z", "12:00:00ZZ", "-1:00:00Z",
        "+1:00:00Z", "1\uff12:00:00Z", "12:00:00.1\uff123Z", "12.00.00Z", "120000Z",
    )),
    '"2026-11-24t12:00:00Z"', '"2026-11-24 12:00:00Z"', '"2026-11-24"', '"T"', '"Z"', '"2026-11-24T12:00:00\\u005a"',
]  # fmt: skip
TEXTS = [
    '"1"', '""', '"\\""', '"\\\\"', '"\\u0031"', '"\\ud800"', '"é"', '"\x00"', '"\t"', '"\x7f"', f'"{"i" * 512}"',
    f'"{"i" * 513}"', "1", "null",
]  # fmt: skip
KINDS = ['"like"', '"share"', '"mention"', '"reply"', '"Like"', '"likes"', '"lik"', '""', '"l\\u0069ke"', "null", "0"]
SCALARS = [
    "true", "false", "null", "True", "tru", "nul", "falsey", "truefalse", "0", "-", "-0", "01", "1.", "1.5", "-1.5",
    "1.5.5", "1e5", "1e+", "NaN", "Infinity", "-Infinity", "9" * 17, "9" * 18, "9" * 400, "1e400", "{}", "[]",
    '{"a":1}', "[1,2]", "[", "]", "{", "}", "", "'a'", '"a"', '"', '"\\x"', '"\\u12"', "/**/1",
]  # fmt: skip
POOLS = {
    "id": TEXTS,
    "kind": KINDS,
    "actor": USERS,
    "target": USERS,
    "occurred_at": INSTANTS,
    "object": [*TEXTS, "false"],
    "undo": ["false", "true", "null", "0", '"false"', "False"],
    "mood": SCALARS,
    "": SCALARS,
    "idd": ['"2"'],
    "i\\u0064": ['"2"'],
    "\\u0069d": ['"2"'],
    "ID": ['"2"'],
    "é": ["1"],
    "occurred_at_": ["1"],
}


def chunk_of(values: list[bytes | None], stamps: list[int] | None = None) -> Chunk:
    table = np.zeros((COLUMNS, len(values)), np.int64)
    length = np.array([len(value or b"") for value in values], np.int64)
    table[OFFSET] = np.arange(len(values)) * 2 + 10
    table[STAMP] = stamps or [NOW_MS] * len(values)
    table[VALUE_AT] = 3 + np.cumsum(length) - length
    table[VALUE_LEN] = [-1 if value is None else len(value) for value in values]
    return Chunk(
        "engagements", 0, 10, 10 + 2 * len(values), b'"{,' + b"".join(v or b"" for v in values) + b'"}0', table
    )


def decided(value: bytes | None) -> tuple[object, ...]:
    """Return what the codec and the rules of admission make of one record: the act, or why it is refused."""
    try:
        act = decode_engagement(value)
    except BadRecordError as error:
        return error.reason, error.detail
    if act.occurred_at_ms > NOW_MS + SKEW_MS:
        return (Reason.FROM_THE_FUTURE,)
    identity = (hash_id(act.id, KEY) + 3 * hash_id(act.actor, KEY)) % 2**64
    return identity, act.kind, act.occurred_at_ms / 1000, act.actor, act.target, act.undo


def admitted(values: list[bytes | None]) -> list[tuple[object, ...]]:
    """Return the same of every record, as `admit` decides on all of them at once."""
    chunk = chunk_of(values)
    found = admit(chunk, SETTINGS)
    c, outcomes = found.columns, dict[int, tuple[object, ...]]()
    assert [place for place, _ in found.refused] == sorted({place for place, _ in found.refused})
    for place, error in found.refused:
        rule = error.reason is Reason.FROM_THE_FUTURE
        outcomes[place] = (error.reason,) if rule else (error.reason, error.detail)
    assert found.where.tolist() == sorted(found.where.tolist())
    assert c.offsets.tolist() == chunk.offsets[found.where].tolist()
    for i, place in enumerate(found.where.tolist()):
        actor, target = (c.users.name(int(side[i])) for side in (c.actors, c.targets))
        identity = int(c.acts[i]), int(c.kinds[i]), float(c.at[i])
        outcomes[place] = (*identity, actor, target, bool(found.undos[i]))
        assert c.users.hashes[c.targets[i]] == hash_id(target, KEY)
        assert c.users.homes[c.actors[i]] == partition_of(actor, SETTINGS.partitions)
    names = [c.users.name(i) for i in range(len(c.users.start))]
    assert len(names) == len(set(names))
    assert len(outcomes) == len(values)
    return [outcomes[place] for place in range(len(values))]


def agree(values: list[bytes | None]) -> None:
    assert admitted(values) == [decided(value) for value in values]


def encoded(fields: list[tuple[str, str]], blank: str = "") -> bytes:
    inner = f"{blank},{blank}".join(f'"{name}"{blank}:{blank}{value}' for name, value in fields)
    return f"{blank}{{{blank}{inner}{blank}}}{blank}".encode("utf-8", "surrogatepass")


def doubtful(values: list[bytes]) -> list[int]:
    chunk = chunk_of([*values])
    spans = np.empty((SPANS, len(values)), np.int64)
    return scan(chunk.view, chunk.value_at, chunk.value_len, chunk.timestamps_ms, SKEW_MS, spans)[0].tolist()


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """Return a good record with some fields from the hostile pools, in any order, spaced anyhow, and maybe damaged."""
    fields = list(GOOD.items())
    for name in draw(st.lists(st.sampled_from(sorted(POOLS)), max_size=3)):
        value = draw(st.sampled_from(POOLS[name]))
        places = [i for i, (known, _) in enumerate(fields) if known == name]
        if places and draw(st.integers(0, 3)):
            fields[places[0]] = (name, value)
        else:
            fields.append((name, value))
    if not draw(st.integers(0, 5)):
        fields.pop(draw(st.integers(0, len(fields) - 1)))
    blank = draw(st.sampled_from(["", "", "", " ", "\t", "\n\r ", "\x0b", "\x0c", "\xa0", "\x00"]))
    value = encoded(draw(st.permutations(fields)), blank)
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        value = draw(damaged(value))
    return value


@st.composite
def damaged(draw: st.DrawFn, value: bytes) -> bytes:
    """Return `value` with a few bytes replaced, added, dropped or cut off."""
    at = draw(st.integers(0, len(value)))
    gone = draw(st.integers(0, 3))
    marks = st.sampled_from(list(b'"\\{}[],:0123456789-+.eEtfn aTZz\x00\x1f\x7f\x80\xff\t\n'))
    put = bytes(draw(st.lists(marks | st.integers(0, 255), max_size=3)))
    rest = b"" if not draw(st.integers(0, 7)) else value[at + gone :]
    return value[:at] + put + rest


@given(st.lists(st.none() | st.just(b"") | records(), min_size=1, max_size=30))
def test_hostile_records_are_decided_as_the_codec_decides(values: list[bytes | None]) -> None:
    """Two opinions about one record would let a worker count what another refuses, and a replay differ."""
    agree(values)


@pytest.mark.parametrize("name", sorted(POOLS))
def test_every_hostile_value_of_a_field_is_decided_as_the_codec_decides(name: str) -> None:
    """The known traps of the formats, each by itself: in place, doubled after and doubled before the good one."""
    agree([encoded(list({**GOOD, name: value}.items())) for value in POOLS[name]])
    agree([encoded([*GOOD.items(), (name, value)]) for value in POOLS[name]])
    agree([encoded([(name, value), *GOOD.items()]) for value in POOLS[name]])


def test_one_wrong_byte_anywhere_is_decided_as_the_codec_decides() -> None:
    """Every byte of a good record dropped, doubled, cut at, or replaced by a byte with a meaning."""
    good = encoded([*GOOD.items(), ("object", "null"), ("undo", "false"), ("n", "-10.5")], " ")
    marks = [bytes([c]) for c in b'"\\{}[],: 019-.eTZ\x00\x80']
    agree([good[:at] + put + good[at + 1 :] for at in range(len(good)) for put in (b"", *marks)])
    agree([good[:at] + good[at : at + 1] + good[at:] for at in range(len(good))])
    agree([good[:at] for at in range(len(good))])
    agree([good + tail for tail in (b"{}", b"0", b"\x00", b"\n", b",", b"}", b" x")])


def test_self_engagement_is_refused_by_both() -> None:
    """Equal in bytes or only after normalisation."""
    pairs = [
        ('"x:a"', '"x:a"'),
        ('"x:a"', '"x:\\u0061"'),
        ('"x:\u00e9"', '"x:e\u0301"'),
        ('"x:aa"', '"x:ab"'),
        ('"x:a"', '"x:ab"'),
    ]
    agree([encoded(list({**GOOD, "actor": a, "target": b}.items())) for a, b in pairs])


@pytest.mark.parametrize("more", range(-3, 4))
def test_the_size_limit_is_the_same(more: int) -> None:
    """A byte over the limit is refused undecoded."""
    start = encoded([*GOOD.items(), ("x", '"')])[:-1]
    agree([start + b"x" * (16_384 - len(start) - 2 + more) + b'"}'])


def test_plain_records_are_not_left_to_the_codec() -> None:
    """A scan that doubted everything would agree, too, and be for nothing."""
    plain = [
        encoded(list({**GOOD, "occurred_at": at}.items())) for at in ("0", "1780000000123", '"2024-02-29T23:59:59Z"')
    ]
    plain += [encoded(list(order)) for order in itertools.permutations(GOOD.items())]
    plain += [
        encoded([*GOOD.items(), extra])
        for extra in (("object", '"x"'), ("object", "null"), ("undo", "false"), ("n", "1.5"), ("s", '""'))
    ]
    plain += [encoded(list(GOOD.items()), blank) for blank in (" ", "\n", "\t", "\r\n")]
    assert not any(doubtful(plain))


@given(st.integers(0, 4_102_444_799_999), st.integers(0, 9))
def test_instants_are_read_to_the_millisecond(ms: int, digits: int) -> None:
    """Calendar arithmetic over the whole range that the contract allows, by text."""
    whole = np.datetime64(ms // 1000, "s")
    fraction = f".{ms % 1000:03d}000000"[: digits + 1] if digits else ""
    value = encoded(list({**GOOD, "occurred_at": f'"{whole}{fraction}Z"'}.items()))
    chunk = chunk_of([value], [4_102_444_800_000])
    spans = np.empty((SPANS, 1), np.int64)
    found = scan(chunk.view, chunk.value_at, chunk.value_len, chunk.timestamps_ms, SKEW_MS, spans)
    assert not found[0][0]
    assert found[2][0] == decode_engagement(value).occurred_at_ms

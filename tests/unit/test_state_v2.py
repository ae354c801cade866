"""What a release of state 2 left behind: the log of what was granted, and credits that take something back."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from agents.cli.counts import _lines
from schemas.codec import decode_engagement
from schemas.credit import UNDO, decode_credits
from schemas.errors import BadRecordError, BrokenGuaranteeError
from schemas.granted import GRANTED_VERSION
from schemas.kinds import KINDS
from streams.engine.layout import GRANTED_MARK, STATE
from streams.engine.partition import Partition
from streams.model.parameters import PROFILES
from streams.settings import Settings
from tests.fixtures.golden import document, records, restored
from tests.fixtures.make_state import layouts

CORPUS = "state-v2"
EXPECTED = document(CORPUS, "expected")
NUMBERS = range(EXPECTED["partitions"])


def _partitions() -> list[Partition]:
    kept = records(CORPUS, "users_changelog")
    return [restored(kept, number, Settings().hash_key.encode()) for number in NUMBERS]


def _acts(number: int, *, undo: bool) -> list[int]:
    """Return the offsets of the engagements of a partition that are undos, or acts."""
    found, mine = [], [r for r in records(CORPUS, "engagements") if r.partition == number]
    for offset, record in enumerate(mine):
        try:
            if decode_engagement(record.value).undo is undo:
                found.append(offset)
        except BadRecordError:
            continue
    return found


def test_the_log_of_what_was_granted_is_read() -> None:
    """Each act with its offset, and each undo with that of what took the act back."""
    for partition in _partitions():
        entries = partition.granted.entries
        is_undo = entries["marks"] & UNDO != 0
        assert entries["offset"][~is_undo].tolist() == _acts(partition.number, undo=False)
        assert entries["offset"][is_undo].tolist() == _acts(partition.number, undo=True)
        assert set(entries["key"][is_undo]) <= set(entries["key"][~is_undo])


def test_an_undo_of_an_older_owner_is_not_taken_again() -> None:
    """What it took back is known to whoever reads its state."""
    (partition, *_) = _partitions()
    log = partition.granted
    undo = log.entries[log.entries["marks"] & UNDO != 0][0]
    again = log.take(int(undo["key"]), float(undo["at"]), log.position + 1)
    assert str(again) == "Refusal.REPEATED"


def test_counts_and_masses_are_the_recorded_ones_without_what_was_taken_back() -> None:
    """Every user is there, and so is nothing that was taken back."""
    at_s = EXPECTED["as_of_ms"] / 1000
    lines = {line["user"]: line for part in _partitions() for line in _lines(part, at_s, PROFILES["default"])}
    assert lines == {each["user"]: each | {"raw": pytest.approx(each["raw"], rel=1e-12)} for each in EXPECTED["counts"]}
    told = [json.loads(r.value or b"") for r in records(CORPUS, "engagements") if r.value != b'{"id": "torn']
    owed = Counter((each["target"], each["kind"]) for each in told if not each.get("undo"))
    owed.subtract((each["target"], each["kind"]) for each in told if each.get("undo"))
    found = {(user, kind): line["received"].get(kind, 0) for user, line in lines.items() for kind in KINDS}
    assert found == {key: owed[key] for key in found}
    assert sum(owed.values()) == 108


def test_credits_say_which_act_they_take_back() -> None:
    """Credits in flight over an upgrade."""
    undone: dict[int, list[int]] = {number: [] for number in NUMBERS}
    for record in records(CORPUS, "credits"):
        c = decode_credits(record.value or b"")
        assert len(c.undone) == np.count_nonzero(c.events["flags"] & UNDO)
        undone[c.source] += c.undone.tolist()
    for number, offsets in undone.items():
        assert len(set(offsets)) == len(offsets) == len(_acts(number, undo=True))
        assert set(offsets) <= set(_acts(number, undo=False))


def test_the_state_s_version_and_layouts_are_those_of_the_release() -> None:
    """A layout that changes raises its version."""
    now = layouts()
    changed = {name for name, then in EXPECTED["layouts"].items() if now[name] != then}
    assert [name for name in changed if now[name]["version"] == EXPECTED["layouts"][name]["version"]] == []
    marks = {r.key for r in records(CORPUS, "users_changelog") if (r.key or b"").startswith(STATE)}
    assert marks == {STATE + b"%d" % EXPECTED["state"]}


def test_a_newer_log_is_refused() -> None:
    """Its entries would be read as other amounts."""
    kept = [r for r in records(CORPUS, "users_changelog") if r.partition == 0]
    place = next(i for i, r in enumerate(kept) if (r.key or b"\0")[0] == GRANTED_MARK)
    kept[place] = kept[place]._replace(value=bytes((GRANTED_VERSION + 1,)) + (kept[place].value or b"")[1:])
    with pytest.raises(BrokenGuaranteeError, match="by a newer release: layout version 2, this release reads up to 1"):
        restored(kept, 0, Settings().hash_key.encode())

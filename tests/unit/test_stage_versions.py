"""Score versions grow for ever, over crashes at any moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.stages.versions import BLOCK, Versions


def test_nothing_is_used_before_a_reserve_is_durable() -> None:
    """A version that a successor might use again would let an old score win."""
    versions = Versions(None)
    assert versions.room() == 0
    assert versions.reserve() is not None
    assert versions.room() == 0
    versions.reserved()
    assert versions.room() == BLOCK


@given(st.lists(st.tuples(st.integers(1, 5000), st.booleans()), max_size=30))
def test_every_version_is_greater_than_all_before_whenever_the_owner_dies(steps: list[tuple[int, bool]]) -> None:
    """`durable` is what the changelog holds; a crash forgets everything else."""
    durable: bytes | None = None
    versions, greatest = Versions(durable), -1
    for count, crash in steps:
        if crash:
            versions = Versions(durable)
        stored = versions.reserve()
        if stored is not None:
            durable = stored
        versions.reserved()
        taken = versions.take(min(count, versions.room()))
        assert taken[0] > greatest
        greatest = int(taken[-1])

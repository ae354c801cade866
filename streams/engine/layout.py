"""How the users table lies in its changelog.

user    key = id bytes (first byte >= 0x20)         value = USER_VERSION, row of dtype USER; null = left
pair    key = 0x01, other's hash (8 LE), id bytes   value = PAIR_VERSION, slot of dtype PAIR; null = removed
granted key = 0x02, offset of the first (8 BE)      value = GRANTED_VERSION, entries of dtype GRANTED; null = expired
meta    key = 0x00, name                            value = whatever the stage keeps
claim   key = 0x00 "claim"                          value = producer id and epoch of the owner
state   key = 0x00 "state ", STATE_VERSION          value = empty: an owner of that release has written here

The state's version governs what has none of its own: the metas, and which kinds of keys there are. It is part of
its key, so that no older owner's can take its place when the log is compacted.
"""

from __future__ import annotations

from typing import Final

from schemas.granted import GRANTED
from schemas.rows import PAIR, PAIR_VERSION, USER, USER_VERSION

META: Final = 0x00
PAIR_MARK: Final = 0x01
GRANTED_MARK: Final = 0x02
FIRST_OF_ID: Final = 0x20
PAIR_PREFIX: Final = 9
GRANTED_KEY: Final = 9
CLAIM: Final = b"\x00claim"
PROBE: Final = b"\x00probe"
OWN: Final = frozenset({CLAIM, PROBE})
"""Keys that the engine writes for itself; no meta of a stage may use them, nor begin like STATE."""
STATE_VERSION: Final = 2
STATE: Final = b"\x00state "
USER_BYTES: Final = 1 + USER.itemsize
PAIR_BYTES: Final = 1 + PAIR.itemsize
GRANTED_BYTES: Final = GRANTED.itemsize
"""Of one entry; a value holds any number behind its version."""
VERSIONS: Final = (USER_VERSION, PAIR_VERSION)

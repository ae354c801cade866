"""The four kinds of engagement and their codes: the code is the column index in every table."""

from __future__ import annotations

from typing import Final

KINDS: Final = ("like", "share", "mention", "reply")
KIND_CODE: Final = {kind: code for code, kind in enumerate(KINDS)}

"""What the contract suite needs of a source's local feed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from deploy.local.state import StackState

Told = tuple[str, bool]
"""An engagement's id and whether it is an undo."""


class Feed(Protocol):
    """A feed that can be let go step by step; it cuts connections, repeats frames and sends garbage by itself."""

    def __init__(self, folder: Path, stack: StackState) -> None: ...

    @property
    def arguments(self) -> Sequence[str]:
        """Options of `renown collect <source>` that lead here."""

    @property
    def ends(self) -> bool:
        """Whether the collector ends by itself after the last frame."""

    @property
    def cursors(self) -> bool:
        """Whether the feed can be taken up at a cursor; who posts to us sends again what was not answered."""

    @property
    def garbage(self) -> Sequence[bytes]:
        """Frames that must become dead letters, each as it is sent."""

    @property
    def asked(self) -> Sequence[str | None]:
        """The cursor that each connection so far asked for; one entry where there are no connections."""

    def told(self, after: str | None = None) -> set[Told]:
        """Return what must arrive of the whole feed, or of what is after a cursor."""

    def middle(self) -> str:
        """Return a cursor with something before and after it."""

    def release(self, share: float) -> None:
        """Let the first `share` of the feed go."""

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *_: object) -> None: ...

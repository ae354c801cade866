"""Faust's table manager without the second that it sleeps before it lets the consumer subscribe."""

from __future__ import annotations

from faust.tables.manager import TableManager


class Tables(TableManager):
    """Registers the changelog at once: all tables are made before the app starts, so there is nothing to wait for."""

    async def on_start(self) -> None:
        """Let the consumer subscribe, and recovery begin."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()

"""What can go wrong with a measurement."""

from __future__ import annotations

from schemas.errors import RenownError


class BenchError(RenownError):
    """A measurement could not be made; says why."""


class InexactError(BenchError):
    """The tables do not hold exactly what was sent: no speed makes up for that."""

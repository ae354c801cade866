"""One kind of engagement in a payload: what is looked at, when it counts, and what its fields are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Self

from agents.ingest.mapping.expressions import Expression, Scope, Template
from schemas.errors import BadRecordError, BadSettingError, shown
from schemas.reasons import Reason

NAMES: Final = frozenset({"payload", "headers", "values", "received_at"})
"""What expressions can ask for; `each` binds others."""
_MS: Final = {"s": 1000, "ms": 1}
_LATEST: Final = Decimal(10) ** 16


@dataclass(frozen=True, slots=True)
class Rule:
    """An `[[engagement]]` of a mapping, compiled."""

    each: tuple[tuple[str, Expression], ...]
    when: Expression | None
    once: Template | None
    fields: Mapping[str, Template]
    unit: str
    object: Template | None
    undo: Expression | None

    @classmethod
    def compiled(
        cls, where: str, each: Mapping[str, str], when: str, once: str, fields: Mapping[str, str], unit: str,
        upon: str, undo: str,
    ) -> Self:  # fmt: skip
        """Return the rule of these texts, empty ones absent; BadSettingError for what is no JMESPath."""
        if taken := sorted(NAMES & each.keys()):
            raise BadSettingError(f"{where} each", taken[0], f"is taken; choose another name than {', '.join(NAMES)}")
        return cls(
            tuple((name, Expression(text, f"{where} each.{name}")) for name, text in each.items()),
            Expression(when, f"{where} when") if when else None,
            Template(once, f"{where} once") if once else None,
            {name: Template(text, f"{where} {name}") for name, text in fields.items()},
            unit,
            Template(upon, f"{where} object") if upon else None,
            Expression(undo, f"{where} undo") if undo else None,
        )

    def scopes(self, scope: Scope) -> Iterator[Scope]:
        """Yield a scope for every item that counts."""
        yield from (found for found in _bound(self.each, scope) if self.when is None or self.when.holds(found))

    def engagement(self, scope: Scope) -> dict[str, Any]:
        """Return the contract's fields; BadRecordError when one cannot be made."""
        found: dict[str, Any] = {name: template.text(scope) for name, template in self.fields.items()}
        if self.unit in _MS:
            found["occurred_at"] = _epoch_ms(found["occurred_at"], _MS[self.unit])
        if self.object is not None:
            found["object"] = self._object(scope)
        if self.undo is not None and self.undo.holds(scope):
            found["undo"] = True
        return found

    def _object(self, scope: Scope) -> str | None:
        assert self.object is not None
        try:
            return self.object.text(scope)
        except BadRecordError:
            return None


def _bound(each: tuple[tuple[str, Expression], ...], scope: Scope) -> Iterator[Scope]:
    """Yield scopes with every name bound to every item; what is no list counts as one item, null as none."""
    if not each:
        yield scope
        return
    name, expression = each[0]
    found = expression.value(scope)
    items = found if isinstance(found, list) else [] if found is None else [found]
    for item in items:
        yield from _bound(each[1:], {**scope, name: item})


def _epoch_ms(text: str, factor: int) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not (number.is_finite() and abs(number) < _LATEST):
        raise BadRecordError(Reason.INVALID_FIELD, f"occurred_at={shown(text)}: a number is needed")
    return int(number * factor)

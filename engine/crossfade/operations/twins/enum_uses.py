"""What needs an enum, and does not go over to its successor together with the columns: it is refused by name. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.twins.carry import policies, triggers
from crossfade.operations.views import recreate

if TYPE_CHECKING:
    from crossfade.operations.twins.exchange import Exchange
    from crossfade.postgres.catalog import DataType, QualifiedName, TypeUse


def refusals(enum: DataType, exchanges: tuple[Exchange, ...]) -> Iterator[Refusal]:
    """What would keep the enum from being dropped, and what cannot be carried over because it is of two tables."""
    travelling = tuple(_Travelling.of(exchange) for exchange in exchanges)
    for use in enum.uses:
        if not any(t.has(use) for t in travelling):
            yield Refusal(
                code="dependent",
                object=use.described,
                message=f"it needs the enum {enum.name}, and cannot be carried over to another one.",
                instead="Drop it first, and make it anew after contract."
                if use.kind != "column"
                else "Give the column another type first, or drop it.",
            )
    yield from _of_several(enum, travelling)


def _of_several(enum: DataType, travelling: tuple[_Travelling, ...]) -> Iterator[Refusal]:
    times = Counter(what for t in travelling for what in t.apart)
    for what, tables in times.items():
        if tables > 1:
            yield Refusal(
                code="dependent",
                object=what,
                message=f"it uses columns of the enum {enum.name} in {tables} tables, which go over one after the "
                "other.",
                instead="Drop it first, and make it anew after contract.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Travelling:
    """What goes over with the columns of one table."""

    columns: frozenset[tuple[QualifiedName, str]]
    constraints: frozenset[tuple[QualifiedName, str]]
    indexes: frozenset[tuple[QualifiedName, str]]
    policies: frozenset[tuple[QualifiedName, str]]
    triggers: frozenset[tuple[QualifiedName, str]]
    statistics: frozenset[str]
    functions: frozenset[str]
    views: frozenset[QualifiedName]

    @classmethod
    def of(cls, exchange: Exchange) -> _Travelling:
        """As `carry` finds it."""
        family, columns = exchange.family, exchange.columns
        named = {found.trigger.name for found in triggers.over(family, columns)}
        return cls(
            columns=frozenset((member.name, column) for member in family for column in columns),
            constraints=frozenset((m.name, c.name) for m in family for c in m.constraints if columns & {*c.columns}),
            indexes=frozenset((m.name, i.name.name) for m in family for i in m.indexes if columns & i.references),
            policies=frozenset((policy.table, policy.name) for policy in policies.over(family, columns)),
            # A partition's clone of one follows it.
            triggers=frozenset((member.name, name) for member in family for name in named),
            statistics=frozenset(s.name.name for m in family for s in m.extended_statistics if columns & {*s.columns}),
            functions=frozenset(f.name for m in family for f in m.sql_functions if columns & {*f.columns}),
            views=frozenset(view.name for view in recreate.over(exchange.catalog, exchange.table, columns)),
        )

    @property
    def apart(self) -> Iterator[str]:
        """What need not belong to the one table."""
        yield from (f"view {name}" for name in sorted(self.views))
        yield from (f"function {name}" for name in sorted(self.functions))
        yield from (f"policy {name} on {table}" for table, name in sorted(self.policies))

    def has(self, use: TypeUse) -> bool:
        """Whether this is among it; all that belongs to a view is."""
        if use.relation in self.views:
            return True
        if use.kind in ("statistics", "function"):
            return use.name in (self.statistics if use.kind == "statistics" else self.functions)
        found = {
            "column": self.columns,
            "default": self.columns,
            "constraint": self.constraints,
            "index": self.indexes,
            "policy": self.policies,
            "trigger": self.triggers,
        }.get(use.kind)
        return found is not None and (use.relation, use.name) in found

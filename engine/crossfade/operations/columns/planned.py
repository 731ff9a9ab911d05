"""A change in the middle of its plan, as refusals of pairs of changes look at it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.operations.step import Part, Turn
from crossfade.postgres.forecast.trees import parse

if TYPE_CHECKING:
    from crossfade.operations.step import Compiled
    from crossfade.plan.changes.fields import ChangeModel
    from crossfade.postgres.catalog import Catalog, Table

Moment: TypeAlias = tuple[int, Turn]
"""A part, by its place in the order of execution, and a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A change of the plan, and the catalog before it."""

    number: int
    change: ChangeModel
    compiled: Compiled
    before: Catalog

    @property
    def shown(self) -> str:
        """As messages name it: `change 2 (set_not_null)`."""
        return f"change {self.number} ({self.change.kind})"

    def of_tables(self) -> Iterator[tuple[Table, Table]]:
        """Each table that it leaves otherwise, before it and after it."""
        after = {t.oid: t for t in self.compiled.catalog.tables if t.oid}
        for table in self.before.tables:
            other = after.get(table.oid)
            if other is not None and other is not table:
                yield table, other

    def shares_table_with(self, other: Planned) -> bool:
        """Whether both leave some table otherwise."""
        return bool({t.oid for t, _ in self.of_tables()} & {t.oid for t, _ in other.of_tables()})

    def statements(self) -> Iterator[tuple[Moment, Any]]:
        """What its steps send, as trees, and when."""
        parts = list(Part)
        for step in self.compiled.steps:
            for statement in step.statements:
                yield from (((parts.index(step.part), step.turn), node) for node in parse(statement.text))

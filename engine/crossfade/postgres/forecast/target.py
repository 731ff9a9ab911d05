"""The relation that a statement alters, and how far down its family the statement goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.postgres.catalog import QualifiedName, Table
    from crossfade.postgres.forecast.draft import Draft
    from crossfade.postgres.statement import LockMode


class Reach(Enum):
    """Who is altered with the relation, unless the statement says ONLY."""

    ALONE = "nobody"
    PARTITIONS = "its partitions, all the way down"
    FAMILY = "its partitions and inheritance children, all the way down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The relation by its name now, with the statement's lock mode."""

    name: QualifiedName
    mode: LockMode
    only: bool
    """The statement says ONLY."""
    reach: Reach = Reach.ALONE

    def table(self, draft: Draft) -> Table:
        """The relation itself, as it is now."""
        return draft.schema.tables[self.name]

    def members(self, draft: Draft) -> tuple[Table, ...]:
        """Itself and those altered with it, as they are now."""
        table = self.table(draft)
        if self.only or self.reach is Reach.ALONE:
            return (table,)
        if self.reach is Reach.PARTITIONS and table.kind != "partitioned":
            return (table,)
        return draft.schema.family(self.name)

    def nearest(self, draft: Draft) -> tuple[Table, ...]:
        """Its partitions and children of the first generation, which learn even of an ONLY that something is gone."""
        table, known = self.table(draft), draft.schema.tables
        return tuple(known[name] for name in (*table.partitions, *table.children) if name in known)

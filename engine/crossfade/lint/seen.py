"""What rules are shown: a statement, a migration and a project, each with the model of the schema around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crossfade.lint.naming import ANY_NAME, Naming
from crossfade.migrations.typed import Enums
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.postgres.forecast.trees import below

if TYPE_CHECKING:
    from crossfade.migrations.migration import Migration, Project, Tool
    from crossfade.migrations.script import SqlStatement
    from crossfade.postgres.catalog import Column, Table
    from crossfade.postgres.forecast import Forecast, Schema
    from crossfade.postgres.statement import LockMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lock that an earlier statement of the transaction has taken, and that is kept until its end."""

    mode: LockMode
    by: SqlStatement


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenStatement:
    """A statement, and the schema before and after it; two are equal only if they are the same one."""

    statement: SqlStatement
    at_first: Schema
    """The schema before the first statement of its way."""
    before: Schema
    after: Schema
    forecast: Forecast
    in_transaction: bool
    """Whether it runs in a transaction block."""
    begun_by_file: bool = False
    """The file has begun that block itself; else it is the tool's."""
    sent_whole: bool = False
    """The tool sends the file as one text of several statements, which the server takes for one transaction."""
    tool: Tool
    """Who applies the file."""
    held: Mapping[str, Held]
    """Locks of earlier statements of the same transaction, by relation as forecasts name them."""
    transaction: object
    """The transaction that it runs in, the same object for all of its statements; outside of a block one of its own."""
    goes_back: bool
    """It is of the migration's way down."""
    fixed: Fixed = NOTHING_FIXED
    """What nothing may change, by the project's settings."""
    naming: Naming = ANY_NAME
    """How things are called, by the project's settings."""
    inside: str | None = None
    """What it is in the body of: `a DO block`, `the function f`; None for the file itself."""
    runs: bool = True
    """Whether it runs with the migration; else it is in a function that the migration makes and does not call."""

    @property
    def tree(self) -> Any:
        """pglast's node."""
        return self.statement.tree

    @property
    def nodes(self) -> tuple[Any, ...]:
        """Every node of it."""
        return _nodes(self)

    @property
    def goes_forward(self) -> bool:
        """It runs with the way up; what goes back, or is in a function, breaks no running version."""
        return self.runs and not self.goes_back

    def existing(self, relation: Any) -> Table | None:
        """The table of a RangeVar, if others can see it: it was there before the migration."""
        table = self.before.find(relation.schemaname, relation.relname)
        return table if table is not None and table.name in self.before.origins else None

    def existing_column(self, relation: Any, name: str) -> Column | None:
        """The column of such a table, if others can see it too; one that no file has made is taken to be there."""
        table = self.existing(relation)
        column = table.column(name) if table is not None else None
        if table is None or column is None:
            return None
        first = self.at_first.tables.get(self.before.origins[table.name])
        was_there = first is not None and first.column(name) is not None
        return column if was_there or column.type == "unknown" else None


# Rules ask for them one after the other.
@lru_cache(maxsize=2)
def _nodes(seen: SeenStatement) -> tuple[Any, ...]:
    return tuple(below(seen.tree))


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMigration:
    """A migration with its statements as they were seen, both ways."""

    migration: Migration
    project: Project
    before: Schema
    after: Schema
    up: tuple[SeenStatement, ...]
    down: tuple[SeenStatement, ...] = ()
    naming: Naming = ANY_NAME
    """How migrations are called, by the project's settings."""

    @property
    def steps(self) -> tuple[SeenStatement, ...]:
        """The statements of the way up that run with it, without those of functions that it makes."""
        return tuple(seen for seen in self.up if seen.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenProject:
    """A project with its migrations as they were seen, in order."""

    project: Project
    migrations: tuple[SeenMigration, ...]
    enums: Enums = field(default_factory=Enums)
    """Those that are there before the first of them that is not applied."""

"""A migration that is imported, with what its statements find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.migrations.typed import Enums

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry
    from crossfade.migrations.migration import Migration, Problem, Tool
    from crossfade.migrations.script import SqlStatement, Unreadable, Unsent
    from crossfade.plan.names import TableName
    from crossfade.postgres.forecast import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A statement of the way up, and the schema that it finds."""

    statement: SqlStatement
    before: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A migration, as its tool's history tells it."""

    tool: Tool
    migration: Migration
    steps: tuple[Step, ...]
    entry: Entry
    """As the tool's history has it, or would have."""
    enums: Enums
    """Before its first statement."""
    history: TableName | None = None
    """The tool's table, where it is not its usual one."""
    refused: tuple[Problem, ...] = ()
    """Statements that are in no plan because nothing may do what they do."""

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """What of it is no SQL."""
        return self.migration.up.unreadable

    @property
    def unsent(self) -> tuple[Unsent, ...]:
        """What of it the server gets otherwise than it stands, which only its tool can send."""
        return self.migration.up.unsent

    @property
    def enums_after(self) -> Enums:
        """The labels of enums as it leaves them."""
        found = self.enums
        for step in self.steps:
            found = found.after(step.statement.tree, step.before)
        return found

"""ADD COLUMN on a table that others see, and why it reads or writes the rows that are there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crossfade.lint.commands import Command, commands
from crossfade.lint.stepwise import not_null, without_clauses
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.added_column import added_column
from crossfade.postgres.forecast.type_names import is_serial
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.migrations.script import Position
    from crossfade.postgres.catalog import Column

_NUMBERED = {"int2": "smallint", "int4": "integer", "int8": "bigint"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewColumn:
    """A column that is added to a table with rows."""

    command: Command
    column: Column
    rewrites: bool
    """Whatever its constraints are."""
    scans: bool
    has_default: bool
    clauses: Mapping[str, Any]
    """Its constraints by their kind: `CHECK`."""
    at: Position

    @property
    def is_numbered(self) -> bool:
        """Each row takes the next number of a sequence."""
        return is_serial(self.command.node.def_.typeName) or self.column.identity is not None

    @property
    def shown(self) -> str:
        """The table as SQL."""
        return table_of(self.command.relation)

    @property
    def dear_clauses(self) -> tuple[Any, ...]:
        """Its constraints that rows are read for: a foreign key only where they get a value, NOT NULL if virtual."""
        dear = {"CHECK", "UNIQUE", "PRIMARY"}
        dear |= {"FOREIGN"} if self.has_default else set[str]()
        dear |= {"NOTNULL"} if self.column.generated == "virtual" else set[str]()
        declared = self.command.node.def_.constraints or ()
        return tuple(c for c in declared if c.contype.name.removeprefix("CONSTR_") in dear)

    def plain(self, *without: str) -> str:
        """ADD COLUMN without these clauses, and without those that rows are read for."""
        dear = (c.contype.name.removeprefix("CONSTR_") for c in self.dear_clauses)
        return without_clauses(self.command.relation, self.command.node, *without, *dear)

    def and_not_null(self) -> list[str]:
        """What makes it NOT NULL once it is filled, if it is to be so."""
        wanted = self.column.not_null
        return [not_null(self.command.relation, self.command.table.name.name, self.column.name)] if wanted else []


# Several rules ask for the columns of a statement, one rule after the other.
@lru_cache(maxsize=8)
def new_columns(seen: SeenStatement) -> tuple[NewColumn, ...]:
    """Those that rows are read or written for."""
    return tuple(_new_columns(seen))


def _new_columns(seen: SeenStatement) -> Iterator[NewColumn]:
    for command in commands(seen, "AddColumn"):
        if command.works_behind_lock:
            yield new_column(seen, command)


def new_column(seen: SeenStatement, command: Command) -> NewColumn:
    """The one that an ADD COLUMN of the statement adds."""
    definition = command.node.def_
    added = added_column(seen.before, command.table, definition)
    return NewColumn(
        command=command,
        column=added.column,
        rewrites=added.rewrites,
        scans=added.scans,
        has_default=added.has_default,
        clauses={c.contype.name.removeprefix("CONSTR_"): c for c in definition.constraints or ()},
        at=seen.statement.at(definition.location),
    )


def named(new: NewColumn) -> str:
    """The column with its table, as messages name it."""
    return f"{new.command.table.name}.{quoted(new.column.name)}"


def number_type(new: NewColumn) -> str:
    """The type of a serial or identity column without its sequence."""
    return _NUMBERED.get(new.column.base_type.name, new.column.type)

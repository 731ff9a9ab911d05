"""New tables with serial columns that other tables of the migration reference.

A foreign key of a table that is there cannot point at what an `sql` change has made in the same plan. So the tables are
made without their sequences, which come last, as SQL: nobody inserts before the plan is through its expand.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import Entry, NotTyped, entry
from crossfade.migrations.typed.groups.group import Match, Reading
from crossfade.migrations.typed.single import needed
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import kind, one_statement
from crossfade.postgres.forecast.type_names import is_serial, read_type
from crossfade.postgres.names import QualifiedName, literal, quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command

_NUMBERS = {"int2": "smallint", "int4": "integer", "int8": "bigint"}


def serial_tables(made: Sequence[Command], referring: Sequence[Command], as_sql: Entry) -> Match:
    """The commands on new tables, and those of others that reference them; `as_sql` is what makes the tables as SQL.

    Where a table is more than serial, the SQL is a plan of its own, and the references are others behind it.
    """
    others = tuple(c for c in (*made, *referring) if c is not made[0])
    try:
        entries = (*chain.from_iterable(map(needed, [*map(_without_sequences, made), *referring])), _sequences(made))
        return Match(others=others, readings=(Reading(entries=entries),), is_late=True)
    except NotTyped:
        entries = (as_sql, *chain.from_iterable(map(needed, referring)))
        return Match(others=others, readings=(Reading(entries=entries, in_turn=True),), is_late=True)


def _without_sequences(command: Command) -> Command:
    if command.does != "CreateStmt":
        return command
    node = copy(command.node)
    node.tableElts = tuple(_plain(part) if _is_serial(part) else part for part in node.tableElts or ())
    return replace(command, node=node, text=None)


def _is_serial(part: Any) -> bool:
    return kind(part) == "ColumnDef" and is_serial(part.typeName)


def number_of(definition: Any) -> str:
    """The type of number that a serial column has: `bigint`."""
    return _NUMBERS[read_type(definition.typeName).name.name]


def plain_type(definition: Any) -> Any:
    """A ColumnDef of a serial column as one of its number."""
    changed = copy(definition)
    changed.typeName = one_statement(f"SELECT NULL::{number_of(definition)}").targetList[0].val.typeName
    return changed


def _plain(definition: Any) -> Any:
    """The same, NOT NULL as a serial column is."""
    from pglast.ast import Constraint
    from pglast.enums import ConstrType

    changed = plain_type(definition)
    others = tuple(c for c in definition.constraints or () if c.contype.name != "CONSTR_NOTNULL")
    changed.constraints = (*others, Constraint(contype=ConstrType.CONSTR_NOTNULL))
    return changed


def sequence_name(table: QualifiedName, column: str) -> str:
    """The sequence that PostgreSQL makes for a serial column, as SQL."""
    return str(QualifiedName(table.schema, chosen_name(table.name, (column,), "seq", ())))


def _sequences(made: Sequence[Command]) -> Entry:
    serial = [(c.table_name, d) for c in made if c.does == "CreateStmt" for d in c.node.tableElts if _is_serial(d)]
    statements, sequences = [], []
    for table, definition in serial:
        sequence, column = sequence_name(table, definition.colname), quoted(definition.colname)
        sequences.append(sequence)
        statements += [
            f"CREATE SEQUENCE {sequence} AS {number_of(definition)} OWNED BY {table}.{column}",
            f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT nextval({literal(sequence)})",
        ]
    back = f"DROP SEQUENCE IF EXISTS {', '.join(sequences)} CASCADE"
    return entry("sql", expand=tuple(statements), rollback=(back,))

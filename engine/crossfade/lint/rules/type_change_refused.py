"""ALTER COLUMN … TYPE that the server refuses, since it is not told how the values become others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.casts import is_refused
from crossfade.lint.declared import alter_commands
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.trees import NotOneStatement
from crossfade.postgres.forecast.type_names import parse_type, read_type
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Column


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if not seen.runs:
        return
    for command in alter_commands(seen, "AlterColumnType"):
        table = seen.before.find(seen.tree.relation.schemaname, seen.tree.relation.relname)
        column = table.column(command.name) if table is not None else None
        if table is None or column is None or not _is_refused(column, command.def_.typeName):
            continue
        shown = f"{table.name}.{quoted(column.name)}"
        if command.def_.raw_default is None:
            yield _without_using(seen, command, column, shown)
        elif column.default is not None and not _drops_default(seen, column.name):
            yield _with_default(seen, command, column, shown)


def _is_refused(column: Column, wanted: Any) -> bool:
    if column.type == "unknown":
        return False
    try:
        return is_refused(parse_type(column.type), read_type(wanted))
    except NotOneStatement:
        return False


def _drops_default(seen: SeenStatement, name: str) -> bool:
    """In the same statement, which does that first."""
    return any(c.name == name and c.def_ is None for c in alter_commands(seen, "ColumnDefault"))


def _without_using(seen: SeenStatement, command: Any, column: Column, shown: str) -> Said:
    wanted = read_type(command.def_.typeName).spelled
    return Said(
        at=seen.statement.at(command.def_.location),
        message=f"fails: {shown} cannot be cast from {column.type} to {wanted} automatically, and there is no USING.",
        instead=f"… TYPE {wanted} USING {quoted(column.name)}::{wanted} …",
        is_planned=True,
    )


def _with_default(seen: SeenStatement, command: Any, column: Column, shown: str) -> Said:
    wanted = read_type(command.def_.typeName).spelled
    alter = f"ALTER TABLE {table_of(seen.tree.relation)} ALTER COLUMN {quoted(column.name)}"
    return Said(
        at=seen.statement.at(command.def_.location),
        message=f"fails: the default of {shown} cannot be cast from {column.type} to {wanted} automatically; USING is "
        "about the rows only.",
        instead=f"{alter} DROP DEFAULT;\n{seen.statement.text};\n{alter} SET DEFAULT …;",
        is_planned=True,
    )


RULE = Rule(
    id="type-change-refused",
    severity=Severity.ERROR,
    summary="a change of type that the server refuses without USING, or for the sake of a default",
    explanation="""
By itself PostgreSQL turns a value into another type only where it would do so in an assignment: numbers into numbers,
dates into timestamps, anything into text. For all else, such as text into integer, ALTER COLUMN … TYPE needs USING and
fails without it. The default of the column is cast as well, and USING does not hold for it: it has to be dropped
before, and set anew.

Where a type is a user's own, or is not known, nothing is said. The change `change_type` takes care of both.
""",
    statement=_statement,
)

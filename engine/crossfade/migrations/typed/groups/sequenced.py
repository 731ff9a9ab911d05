"""ADD COLUMN … serial: a column whose rows get their numbers in batches, from a sequence that is made before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.columns import default_text, parts_of
from crossfade.migrations.typed.entry import entry, unless
from crossfade.migrations.typed.groups.group import Match, Reading
from crossfade.migrations.typed.groups.serial_tables import number_of, plain_type, sequence_name
from crossfade.postgres.forecast.type_names import is_serial
from crossfade.postgres.names import literal, quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest


def serial_column(command: Command, _rest: Rest) -> Match | None:
    """Three plans: the sequence, the column, and that one belongs to the other."""
    if not is_serial(command.action.def_.typeName):
        return None
    definition, number = plain_type(command.action.def_), number_of(command.action.def_)
    unless(
        (not parts_of(definition).keys() <= {"CONSTR_NOTNULL", "CONSTR_NULL"}, "a constraint of a serial column"),
        (default_text(parts_of(definition)) is not None, "a DEFAULT of a serial column"),
        (bool(command.action.missing_ok), "a column that may be there"),
    )
    table, column = command.table_name, definition.colname
    sequence = sequence_name(table, column)
    owner = f"{table}.{quoted(column)}"
    made = entry(
        "sql",
        expand=({"run": f"CREATE SEQUENCE {sequence} AS {number}", "undo": f"DROP SEQUENCE IF EXISTS {sequence}"},),
    )
    added = entry(
        "add_column",
        table=command.table_text,
        name=column,
        type=number,
        nullable=False,
        default=f"nextval({literal(sequence)})",
    )
    owned = entry(
        "sql",
        expand=(
            {
                "run": f"ALTER SEQUENCE {sequence} OWNED BY {owner}",
                "undo": f"ALTER SEQUENCE IF EXISTS {sequence} OWNED BY NONE",
            },
        ),
    )
    return Match(others=(), readings=(Reading(entries=(made, added, owned), in_turn=True),))

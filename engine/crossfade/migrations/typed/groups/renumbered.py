"""A serial column that becomes an identity: DROP DEFAULT, maybe DROP SEQUENCE, ADD GENERATED, maybe setval.

Between the first and the last an INSERT would have to bring its number; all of it touches the catalog alone. So it is
one `sql` change, which is sent in one transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.entry import entry
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_column
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import functions_of, kind, names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest

NO_WAY_BACK = "The sequence that gave the numbers is not brought back."


def serial_to_identity(command: Command, rest: Rest) -> Match | None:
    """From the DROP DEFAULT on; where nothing says how the new numbers begin, behind those that there are."""
    made = on_column(later(rest, command), command, "AddIdentity", command.action.name)
    if command.action.def_ is not None or made is None:
        return None
    own = [made, *_of_sequence(made, later(rest, command))]
    own.sort(key=lambda c: c.number)
    if not _is_indexed(made) or any(
        _is_between(c, command, own) for c in later(rest, command) if c.number < made.number
    ):
        return None
    statements = [c.sql.strip() for c in (command, *own)]
    if not made.action.def_.options and not any(map(_is_setval, own)):
        statements.append(_goes_on(made))
    change = entry("sql", contract=tuple(statements), irreversible=True, reason=NO_WAY_BACK)
    return Match(others=tuple(own), readings=(Reading(entries=(change,)),), is_late=True)


def _of_sequence(made: Command, rest: Rest) -> Iterator[Command]:
    """The DROP of a serial column's sequence, and the setval of the new one, which has the name of that."""
    column = {made.relation.relname, made.action.name}
    name = chosen_name(made.relation.relname, (made.action.name,), "seq", ())
    for other in rest:
        if _drops_sequence(other):
            if names(other.node.objects[0])[-1] == name:
                yield other
        elif _is_setval(other) and other.number > made.number:
            texts = other.touched.texts
            if name in texts or column <= texts:
                yield other


def _is_indexed(made: Command) -> bool:
    """Whether its greatest number is found without reading all of the table, as far as is known."""
    table = made.table
    return table is None or any(index.columns[:1] == (made.action.name,) for index in table.indexes)


def _is_between(other: Command, command: Command, own: Sequence[Command]) -> bool:
    """Whether it is no part of it, and has to stay where it is: another sequence goes, or the column is changed."""
    if other in own:
        return False
    is_of_column = on_column([other], command, other.does, command.action.name) if other.is_alter_table else None
    return is_of_column is not None or _drops_sequence(other)


def _drops_sequence(command: Command) -> bool:
    return command.does == "DropStmt" and bool(command.node.removeType.name == "OBJECT_SEQUENCE")


def _is_setval(command: Command) -> bool:
    return kind(command.node) == "SelectStmt" and any(name[-1] == "setval" for name in functions_of(command.node))


def _goes_on(made: Command) -> str:
    from psycopg import sql

    relation, column = made.relation, made.action.name
    table = sql.Identifier(*(part for part in (relation.schemaname, relation.relname) if part is not None))
    text = sql.SQL("SELECT setval(pg_get_serial_sequence({}, {}), max({})) FROM {}")
    return text.format(table.as_string(), column, sql.Identifier(column), table).as_string()

"""A column whose numbers come from another place: serial, then identity; identity, then serial; another sequence.

DROP DEFAULT or DROP IDENTITY, ADD GENERATED or SET DEFAULT nextval(…), and what is done to the two sequences around.
Between the first and the last an INSERT would have to bring its number; all of it touches the catalog alone. So it is
one `sql` change, which is sent in one transaction. A new type of the column, or NOT NULL, comes before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.columns import column_of
from crossfade.migrations.typed.entry import entry
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_column, on_table
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import below, functions_of, kind, names, option
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.entry import Entry
    from crossfade.migrations.typed.groups.group import Rest

NO_WAY_BACK = "The sequence that gave the numbers is not brought back."
_OF_COLUMN = "SELECT setval(pg_get_serial_sequence({named}, {spelled}), max({column})) FROM {table}"
_OF_IDENTITY = (
    "SELECT setval(d.objid::regclass, (SELECT max({column}) FROM {table})) FROM pg_depend d JOIN pg_attribute a "
    "ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_class'::regclass "
    "AND d.refobjid = {named}::regclass AND d.deptype = 'i' AND a.attname = {spelled}"
)
_OF_NUMBERS = frozenset({"ColumnDefault", "AddIdentity", "SetIdentity", "DropIdentity", "DropColumn"})
"""What of the same column has to stay where it is."""
_NUMBERS = frozenset({"smallint", "integer", "bigint", "unknown"})


def renumbered(command: Command, rest: Rest) -> Match | None:
    """From the DROP on, or SET DEFAULT alone where the sequence is set to what is there by then.

    Where nothing says how the numbers of an identity begin, they do behind those that there are.
    """
    given = command if _calls(command, "nextval") else _given(command, later(rest, command))
    if given is None:
        return None
    own = [*dict.fromkeys((command, given)), *_of_sequences(command, given, rest)]
    own.sort(key=lambda c: c.number)
    if given is command and (not any(_calls(c, "setval") for c in own) or _is_new(command, rest)):
        return None
    between = [c for c in rest if own[0].number < c.number < given.number and c not in own]
    if any(_has_to_stay(c, command, own) for c in between):
        return None
    return Match(others=tuple(c for c in own if c is not command), readings=_readings(given, own), is_late=True)


def _is_new(command: Command, rest: Rest) -> bool:
    """Whether the migration has made the table."""
    return any(on_table(rest, command, "CreateStmt"))


def _given(command: Command, rest: Rest) -> Command | None:
    """What gives the numbers from then on, once none are, if nothing else is said of them before."""
    if command.does == "ColumnDefault" and command.action.def_ is not None:
        return None
    of_column = (c for c in rest if c.does in _OF_NUMBERS and on_column([c], command, c.does, command.action.name))
    first = next(of_column, None)
    is_new = first is not None and (first.does == "AddIdentity" or _calls(first, "nextval"))
    return first if is_new else None


def _of_sequences(command: Command, given: Command, rest: Rest) -> Iterator[Command]:
    """What is done to the sequence that gave the numbers, and to the one that is going to."""
    column = {given.relation.relname, given.action.name}
    old = {chosen_name(given.relation.relname, (given.action.name,), "seq", ())}
    new = old if given.does == "AddIdentity" else {*_quoted_names(given)}
    for other in rest:
        is_behind = other.number > command.number
        if _drops_sequence(other):
            name = names(other.node.objects[0])[-1]
            is_meant = name in old | new or (other.number < given.number and not _is_of_another(name, given))
            if is_behind and is_meant:
                yield other
        elif _calls(other, "setval"):
            is_of_new = bool({*_quoted_names(other)} & new) or column <= other.touched.texts
            if is_of_new and (other.number > given.number or given.does != "AddIdentity"):
                yield other
        elif not _sequence_names(other).isdisjoint(old | new if is_behind else new - old):
            yield other


def _sequence_names(command: Command) -> set[str | None]:
    """Of the sequence that it makes, alters or renames."""
    node, what = command.node, command.does
    if what in {"AlterSeqStmt", "CreateSeqStmt"}:
        return {node.sequence.relname}
    is_renamed = what == "RenameStmt" and node.renameType.name == "OBJECT_SEQUENCE"
    return {node.relation.relname, node.newname} if is_renamed else set()


def _is_of_another(sequence: str, given: Command) -> bool:
    """Whether it has the name that PostgreSQL chooses for the sequence of another column."""
    return any(
        chosen_name(table.name.name, (column.name,), "seq", ()) == sequence
        for table in given.before.tables.values()
        for column in table.columns
    )


def _has_to_stay(other: Command, command: Command, own: Sequence[Command]) -> bool:
    """Whether it is about a sequence of the change, or of a kind that cannot come before it."""
    made = {name for c in own for name in _sequence_names(c)}
    if other.does == "AlterColumnType" and on_column([other], command, other.does, command.action.name):
        column = column_of(command)
        # Its default would be converted too.
        return column is not None and column.type not in _NUMBERS
    return not made.isdisjoint(other.touched.texts)


def _readings(given: Command, own: Sequence[Command]) -> tuple[Reading, ...]:
    statements = [c.sql.strip() for c in own]
    plain, table = Reading(entries=(_change(statements),)), quoted(given.relation.relname)
    if given.does != "AddIdentity":
        return (plain,)
    behind = [c for c in own if c.number > given.number and _calls(c, "setval")]
    is_read = any(_reads_table(c, given) for c in behind)
    if is_read and not _is_indexed(given):
        words = f"all of {table} is read under its lock for the greatest number, since no index has it"
        return (Reading(entries=plain.entries, meaning=words, is_guess=True),)
    if behind or _begins(given):
        return (plain,)
    is_alone = any(map(_drops_sequence, own))
    goes_on = (_change([*statements, _goes_on(given, is_alone=is_alone)]),)
    if _is_indexed(given):
        return (Reading(entries=goes_on),)
    words = f"the numbers go on, and all of {table} is read under its lock for the greatest, since no index has it"
    return (
        Reading(entries=goes_on, meaning=words),
        Reading(entries=plain.entries, meaning="the numbers begin at 1, whatever numbers there are"),
    )


def _begins(given: Command) -> bool:
    """Whether it says how the numbers begin, other than with the one that is usual."""
    start = option(given.action.def_.options, "start")
    return start is not None and getattr(start.arg, "ival", None) != 1


def _change(statements: Sequence[str]) -> Entry:
    return entry("sql", contract=tuple(statements), irreversible=True, reason=NO_WAY_BACK)


def _is_indexed(given: Command) -> bool:
    """Whether its greatest number is found without reading all of the table, as far as is known."""
    table = given.table
    return table is None or any(index.columns[:1] == (given.action.name,) for index in table.indexes)


def _reads_table(command: Command, given: Command) -> bool:
    return any(kind(n) == "RangeVar" and n.relname == given.relation.relname for n in below(command.node))


def _drops_sequence(command: Command) -> bool:
    return command.does == "DropStmt" and bool(command.node.removeType.name == "OBJECT_SEQUENCE")


def _calls(command: Command, function: str) -> bool:
    """Whether it is a SELECT, or a subcommand, that calls the function once."""
    is_meant = command.is_alter_table or command.does == "SelectStmt"
    return is_meant and sum(name[-1] == function for name in functions_of(command.node)) == 1


def _quoted_names(command: Command) -> Iterator[str]:
    """What stands in quotes, as in nextval('…'), without its schema."""
    for node in below(command.node):
        if kind(node) == "A_Const" and kind(node.val) == "String":
            yield node.val.sval.rpartition(".")[2].strip('"')


def _goes_on(made: Command, *, is_alone: bool) -> str:
    """Of the column's sequence, or, where the serial's is still there too, of the one that the identity has made."""
    from psycopg import sql

    relation, column = made.relation, made.action.name
    table = sql.Identifier(*(part for part in (relation.schemaname, relation.relname) if part is not None))
    text = sql.SQL(_OF_COLUMN if is_alone else _OF_IDENTITY)
    return text.format(table=table, named=table.as_string(), column=sql.Identifier(column), spelled=column).as_string()

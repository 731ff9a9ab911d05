"""DROP TABLE and CREATE TABLE with equal columns: a rename, or not.

What is done besides belongs to it: constraints and indexes that the new table gets under names of its own, foreign keys
of the old one and those that point at it, dropped before and added again behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.migrations.typed.command import dropped
from crossfade.migrations.typed.constraints import find
from crossfade.migrations.typed.conversion import same_type
from crossfade.migrations.typed.entry import Entry, NotTyped, entry, name_text
from crossfade.migrations.typed.groups.exchanged import exchanged_constraint
from crossfade.migrations.typed.groups.group import Match, Reading, later, on_table
from crossfade.migrations.typed.groups.new_tables import entries_of
from crossfade.migrations.typed.groups.serial_tables import sequence_name
from crossfade.migrations.typed.single import needed
from crossfade.migrations.typed.tables import drop_table
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.forecast.type_names import is_serial
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.group import Rest
    from crossfade.postgres.catalog import Constraint, Index, Table

_OF_TABLE = ("AddConstraint", "IndexStmt")


def dropped_and_created(command: Command, rest: Rest) -> Match | None:
    """The pair, with what belongs to it."""
    name = dropped(command, "table")
    gone = command.before.tables.get(name) if name is not None else None
    if gone is None or not gone.columns or command.node.behavior.name == "DROP_CASCADE":
        return None
    for made in rest:
        if made.does == "CreateStmt" and _is_alike(gone, made):
            return _readings(_pair(command, made, rest))
    return None


def _is_alike(old: Table, made: Command) -> bool:
    definitions = {d.colname: d for d in made.node.tableElts or () if kind(d) == "ColumnDef"}
    if definitions.keys() != {column.name for column in old.columns}:
        return False
    new = made.after.find(made.relation.schemaname, made.relation.relname)
    if new is None or made.table is not None or new.name.schema != old.name.schema:
        return False
    return len(old.columns) == len(new.columns) and all(
        (own := new.column(column.name)) is not None
        and own.not_null == column.not_null
        and same_type(column, definitions[column.name].typeName) is not False
        for column in old.columns
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """The two tables, and the commands around them."""

    gone: Command
    made: Command
    before: tuple[Command, ...]
    """Foreign keys of the old table that are dropped before it."""
    behind: tuple[Command, ...]
    """What the new one gets."""
    incoming: tuple[tuple[Command, Command], ...]
    """Foreign keys of other tables: dropped, and added again to the new one."""
    old: Table
    new: Table


def _pair(gone: Command, made: Command, rest: Rest) -> _Pair:
    name = dropped(gone, "table")
    assert name is not None
    drops = [c for c in rest if c.does == "DropConstraint" and c.number < gone.number]
    before = tuple(c for c in drops if c.table_name == name)
    behind = tuple(c for does in _OF_TABLE for c in on_table(later(rest, made), made, does))
    first = min((gone, *before), key=lambda c: c.number)
    last = max((made, *behind), key=lambda c: c.number)
    new = last.after.find(made.relation.schemaname, made.relation.relname)
    assert new is not None
    incoming = tuple(_incoming(drops, rest, gone, made))
    return _Pair(
        gone=gone,
        made=made,
        before=before,
        behind=tuple(sorted(behind, key=lambda c: c.number)),
        incoming=incoming,
        old=first.before.tables[name],
        new=new,
    )


def _incoming(drops: Sequence[Command], rest: Rest, gone: Command, made: Command) -> Iterator[tuple[Command, Command]]:
    for drop in drops:
        known = find(drop, drop.action.name)
        if known is None or known.referenced != dropped(gone, "table"):
            continue
        for adding in on_table(later(rest, made), drop, "AddConstraint"):
            node = adding.action.def_
            is_key = node.contype.name == "CONSTR_FOREIGN" and names(node.fk_attrs) == known.columns
            if is_key and adding.before.qualify(node.pktable.schemaname, node.pktable.relname) == made.table_name:
                yield drop, adding
                break


def _readings(pair: _Pair) -> Match:
    old, new = quoted(pair.old.name.name), quoted(pair.new.name.name)
    around = (*pair.before, *pair.behind, *(c for both in pair.incoming for c in both))
    readings = [
        Reading(
            entries=tuple(_apart(pair)),
            meaning=f"the rows of {old} go away, and {new} is another table",
            in_turn=bool(pair.incoming),
        ),
    ]
    try:
        renamed = tuple(_renamed(pair))
        readings.insert(0, Reading(entries=renamed, meaning=f"table {old} gets the name {new}, and keeps its rows"))
    except NotTyped:
        pass
    return Match(others=(pair.made, *around), readings=tuple(readings))


def _apart(pair: _Pair) -> Iterator[Entry]:
    yield from entries_of([pair.made, *pair.behind])
    for drop, adding in pair.incoming:
        exchange = exchanged_constraint(drop, [adding])
        if exchange is not None:
            yield from exchange.readings[0].entries
        else:
            yield from (*needed(drop), *needed(adding))
    yield from drop_table(pair.gone)


def _renamed(pair: _Pair) -> Iterator[Entry]:
    schema = pair.old.name.schema if names(pair.gone.node.objects[0])[:-1] else None
    table = name_text(schema, pair.new.name.name)
    yield entry("rename_table", from_=name_text(schema, pair.old.name.name), to=pair.new.name.name)
    yield from _constraints(pair, table)
    yield from _indexes(pair, schema)
    yield from _sequences(pair)
    for drop, adding in pair.incoming:
        known, name = drop.action.name, adding.action.def_.conname
        if name is not None and name != known:
            yield entry("rename_constraint", table=drop.table_text, from_=known, to=name)


def _constraints(pair: _Pair, table: str) -> Iterator[Entry]:
    """Other names of constraints that both have; what only one has comes or goes."""
    others = [c for c in pair.new.constraints if c.kind != "not_null"]
    for constraint in pair.old.constraints:
        if constraint.kind == "not_null":
            yield from _not_null(pair, constraint, table)
            continue
        other = next((c for c in others if _same(constraint, c)), None)
        if other is None:
            yield entry("drop_constraint", table=table, name=constraint.name)
            continue
        others.remove(other)
        if other.name != constraint.name:
            yield entry("rename_constraint", table=table, from_=constraint.name, to=other.name)
    added = {c.action.def_.conname: c for c in pair.behind if c.does == "AddConstraint"}
    for other in others:
        if other.name not in added:
            raise NotTyped("a constraint that the old table has not")
        yield from needed(added[other.name])


def _not_null(pair: _Pair, constraint: Constraint, table: str) -> Iterator[Entry]:
    """PostgreSQL 18 has it as a constraint, whose name has the table's in it unless somebody chose another."""
    name, renamed = (
        chosen_name(t.name.name, constraint.columns, "not_null", frozenset()) for t in (pair.old, pair.new)
    )
    if constraint.name == name:
        yield entry("rename_constraint", table=table, from_=name, to=renamed)


def _sequences(pair: _Pair) -> Iterator[Entry]:
    """A serial column's sequence has the table's name in its own; no version of the app need know it."""
    for definition in pair.made.node.tableElts or ():
        column = pair.old.column(definition.colname) if kind(definition) == "ColumnDef" else None
        if column is None or column.default is None or not is_serial(definition.typeName):
            continue
        old, new = (sequence_name(t.name, column.name) for t in (pair.old, pair.new))
        old_name, new_name = (chosen_name(t.name.name, (column.name,), "seq", ()) for t in (pair.old, pair.new))
        run = f"ALTER SEQUENCE IF EXISTS {old} RENAME TO {quoted(new_name)}"
        undo = f"ALTER SEQUENCE IF EXISTS {new} RENAME TO {quoted(old_name)}"
        yield entry("sql", contract=({"run": run, "undo": undo},))


def _same(one_of: Constraint, other: Constraint) -> bool:
    is_check = one_of.kind == "check"
    own = (one_of.kind, one_of.columns, one_of.referenced, one_of.definition if is_check else "")
    return own == (other.kind, other.columns, other.referenced, other.definition if is_check else "")


def _indexes(pair: _Pair, schema: str | None) -> Iterator[Entry]:
    others = [i for i in pair.new.indexes if i.constraint is None]
    for index in pair.old.indexes:
        other = next((i for i in others if _same_index(index, i)), None)
        if index.constraint is not None:
            continue
        if other is None:
            yield entry("drop_index", name=name_text(schema, index.name.name))
            continue
        others.remove(other)
        if other.name != index.name:
            yield entry("rename_index", from_=name_text(schema, index.name.name), to=other.name.name)
    built = {c.node.idxname: c for c in pair.behind if c.does == "IndexStmt"}
    for other in others:
        if other.name.name not in built:
            raise NotTyped("an index without a name")
        yield from needed(built[other.name.name])


def _same_index(one_of: Index, other: Index) -> bool:
    own = (one_of.columns, one_of.unique, one_of.method, one_of.partial, one_of.has_expressions)
    return own == (other.columns, other.unique, other.method, other.partial, other.has_expressions)

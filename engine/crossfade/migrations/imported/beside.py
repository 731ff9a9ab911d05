"""Which changes cannot be in one plan with those before them, since both are of one column, or of one name. Pure.

What a change works on stays in work until the run is over, and a name that it gives away is taken until contract or
longer. A change of another kind may go on with such a column, by its new name: a NOT NULL behind a new type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.migrations.imported import beside_enums, beside_rows, beside_sql
from crossfade.plan.expressions import Expression
from crossfade.plan.names import TableName
from crossfade.postgres.forecast import trees
from crossfade.postgres.forecast.type_names import parse_type

if TYPE_CHECKING:
    from crossfade.migrations.typed import Entry, Typed
    from crossfade.postgres.catalog import Constraint, Table
    from crossfade.postgres.forecast import Schema

Mark: TypeAlias = tuple[str, str, str]
"""What is held, of which table, and its name. Constraints and indexes have their names apart from any table."""
_ALONE = frozenset({"change_type", "drop_column", "drop_not_null", "set_generated", "set_identity"})
"""Kinds that take no column on which another change of the plan works."""
_ADDING = frozenset({"add_check", "add_exclusion", "add_foreign_key", "add_primary_key", "add_unique"})
_AT_ONCE = frozenset({"create_index", "drop_default", "set_comment", "set_default", "set_statistics", "set_storage"})
"""Kinds that are through before contract; a table does not go, or get another name, while another kind is not."""
_LEAVING = frozenset({"change_type", "drop_column", "drop_table"})
"""Kinds whose old columns are there, with their types, until the run is over."""
_PRIMARY = "primary key"
_READING = ("fill", "fix", "using")
"""Where changes have expressions that read other columns of their rows until the run is over."""
_RENAMED_TABLE = frozenset({"from", "to", "intent", "note"})
"""The keys of `rename_table`."""
_WITH_DETACHED = frozenset({"detach_partition", "drop_table"})
"""Kinds that a plan takes behind the detachment of a partition of their table."""


def held(change: Typed) -> frozenset[Mark]:
    """What it leaves in work, and the names that it gives away."""
    marks = (mark for entry in change.entries for mark in _held(entry, change.before))
    return frozenset((*marks, *beside_sql.held(change), *beside_enums.held(change), *beside_rows.held(change)))


def wanted(change: Typed) -> frozenset[Mark]:
    """What none before it may hold."""
    marks = (*(mark for entry in change.entries for mark in _wanted(entry, change.before)), *_labels(change))
    return frozenset((*marks, *beside_sql.wanted(change), *beside_enums.wanted(change), *beside_rows.wanted(change)))


def _labels(change: Typed) -> Iterator[Mark]:
    """What may be a new label of an enum, which preflight does not find before it is there; SQL is not looked at so,
    and finds one that was added, but none that is renamed at contract.
    """
    for statement in change.statements:
        constants = (node.val for node in trees.below(statement.tree) if trees.kind(node) == "A_Const")
        what = "renamed label" if change.is_sql else "label"
        yield from ((what, "", value.sval) for value in constants if trees.kind(value) == "String")


def _held(entry: Entry, before: Schema) -> Iterator[Mark]:
    ((kind, fields),) = entry.items()
    table = _last(fields.get("table"))
    if kind not in _AT_ONCE:
        yield ("late", table, "")
    yield from _left(kind, fields, before)
    yield from _used(kind, table, fields)
    match kind:
        case "rename_column":
            yield ("work", table, fields["to"])
            yield ("name", table, fields["from"])
            yield ("old", "", fields["from"])
            yield ("new", "", fields["to"])
        case "add_column" | "set_not_null":
            yield ("work", table, fields.get("name") or fields["column"])
        case "add_enum_value":
            yield ("label", "", fields["value"])
        case "rename_enum_value":
            yield from ((what, "", fields["to"]) for what in ("label", "renamed label"))
        case "change_type":
            yield ("work", table, fields["column"])
            yield ("new", "", fields["column"])
        case "drop_default":
            yield ("default", table, fields["column"])
        case "drop_column":
            yield ("name", table, fields["column"])
        case "rename_constraint" | "rename_index":
            yield ("name", "", _last(fields["from"]))
        case "drop_constraint":
            yield from _held_by_drop(table, fields, before)
        case _ if kind in _ADDING:
            yield from _held_by_new(kind, table, fields)


def _left(kind: str, fields: Mapping[str, Any], before: Schema) -> Iterator[Mark]:
    """The types of what stays until the run is over, that something does, and what its foreign keys point at."""
    if kind in _LEAVING:
        yield from _types(_table(fields, before), fields.get("column"))
    if kind in _LEAVING or kind == "rename_column":
        yield beside_sql.LEFT
    if kind == "drop_column":
        table = _table(fields, before)
        keys = (c for c in table.constraints if fields["column"] in c.columns) if table is not None else ()
        yield from (("kept key", key.referenced.name, "") for key in keys if key.referenced is not None)


def _used(kind: str, table: str, fields: Mapping[str, Any]) -> Iterator[Mark]:
    """The columns that are read until the run is over, and the tables that are partitions until contract."""
    yield from (("read", table, column) for column in _read(fields))
    if kind == "detach_partition":
        yield from (("detached", name, "") for name in _family(fields))
    elif kind not in _AT_ONCE | _WITH_DETACHED:
        yield ("parted", table, "")


def _held_by_drop(table: str, fields: Mapping[str, Any], before: Schema) -> Iterator[Mark]:
    yield ("name", "", fields["name"])
    for constraint in _constraint(fields, before):
        if constraint.kind == "primary":
            yield ("name", table, _PRIMARY)
        if constraint.referenced is not None:
            yield ("key", constraint.referenced.name, "")


def _held_by_new(kind: str, table: str, fields: Mapping[str, Any]) -> Iterator[Mark]:
    yield from (("work", table, column) for column in _columns(fields))
    if kind in {"add_primary_key", "add_unique"}:
        yield ("unique", table, "")
    if "references" in fields:
        yield ("key", _last(fields["references"]["table"]), "")


def _wanted(entry: Entry, before: Schema) -> Iterator[Mark]:
    ((kind, fields),) = entry.items()
    table = _last(fields.get("table"))
    yield from _through(kind, table, fields)
    match kind:
        case "rename_column":
            yield ("work", table, fields["from"])
            yield ("read", table, fields["from"])
            yield ("name", table, fields["to"])
        case "add_column":
            yield ("name", table, fields["name"])
        case "create_index":
            yield ("name", "", fields["name"])
        case "detach_partition":
            yield from (("parted", name, "") for name in _family(fields))
        case "rename_index":
            yield ("name", "", fields["to"])
        case "drop_table" | "move_table" | "rename_table":
            yield ("late", table or _last(fields["from"]), "")
        case "drop_constraint" | "rename_constraint":
            yield ("name", "", fields.get("to", ""))
            yield from (("work", table, column) for c in _constraint(fields, before) for column in c.columns)
        case _ if kind in _ALONE:
            yield ("work", table, fields["column"])
        case _ if kind in _ADDING:
            yield ("name", "", fields["name"])
            if kind == "add_primary_key":
                yield ("name", table, _PRIMARY)


def _through(kind: str, table: str, fields: Mapping[str, Any]) -> Iterator[Mark]:
    """What has to be through before: drops in SQL, changes of foreign keys that point at the table, of the default.

    And what reads a column that goes, or works on one that is read, or takes partitions away.
    """
    if kind in {"drop_column", "drop_table"}:
        yield beside_sql.DROPPED
    if kind in {"change_type", "drop_table"}:
        yield ("key", table, "")
    if kind == "drop_constraint":
        yield ("kept key", table, "")
    if kind == "set_identity":
        yield ("default", table, fields["column"])
    if kind in {"change_type", "drop_column"}:
        yield ("read", table, fields["column"])
    yield from (("work", table, column) for column in _read(fields) if column != fields.get("column"))
    if kind not in _WITH_DETACHED:
        yield from (("detached", name, "") for name in _family(fields))


def _family(fields: Mapping[str, Any]) -> Iterator[str]:
    """The table, and the partition that it gets or loses; of a table that gets another name, the old one."""
    keys = ("from",) if fields.keys() <= _RENAMED_TABLE else ("table", "partition")
    yield from (_last(fields[key]) for key in keys if key in fields)


def _read(fields: Mapping[str, Any]) -> Iterator[str]:
    """The columns that its expressions name."""
    for key in _READING:
        if isinstance(fields.get(key), str):
            yield from Expression.parse(fields[key]).columns


def _last(name: str | None) -> str:
    return "" if name is None else TableName.parse(name).name


def _table(fields: Mapping[str, Any], before: Schema) -> Table | None:
    """The one that an entry is about, where the model knows it."""
    name = TableName.parse(fields["table"])
    return before.find(name.schema, name.name)


def _types(table: Table | None, column: str | None) -> Iterator[Mark]:
    """The types of a table's columns, or of one of them."""
    for one in table.columns if table is not None else ():
        if column in {None, one.name}:
            yield ("type", "", parse_type(one.type).name.name)


def _constraint(fields: Mapping[str, Any], before: Schema) -> Iterator[Constraint]:
    """The one that an entry names, where the model knows it."""
    table, wanted = _table(fields, before), fields.get("name", fields.get("from"))
    return (c for c in table.constraints if c.name == wanted) if table is not None else iter(())


def _columns(fields: Mapping[str, Any]) -> Iterable[str]:
    """Those that a new constraint is over."""
    if "expression" in fields:
        return Expression.parse(fields["expression"]).columns
    return fields.get("columns") or [e["column"] for e in fields.get("elements", ()) if "column" in e]

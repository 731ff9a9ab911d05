"""Which changes cannot be in one plan with those before them, since both are of one column, or of one name. Pure.

What a change works on stays in work until the run is over, and a name that it gives away is taken until contract or
longer. A change of another kind may go on with such a column, by its new name: a NOT NULL behind a new type.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from crossfade.plan.expressions import Expression
from crossfade.plan.names import TableName

if TYPE_CHECKING:
    from crossfade.migrations.typed import Entry, Typed
    from crossfade.postgres.catalog import Constraint
    from crossfade.postgres.forecast import Schema

Mark: TypeAlias = tuple[str, str, str]
"""What is held, of which table, and its name. Constraints and indexes have their names apart from any table."""
_ALONE = frozenset({"change_type", "drop_column", "drop_not_null", "set_generated", "set_identity"})
"""Kinds that take no column on which another change of the plan works."""
_ADDING = frozenset({"add_check", "add_exclusion", "add_foreign_key", "add_primary_key", "add_unique"})
_AT_ONCE = frozenset({"create_index", "drop_default", "set_comment", "set_default", "set_statistics", "set_storage"})
"""Kinds that are through before contract; a table does not go, or get another name, while another kind is not."""
_PRIMARY = "primary key"


def held(change: Typed) -> frozenset[Mark]:
    """What it leaves in work, and the names that it gives away."""
    return frozenset(mark for entry in change.entries for mark in _held(entry, change.before))


def wanted(change: Typed) -> frozenset[Mark]:
    """What none before it may hold."""
    return frozenset(mark for entry in change.entries for mark in _wanted(entry, change.before))


def _held(entry: Entry, before: Schema) -> Iterator[Mark]:
    ((kind, fields),) = entry.items()
    table = _last(fields.get("table"))
    if kind not in _AT_ONCE:
        yield ("late", table, "")
    match kind:
        case "rename_column":
            yield ("work", table, fields["to"])
            yield ("name", table, fields["from"])
        case "add_column":
            yield ("work", table, fields["name"])
        case "change_type" | "set_not_null":
            yield ("work", table, fields["column"])
        case "drop_column":
            yield ("name", table, fields["column"])
        case "rename_constraint" | "rename_index":
            yield ("name", "", _last(fields["from"]))
        case "drop_constraint":
            yield ("name", "", fields["name"])
            yield from (("name", table, _PRIMARY) for c in _constraint(fields, before) if c.kind == "primary")
        case _ if kind in _ADDING:
            yield from (("work", table, column) for column in _columns(fields))


def _wanted(entry: Entry, before: Schema) -> Iterator[Mark]:
    ((kind, fields),) = entry.items()
    table = _last(fields.get("table"))
    match kind:
        case "rename_column":
            yield ("work", table, fields["from"])
            yield ("name", table, fields["to"])
        case "add_column":
            yield ("name", table, fields["name"])
        case "create_index":
            yield ("name", "", fields["name"])
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


def _last(name: str | None) -> str:
    return "" if name is None else TableName.parse(name).name


def _constraint(fields: Mapping[str, Any], before: Schema) -> Iterator[Constraint]:
    """The one that an entry names, where the model knows it."""
    name = TableName.parse(fields["table"])
    table = before.find(name.schema, name.name)
    wanted = fields.get("name", fields.get("from"))
    return (c for c in table.constraints if c.name == wanted) if table is not None else iter(())


def _columns(fields: Mapping[str, Any]) -> Iterable[str]:
    """Those that a new constraint is over."""
    if "expression" in fields:
        return Expression.parse(fields["expression"]).columns
    return fields.get("columns") or [e["column"] for e in fields.get("elements", ()) if "column" in e]

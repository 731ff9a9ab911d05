"""An UPDATE that gives a column its first value, and what it belongs to: ADD COLUMN, SET NOT NULL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed import columns
from crossfade.migrations.typed.entry import NotTyped, entry
from crossfade.migrations.typed.groups.group import certain, later, on_column, on_table
from crossfade.postgres.forecast.trees import columns_of, expression, kind, names
from crossfade.postgres.forecast.volatility import is_volatile

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.entry import Entry
    from crossfade.migrations.typed.groups.group import Match, Rest


def fill_of(update: Command, column: str, *, needs_where: bool = False) -> str | None:
    """What an UPDATE gives this column and no other, where it is NULL; or in all rows, unless `needs_where`.

    None where it is not the same each time: no `fill` may be volatile.
    """
    node, schema = update.node, update.before
    if [target.name for target in node.targetList] != [column]:
        return None
    if is_volatile(node.targetList, schema.volatile_functions, schema.search_path):
        return None
    is_whole = not needs_where if node.whereClause is None else _is_null(node.whereClause, column)
    try:
        return update.assigned[column] if is_whole else None
    except NotTyped:
        return None


def _is_null(node: Any, column: str) -> bool:
    is_test = kind(node) == "NullTest" and node.nulltesttype.name == "IS_NULL" and kind(node.arg) == "ColumnRef"
    return is_test and names(node.arg.fields)[-1] == column


def added_column(command: Command, rest: Rest) -> Match | None:
    """ADD COLUMN with what gives its rows a value, makes it NOT NULL, or takes its first default away."""
    name, rest, has_value = command.action.def_.colname, later(rest, command), _has_value(command)
    updates = on_table(rest, command, "UpdateStmt")
    if has_value:
        # No row is NULL then.
        updates = (u for u in updates if u.node.whereClause is None)
    fills = ((u, fill) for u in updates if (fill := fill_of(u, name)) is not None)
    update, fill = next(fills, (None, None))
    required = on_column(rest, command, "SetNotNull", name)
    default = on_column(rest, command, "ColumnDefault", name)
    if default is not None and update is None and has_value and default.action.def_ is not None:
        # The first one stays in the rows that are there: the other one is a change of its own.
        default = None
    parts = [c for c in (update, required, default) if c is not None]
    if columns.adds_nothing(command) or not parts or (update is None and default is None and not has_value):
        return None
    return certain(parts, *filled(command, fill=fill, required=required is not None, default=default))


def added_columns(command: Command, rest: Rest) -> Match | None:
    """Several ADD COLUMN with one UPDATE that gives all of them their values, and no other column."""
    adds = {c.action.def_.colname: c for c in (command, *on_table(rest, command, "AddColumn"))}
    last = max(c.number for c in adds.values())
    for update in on_table(later(rest, command), command, "UpdateStmt"):
        fills = _fills(update)
        meant = {name: adds[name] for name in fills if name in adds}
        if len(fills) < 2 or len(meant) < len(fills) or command not in meant.values() or update.number < last:
            continue
        if any(map(columns.adds_nothing, meant.values())):
            continue
        entries, others = list[Any](), [update, *(c for c in meant.values() if c is not command)]
        for name, adding in meant.items():
            required = on_column(later(rest, update), command, "SetNotNull", name)
            default = on_column(later(rest, update), command, "ColumnDefault", name)
            entries += filled(adding, fill=fills[name], required=required is not None, default=default)
            others += [c for c in (required, default) if c is not None]
        return certain(others, *entries)
    return None


def _fills(update: Command) -> Mapping[str, str]:
    """What an UPDATE of all rows gives its columns, none of it made of another one; nothing where it is not so."""
    node, schema = update.node, update.before
    if node.whereClause is not None or is_volatile(node.targetList, schema.volatile_functions, schema.search_path):
        return {}
    fills = update.assigned
    return {} if any({*columns_of(expression(fill))} & fills.keys() for fill in fills.values()) else fills


def _has_value(command: Command) -> bool:
    return columns.default_text(columns.parts_of(command.action.def_)) is not None


def filled(command: Command, *, fill: str | None, required: bool, default: Command | None) -> tuple[Entry, ...]:
    """The entries of the ADD COLUMN, with what came later."""
    first, *others = columns.add_column(command, fill=fill)
    fields = dict(first["add_column"])
    if default is not None:
        _set_default(fields, default)
    is_needed = required or any("set_not_null" in other for other in others)
    if is_needed and ("fill" in fields or "default" in fields):
        fields["nullable"] = False
        others = [other for other in others if "set_not_null" not in other]
    elif required:
        others.append(entry("set_not_null", table=fields["table"], column=fields["name"], note=columns.YOURS))
    return (entry("add_column", **fields), *others)


def _set_default(fields: dict[str, Any], default: Command) -> None:
    """The default that the column has in the end; the first one was for the rows that were there."""
    first = fields.pop("default", None)
    last = next((e["set_default"]["value"] for e in columns.column_default(default) if "set_default" in e), None)
    if first is not None and last is None:
        fields.setdefault("fill", first)
    elif first is None and last is not None and "fill" not in fields:
        raise NotTyped("rows of before have no value, and those to come a default")
    if last is not None:
        fields["default"] = last
        if fields.get("fill") == last:
            fields.pop("fill")


def filled_not_null(command: Command, rest: Rest) -> Match | None:
    """UPDATE … WHERE column IS NULL, SET NOT NULL."""
    if len(command.node.targetList) != 1:
        return None
    column = command.node.targetList[0].name
    fill = fill_of(command, column, needs_where=True)
    setting = on_column(later(rest, command), command, "SetNotNull", column)
    if fill is None or setting is None:
        return None
    return certain([setting], *columns.set_not_null(setting, fill=fill))

"""Changes of columns: what one subcommand of ALTER TABLE, a RENAME COLUMN or a COMMENT does, as entries of a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.constraints import actions, added, given_name
from crossfade.migrations.typed.conversion import conversion
from crossfade.migrations.typed.entry import (
    Entry,
    entry,
    expression_text,
    names_text,
    type_text,
    unless,
)
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.forecast.type_names import is_serial, parse_type
from crossfade.postgres.names import literal, quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.postgres.catalog import Column

_APART = frozenset({"CONSTR_PRIMARY"})
_NULLS = frozenset({"CONSTR_NULL", "CONSTR_NOTNULL"})
_IN_COLUMN = frozenset({"CONSTR_DEFAULT", "CONSTR_GENERATED", "CONSTR_IDENTITY"})
YOURS = "The migration says no value for the rows that are there: say it as `fill`, or let the new version fill them."
LEFT_OUT = (
    "The column is NOT NULL and has no default: say by `reverse` what old versions find in rows of new ones, which "
    "leave it out."
)


def column_of(command: Command) -> Column | None:
    """The column that a subcommand names, if the model knows it."""
    return command.table.column(command.action.name) if command.table is not None else None


def parts_of(definition: Any) -> Mapping[str, Any]:
    """The constraints of a ColumnDef by their kind. Raises NotTyped for what no column of a plan has."""
    parts = {c.contype.name: c for c in definition.constraints or ()}
    unless(
        (len(parts) < len(definition.constraints or ()), "two constraints of a kind"),
        (any(name.startswith("CONSTR_ATTR") for name in parts), "a constraint that can be deferred"),
        (definition.compression is not None or definition.storage_name is not None, "how its values are stored"),
        (bool(definition.fdwoptions), "options of a foreign table"),
        (is_serial(definition.typeName), "a sequence of its own"),
    )
    return parts


def default_text(parts: Mapping[str, Any]) -> str | None:
    """The DEFAULT; none where it is NULL."""
    given = parts.get("CONSTR_DEFAULT")
    if given is None or (kind(given.raw_expr) == "A_Const" and given.raw_expr.isnull):
        return None
    return expression_text(given.raw_expr)


def value_fields(parts: Mapping[str, Any], table: str) -> dict[str, Any]:
    """The keys of a new column that say where its values come from."""
    identity, generated = parts.get("CONSTR_IDENTITY"), parts.get("CONSTR_GENERATED")
    unless((identity is not None and bool(identity.options), "options of its sequence"))
    expression = None
    if generated is not None:
        stored = "virtual" if generated.generated_kind == "v" else None
        expression = {"expression": expression_text(generated.raw_expr, table), **({"kind": stored} if stored else {})}
    return {
        "default": default_text(parts),
        "identity": None if identity is None else "always" if identity.generated_when == "a" else "by default",
        "generated": expression,
    }


def constraint_fields(command: Command, parts: Mapping[str, Any], table: str) -> dict[str, Any]:
    """The keys of a new column for the constraints that have no name of their own."""
    check, unique, key = (parts.get(f"CONSTR_{kind}") for kind in ("CHECK", "UNIQUE", "FOREIGN"))
    fields: dict[str, Any] = {}
    if check is not None and given_name(check) is None:
        unless((check.is_no_inherit or not check.is_enforced, "a CHECK of its own kind"))
        fields["check"] = expression_text(check.raw_expr, table)
    if unique is not None and given_name(unique) is None:
        unless((bool(unique.nulls_not_distinct or unique.options or unique.indexspace), "a UNIQUE of its own kind"))
        fields["unique"] = True
    if key is not None and given_name(key) is None:
        fields["references"] = _references(command, key)
    return fields


def _references(command: Command, node: Any) -> dict[str, Any]:
    unless(
        (
            node.fk_matchtype == "f" or bool(node.fk_del_set_cols) or not node.is_enforced,
            "a foreign key of its own kind",
        )
    )
    found: dict[str, Any] = {"table": command.text_of(node.pktable)}
    if node.pk_attrs:
        (found["column"],) = names(node.pk_attrs)
    return found | actions(node)


def collation_text(definition: Any) -> str | None:
    """Its COLLATE."""
    return None if definition.collClause is None else names_text(definition.collClause.collname)


def add_column(command: Command, *, fill: str | None = None) -> Iterator[Entry]:
    """ADD COLUMN; `fill` is what an UPDATE after it gives the rows."""
    definition = command.action.def_
    if adds_nothing(command):
        return
    parts, name = parts_of(definition), command.relation.relname
    values = {**value_fields(parts, name), "fill": fill}
    is_needed = bool({"CONSTR_NOTNULL", "CONSTR_PRIMARY"} & parts.keys())
    is_given = any(value is not None for value in values.values())
    yield entry(
        "add_column",
        table=command.table_text,
        name=definition.colname,
        type=type_text(definition.typeName),
        nullable=not (is_needed and is_given) or values["identity"] is not None,
        **values,
        **constraint_fields(command, parts, name),
        collation=collation_text(definition),
    )
    if "CONSTR_NOTNULL" in parts and not is_given and "CONSTR_PRIMARY" not in parts:
        yield entry("set_not_null", table=command.table_text, column=definition.colname, note=YOURS)
    for constraint in parts.values():
        if constraint.contype.name in _APART or (
            given_name(constraint) is not None and constraint.contype.name not in _NULLS | _IN_COLUMN
        ):
            yield from added(command, constraint, definition.colname)


def adds_nothing(command: Command) -> bool:
    """Whether an ADD COLUMN IF NOT EXISTS finds the column there."""
    table = command.table
    return (
        bool(command.action.missing_ok) and table is not None and table.column(command.action.def_.colname) is not None
    )


def drop_column(command: Command) -> Iterator[Entry]:
    """DROP COLUMN."""
    table, name = command.table, command.action.name
    known = table is not None and table.column(name) is not None
    cascade = command.action.behavior.name == "DROP_CASCADE"
    unless(
        (command.action.missing_ok and not known, "a column that may not be there"),
        (cascade and (table is None or _is_needed(command, name)), "what goes with it"),
    )
    yield entry(
        "drop_column", table=command.table_text, column=name, note=LEFT_OUT if _needs_a_value(command) else None
    )


def _needs_a_value(command: Command) -> bool:
    """Whether an INSERT that leaves the column out fails."""
    column = column_of(command)
    has_its_own = column is not None and (column.default or column.identity or column.generated)
    return column is not None and column.not_null and not has_its_own


def _is_needed(command: Command, name: str) -> bool:
    table = command.table
    assert table is not None
    keys = (key for _, key in command.before.incoming(table.name))
    return bool(table.dependents_on(name)) or any(name in key.referenced_columns for key in keys)


def change_type(command: Command, *, follow: bool = False) -> Iterator[Entry]:
    """ALTER COLUMN … TYPE; `follow` for a key whose constraint is taken away meanwhile."""
    definition, column = command.action.def_, column_of(command)
    unless((definition.collClause is not None, "a collation"))
    using = definition.raw_default
    way = conversion(
        column,
        definition.typeName,
        None if using is None else expression_text(using, command.relation.relname),
        name=command.action.name,
    )
    is_key = follow or _is_referenced(command)
    unless((is_key and way.using is not None, "a key whose values are converted"))
    yield entry(
        "change_type",
        table=command.table_text,
        column=command.action.name,
        to=type_text(definition.typeName),
        using=way.using,
        reverse=None if is_key else _of_old_labels(command, way.reverse),
        follow_references=is_key,
    )


def _of_old_labels(command: Command, reverse: str | None) -> str | None:
    """The way back from an enum to another one, with NULL for labels that this has not: a write of one would fail."""
    column, wanted, enums = column_of(command), command.action.def_.typeName, command.enums
    if reverse is None or column is None or wanted.arrayBounds:
        return reverse
    name = parse_type(column.type).name
    old = enums.find((name.schema, name.name) if name.schema else (name.name,), command.before)
    new = enums.find(wanted.names, command.before)
    if old is None or new is None or set(enums.labels[new]) <= set(enums.labels[old]):
        return reverse
    labels = ", ".join(map(literal, enums.labels[old]))
    return f"CASE WHEN {quoted(command.action.name)}::text IN ({labels}) THEN {reverse} END"


def _is_referenced(command: Command) -> bool:
    table = command.table
    keys = (key for _, key in command.before.incoming(table.name)) if table is not None else ()
    return any(command.action.name in key.referenced_columns for key in keys)


def column_default(command: Command) -> Iterator[Entry]:
    """SET DEFAULT, DROP DEFAULT."""
    value, column = command.action.def_, column_of(command)
    if value is not None and not (kind(value) == "A_Const" and value.isnull):
        yield entry("set_default", table=command.table_text, column=command.action.name, value=expression_text(value))
    elif column is None or column.default is not None or column.type == "unknown":
        yield entry("drop_default", table=command.table_text, column=command.action.name)


def set_not_null(command: Command, *, fill: str | None = None) -> Iterator[Entry]:
    """SET NOT NULL."""
    column = column_of(command)
    if column is None or not column.not_null:
        yield entry("set_not_null", table=command.table_text, column=command.action.name, fill=fill)


def drop_not_null(command: Command) -> Iterator[Entry]:
    """DROP NOT NULL."""
    column = column_of(command)
    if column is None or column.not_null or column.type == "unknown":
        yield entry("drop_not_null", table=command.table_text, column=command.action.name)


def set_statistics(command: Command) -> Iterator[Entry]:
    """SET STATISTICS of a table's column."""
    given = command.action.def_
    unless((command.action.name is None, "a column by its number"))
    target = "default" if given is None or given.ival < 0 else given.ival
    yield entry("set_statistics", table=command.table_text, column=command.action.name, target=target)


def set_storage(command: Command) -> Iterator[Entry]:
    """SET STORAGE."""
    storage = command.action.def_.sval.lower()
    yield entry("set_storage", table=command.table_text, column=command.action.name, storage=storage)


def set_expression(command: Command) -> Iterator[Entry]:
    """SET EXPRESSION."""
    expression = expression_text(command.action.def_, command.relation.relname)
    yield entry("set_generated", table=command.table_text, column=command.action.name, expression=expression)


def drop_expression(command: Command) -> Iterator[Entry]:
    """DROP EXPRESSION."""
    unless((bool(command.action.missing_ok), "a column that may not be generated"))
    yield entry("set_generated", table=command.table_text, column=command.action.name)


def rename_column(command: Command) -> Iterator[Entry]:
    """RENAME COLUMN of a table."""
    node = command.node
    yield entry("rename_column", table=command.table_text, from_=node.subname, to=node.newname)


SUBCOMMANDS = {
    "AddColumn": add_column,
    "DropColumn": drop_column,
    "AlterColumnType": change_type,
    "ColumnDefault": column_default,
    "SetNotNull": set_not_null,
    "DropNotNull": drop_not_null,
    "SetStatistics": set_statistics,
    "SetStorage": set_storage,
    "SetExpression": set_expression,
    "DropExpression": drop_expression,
}

"""Changes of constraints: what an ADD, DROP or RENAME CONSTRAINT does, as entries of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import Entry, NotTyped, entry, expression_text, names_text, unless
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.chosen_names import check_columns, chosen_name, key_names
from crossfade.postgres.forecast.trees import NotOneStatement, names, parse

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.postgres.catalog import Constraint

_ACTIONS = {"r": "restrict", "c": "cascade", "n": "set null", "d": "set default"}


def actions(node: Any) -> dict[str, str]:
    """What a foreign key does besides nothing: its `on_delete` and `on_update`."""
    codes = {"on_delete": node.fk_del_action, "on_update": node.fk_upd_action}
    return {key: _ACTIONS[code] for key, code in codes.items() if code != "a"}


def given_name(node: Any) -> str | None:
    """The name that a Constraint has in the text."""
    name: str | None = node.conname
    return name


def find(command: Command, name: str) -> Constraint | None:
    """The table's constraint of that name, as the command finds it."""
    table = command.table
    return next((c for c in table.constraints if c.name == name), None) if table is not None else None


def key_node(key: Constraint) -> Any:
    """A foreign key that is there, as its definition parses; None where that is not known."""
    try:
        (added,) = parse(f"ALTER TABLE t ADD {key.definition}")
    except NotOneStatement:
        return None
    return added.cmds[0].def_


def spelled(key: Constraint) -> str:
    """The definition; empty where that of a foreign key is not known, or what it names has other names by now."""
    if key.kind != "foreign":
        return key.definition
    node = key_node(key)
    if node is None or key.referenced is None:
        return ""
    target = QualifiedName(node.pktable.schemaname or key.referenced.schema, node.pktable.relname)
    return key.definition if refers_alike(node, target, key) else ""


def refers_alike(node: Any, target: QualifiedName, key: Constraint) -> bool:
    """Whether a FOREIGN KEY of a statement, which names this table, is over the same columns as one that is there."""
    is_same_key = names(node.pk_attrs) in ((), key.referenced_columns)
    return (names(node.fk_attrs), target) == (key.columns, key.referenced) and is_same_key


def add_constraint(command: Command) -> Iterator[Entry]:
    """ADD CONSTRAINT as a whole; NOT VALID alone is another matter."""
    node = command.action.def_
    unless((bool(node.skip_validation), "a constraint that is not validated"))
    yield from added(command, node)


def added(command: Command, node: Any, column: str | None = None) -> Iterator[Entry]:
    """A constraint that is valid in the end; `column` is the one that it stands behind."""
    match node.contype.name:
        case "CONSTR_CHECK":
            yield check_entry(command, node, column)
        case "CONSTR_FOREIGN":
            yield foreign_key_entry(command, node, column)
        case "CONSTR_UNIQUE":
            yield unique_entry(command, node, (column,) if column else names(node.keys))
        case "CONSTR_PRIMARY":
            yield primary_entry(command, node, (column,) if column else names(node.keys))
        case "CONSTR_EXCLUSION":
            yield _exclusion_entry(command, node)
        case "CONSTR_NOTNULL":
            (own,) = (column,) if column else names(node.keys)
            unless((bool(node.is_no_inherit), "a NOT NULL of its own kind"))
            yield entry("set_not_null", table=command.table_text, column=own)
        case other:
            raise NotTyped(other)


def name_of(command: Command, node: Any, label: str, columns: tuple[str, ...]) -> str:
    """The constraint's name: its own, or the one that PostgreSQL chooses."""
    if node.conname is not None:
        return str(node.conname)
    schema = command.table_name.schema
    tables = [t for t in command.before.tables.values() if t.name.schema == schema]
    taken = {c.name for t in tables for c in t.constraints} | {i.name.name for t in tables for i in t.indexes}
    return chosen_name(command.relation.relname, columns, label, taken)


def check_entry(command: Command, node: Any, column: str | None = None) -> Entry:
    """add_check."""
    unless((not node.is_enforced, "a constraint that is not enforced"))
    columns = (column,) if column else check_columns(node.raw_expr)
    return entry(
        "add_check",
        table=command.table_text,
        name=name_of(command, node, "check", columns),
        expression=expression_text(node.raw_expr, command.relation.relname),
        no_inherit=bool(node.is_no_inherit),
    )


def foreign_key_entry(command: Command, node: Any, column: str | None = None) -> Entry:
    """add_foreign_key."""
    unless(
        (not node.is_enforced, "a constraint that is not enforced"),
        (bool(node.fk_del_set_cols), "columns of SET NULL"),
        (bool(node.fk_with_period), "a PERIOD"),
    )
    columns = (column,) if column else names(node.fk_attrs)
    references: dict[str, Any] = {"table": command.text_of(node.pktable)}
    if node.pk_attrs and not _is_primary_key(command, node):
        references["columns"] = names(node.pk_attrs)
    return entry(
        "add_foreign_key",
        table=command.table_text,
        name=name_of(command, node, "fkey", columns),
        columns=columns,
        references=references,
        **actions(node),
        match="full" if node.fk_matchtype == "f" else None,
        deferrable=bool(node.deferrable),
        initially_deferred=bool(node.initdeferred),
    )


def _is_primary_key(command: Command, node: Any) -> bool:
    """Whether the referenced columns are the primary key, so that they need not be said."""
    table = command.before.find(node.pktable.schemaname, node.pktable.relname)
    keys = (c.columns for c in table.constraints if c.kind == "primary") if table is not None else iter(())
    return next(keys, None) == names(node.pk_attrs)


def unique_entry(
    command: Command, node: Any, columns: tuple[str, ...], *, name: str | None = None, alike: bool = False
) -> Entry:
    """add_unique; `alike` where the index that it is put on takes NULLs for equal."""
    _plain(node)
    return entry(
        "add_unique",
        table=command.table_text,
        name=name or name_of(command, node, "key", columns),
        columns=columns,
        nulls_not_distinct=bool(node.nulls_not_distinct) or alike,
        deferrable=("deferred" if node.initdeferred else "immediate") if node.deferrable else None,
    )


def primary_entry(command: Command, node: Any, columns: tuple[str, ...], *, name: str | None = None) -> Entry:
    """add_primary_key."""
    _plain(node)
    unless((bool(node.deferrable), "a primary key that can be deferred"))
    return entry(
        "add_primary_key", table=command.table_text, name=name or name_of(command, node, "pkey", ()), columns=columns
    )


def _plain(node: Any) -> None:
    unless(
        (bool(node.including), "INCLUDE"),
        (bool(node.options or node.indexspace), "how its index is stored"),
        (bool(node.without_overlaps), "WITHOUT OVERLAPS"),
    )


def _exclusion_entry(command: Command, node: Any) -> Entry:
    _plain(node)
    table, elements = command.relation.relname, []
    for element, operator in node.exclusions:
        unless((element.collation is not None or bool(element.opclassopts), "a collation in an exclusion"))
        found: dict[str, Any] = {"operator": names(operator)[-1]}
        if element.name is not None:
            found = {"column": element.name, **found}
        else:
            found = {"expression": expression_text(element.expr, table), **found}
        if element.opclass:
            found["opclass"] = names_text(element.opclass)
        elements.append(found)
    columns = key_names(element for element, _ in node.exclusions)
    return entry(
        "add_exclusion",
        table=command.table_text,
        name=name_of(command, node, "excl", columns),
        elements=tuple(elements),
        method=node.access_method,
        where=None if node.where_clause is None else expression_text(node.where_clause, table),
        deferrable=("deferred" if node.initdeferred else "immediate") if node.deferrable else None,
    )


def drop_constraint(command: Command) -> Iterator[Entry]:
    """DROP CONSTRAINT."""
    name, known = command.action.name, find(command, command.action.name)
    cascade = command.action.behavior.name == "DROP_CASCADE"
    unless(
        (command.action.missing_ok and known is None, "a constraint that may not be there"),
        (cascade and (known is None or _is_needed(command, known)), "what goes with it"),
    )
    if known is not None and known.kind == "not_null":
        yield entry("drop_not_null", table=command.table_text, column=known.columns[0])
        return
    yield entry("drop_constraint", table=command.table_text, name=name)


def _is_needed(command: Command, known: Constraint) -> bool:
    keys = (key for _, key in command.before.incoming(command.table_name))
    return known.index is not None and any(key.referenced_columns == known.columns for key in keys)


def validate_constraint(command: Command) -> Iterator[Entry]:
    """VALIDATE CONSTRAINT of one that is valid already does nothing."""
    known = find(command, command.action.name)
    unless((known is None or not known.validated, "a constraint that another migration has added"))
    yield from ()


def rename_constraint(command: Command) -> Iterator[Entry]:
    """RENAME CONSTRAINT."""
    yield entry("rename_constraint", table=command.table_text, from_=command.node.subname, to=command.node.newname)


SUBCOMMANDS = {
    "AddConstraint": add_constraint,
    "DropConstraint": drop_constraint,
    "ValidateConstraint": validate_constraint,
}

"""The names that a statement gives: to tables, columns, indexes, constraints, views and types. Pure.

Where a statement leaves a name to PostgreSQL, it is the one that the server would choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.lint.declared import alter_commands, made_type
from crossfade.postgres.forecast.chosen_names import chosen_name, key_names
from crossfade.postgres.forecast.trees import below, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.migrations.script import Position

_CONSTRAINTS = {
    "CONSTR_PRIMARY": ("primary_key", "pkey"),
    "CONSTR_UNIQUE": ("unique", "key"),
    "CONSTR_FOREIGN": ("foreign_key", "fkey"),
    "CONSTR_CHECK": ("check", "check"),
    "CONSTR_EXCLUSION": ("exclude", "excl"),
}
"""The kind, and what PostgreSQL's own names end with."""
_OF_MODEL = {"primary": "primary_key", "foreign": "foreign_key", "exclusion": "exclude"}
_RENAMED = {
    "OBJECT_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "view",
    "OBJECT_TYPE": "type",
    "OBJECT_DOMAIN": "type",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeName:
    """A name, and what has it."""

    kind: str
    """As in the settings: `foreign_key`."""
    name: str
    at: Position
    is_written: bool = True
    """Else it is PostgreSQL that chooses it."""
    table: str | None = None
    """The table that it is about; None where it is about none, or that is not known."""
    columns: Sequence[str] | None = None
    """Those that it is about; None where it has expressions, or that is not known."""
    referenced: str | None = None
    """The table that a foreign key points at."""


def made_names(seen: SeenStatement) -> Iterator[MadeName]:
    """Every name that the statement gives; what is temporary has any name."""
    node = seen.tree
    match kind(node):
        case "CreateStmt" if node.relation.relpersistence != "t":
            yield _plain(seen, "table", node.relation)
            for element in node.tableElts or ():
                yield from _element(seen, node.relation.relname, element)
        case "CreateTableAsStmt" if node.into.rel.relpersistence != "t":
            is_view = node.objtype.name == "OBJECT_MATVIEW"
            yield _plain(seen, "view" if is_view else "table", node.into.rel)
        case "ViewStmt" if node.view.relpersistence != "t":
            yield _plain(seen, "view", node.view)
        case "AlterTableStmt":
            for command in alter_commands(seen, "AddColumn", "AddConstraint"):
                yield from _element(seen, node.relation.relname, command.def_)
        case "IndexStmt":
            yield _index(seen, node)
        case "RenameStmt":
            yield from _renamed(seen, node)
        case _ if made := made_type(node):
            yield MadeName(kind="type", name=made[-1], at=seen.statement.position)


def _plain(seen: SeenStatement, what: str, relation: Any) -> MadeName:
    return MadeName(kind=what, name=relation.relname, at=seen.statement.at(relation.location))


def _element(seen: SeenStatement, table: str, element: Any) -> Iterator[MadeName]:
    if kind(element) == "ColumnDef":
        at = seen.statement.at(element.location)
        yield MadeName(kind="column", name=element.colname, at=at, table=table)
        for constraint in element.constraints or ():
            yield from _constraint(seen, table, constraint, (element.colname,))
    elif kind(element) == "Constraint":
        listed = element.fk_attrs if element.contype.name == "CONSTR_FOREIGN" else element.keys
        yield from _constraint(seen, table, element, names(listed or ()))


def _constraint(seen: SeenStatement, table: str, node: Any, columns: Sequence[str]) -> Iterator[MadeName]:
    if node.contype.name not in _CONSTRAINTS:
        return
    what, ending = _CONSTRAINTS[node.contype.name]
    about: tuple[str, ...] | None = tuple(columns)
    if what == "exclude":
        about = _parts(element[0] for element in node.exclusions)
    elif what == "check":
        about = _named_in(node.raw_expr)
    if node.indexname is not None and node.conname is None:
        about, chosen = None, node.indexname
    else:
        chosen = chosen_name(table, () if what == "primary_key" else about or (), ending, ())
    yield MadeName(
        kind=what,
        name=node.conname or chosen,
        at=seen.statement.at(node.location),
        is_written=bool(node.conname or node.indexname),
        table=table,
        columns=about if node.indexname is None else None,
        referenced=node.pktable.relname if what == "foreign_key" else None,
    )


def _index(seen: SeenStatement, node: Any) -> MadeName:
    columns, table = _parts(node.indexParams), node.relation.relname
    return MadeName(
        kind="index",
        name=node.idxname
        or chosen_name(table, key_names((*node.indexParams, *(node.indexIncludingParams or ()))), "idx", ()),
        at=seen.statement.position,
        is_written=node.idxname is not None,
        table=table,
        columns=columns,
    )


def _parts(elements: Any) -> tuple[str, ...] | None:
    found = [element.name for element in elements]
    return tuple(found) if all(found) else None


def _named_in(expression: Any) -> tuple[str, ...]:
    """The column of a condition, which PostgreSQL puts into its name where there is only one."""
    found = {names(node.fields)[-1] for node in below(expression) if kind(node) == "ColumnRef"}
    return tuple(found) if len(found) == 1 else ()


def _renamed(seen: SeenStatement, node: Any) -> Iterator[MadeName]:
    what, at = node.renameType.name, seen.statement.position
    if what in _RENAMED:
        yield MadeName(kind=_RENAMED[what], name=node.newname, at=at)
    elif what == "OBJECT_COLUMN" and node.relationType.name == "OBJECT_TABLE":
        yield MadeName(kind="column", name=node.newname, at=at, table=node.relation.relname)
    elif what == "OBJECT_INDEX":
        found = seen.before.find_index(node.relation.schemaname, node.relation.relname)
        if found is None or found[1].constraint is None:
            table = None if found is None else found[0].name.name
            yield MadeName(kind="index", name=node.newname, at=at, table=table)
        else:
            yield from _renamed_constraint(seen, found[0].name.name, found[0].constraints, found[1].constraint)
    elif what == "OBJECT_TABCONSTRAINT" and node.relation is not None:
        table_of = seen.before.find(node.relation.schemaname, node.relation.relname)
        if table_of is not None:
            yield from _renamed_constraint(seen, table_of.name.name, table_of.constraints, node.subname)


def _renamed_constraint(seen: SeenStatement, table: str, among: Sequence[Any], old: str) -> Iterator[MadeName]:
    found = next((c for c in among if c.name == old), None)
    if found is not None and found.kind != "not_null":
        what = _OF_MODEL.get(found.kind, found.kind)
        yield MadeName(kind=what, name=seen.tree.newname, at=seen.statement.position, table=table)

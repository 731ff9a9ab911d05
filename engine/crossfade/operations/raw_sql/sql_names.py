"""Names that a statement of a plan's own takes for granted, or for free: relations, and what is on them. Pure.

Columns, types, functions and roles are tried (`sql_trial`). What is told here is known from the catalog as the
statements before have left it, but for tables that an earlier change of the plan is about: what they have then depends
on the phase.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import no_column
from crossfade.operations.constraints import constraint_preflight
from crossfade.operations.raw_sql.sql_dependents import needed
from crossfade.operations.raw_sql.sql_foretold import in_order
from crossfade.operations.raw_sql.sql_parts import NAMES, Part, parts
from crossfade.operations.tables.table_names import name_taken
from crossfade.plan.nodes import below, kind_of, strings
from crossfade.plan.sql_statements import is_of_the_server
from crossfade.postgres.catalog import QualifiedName, Table
from crossfade.postgres.forecast import Schema
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.plan.changes.sql import RawSql
    from crossfade.postgres.catalog import Catalog

_KINDS = {
    "OBJECT_TABLE": ("a table", {"table", "partitioned"}),
    "OBJECT_FOREIGN_TABLE": ("a foreign table", {"foreign"}),
    "OBJECT_VIEW": ("a view", {"view"}),
    "OBJECT_MATVIEW": ("a materialized view", {"materialized view"}),
    "OBJECT_INDEX": ("an index", {"index"}),
}
"""What DROP takes a relation for, and which kinds are that."""
_VIEW_KINDS = frozenset({"OBJECT_VIEW", "OBJECT_MATVIEW"})
_NOWHERE = QualifiedName("", "")
_NOT_NULL = "_not_null"
"""From PostgreSQL 18 on NOT NULL has a name of the server's choice, with this at its end."""


def refusals(change: RawSql, catalog: Catalog, read: Catalog) -> Iterator[Refusal]:
    """For each name that is not as the statement has it; `read` is the catalog before the plan."""
    for told, _ in in_order(change, catalog):
        yield from _missing(told, catalog, read)
        yield from _new_name(told, catalog)
        for part in parts(told.statement.tree()):
            table = _known_table(told, part, catalog, read)
            if table is not None:
                yield from _on_table(table, part)
        yield from _of_parent(told)
        yield from tuple(_of_other_kind(told)) or needed(told, catalog, read)


# Relations


def missing(told: Foretold, catalog: Catalog, name: QualifiedName) -> Iterator[Refusal]:
    """There is no relation of that name when the statement runs."""
    if not is_relation(told.before, name, catalog):
        near = catalog.nearest_tables(name.name)
        yield Refusal(
            code="no_such_table",
            object=str(name),
            message=f"{told.statement.short}: there is no relation {name} when it runs.",
            instead=f"Did you mean {' or '.join(near)}?" if near else "Create it first, or write its schema.",
        )


def is_relation(schema: Schema, name: QualifiedName, catalog: Catalog) -> bool:
    """There is one of that name; an index or sequence of a table that was read, as long as that has it."""
    if name in schema.tables or schema.owner_of(name) is not None:
        return True
    if any(index.name == name for table in schema.tables.values() for index in table.indexes):
        return True
    hanging = {i.name for t in catalog.tables for i in t.indexes}
    hanging |= {sequence for t in catalog.tables for c in t.columns for sequence in c.owned_sequences}
    return name in schema.other_relations and name not in hanging


def _missing(told: Foretold, catalog: Catalog, read: Catalog) -> Iterator[Refusal]:
    tree = told.statement.tree()
    if kind_of(tree) == "CreateSchemaStmt" or getattr(tree, "missing_ok", False) or _is_of_type(tree):
        return
    made = set(_made(tree))
    for name in told.statement.relations:
        found = told.before.qualify(name.schema, name.name)
        if is_of_the_server(name) or (name.schema, name.name) in made or _is_taken_away(found, catalog, read):
            continue
        yield from missing(told, catalog, found)


def _is_of_type(tree: Any) -> bool:
    """ALTER TYPE of a composite one, which is a relation too."""
    match kind_of(tree):
        case "AlterTableStmt":
            return bool(tree.objtype.name == "OBJECT_TYPE")
        case "RenameStmt":
            return bool(tree.renameType.name == "OBJECT_ATTRIBUTE")
    return False


def _made(tree: Any) -> Iterator[tuple[str | None, str]]:
    """The relations that a statement makes, as it names them."""
    for node in below(tree):
        match kind_of(node):
            case "CreateStmt":
                relation = node.relation
            case "ViewStmt":
                relation = node.view
            case "IntoClause":
                relation = node.rel
            case "CreateSeqStmt":
                relation = node.sequence
            case "CompositeTypeStmt":
                relation = node.typevar
            case _:
                continue
        yield relation.schemaname, relation.relname


def _is_taken_away(name: QualifiedName, catalog: Catalog, read: Catalog) -> bool:
    """By an earlier change of the plan, at contract: until then it is there."""
    return name in read.relation_names and name not in catalog.relation_names


def _of_other_kind(told: Foretold) -> Iterator[Refusal]:
    for taken_for, name in _taken_for(told.statement.tree(), told.before):
        word, kinds = _KINDS[taken_for]
        kind = _kind(told, name)
        if kind is not None and kind not in kinds:
            what = {"index": "an index", "partitioned": "a partitioned table"}.get(kind, f"a {kind}")
            yield Refusal(
                code="other_kind",
                object=str(name),
                message=f"{told.statement.short}: {name} is {what}, and not {word}.",
                instead="Use the statement for that kind.",
            )


def _taken_for(tree: Any, before: Schema) -> Iterator[tuple[str, QualifiedName]]:
    """What a statement takes relations for. ALTER TABLE is for any kind."""
    match kind_of(tree):
        case "DropStmt" if tree.removeType.name in _KINDS:
            for named in tree.objects:
                *above, last = strings(named)
                yield tree.removeType.name, before.qualify(above[-1] if above else None, last)
        case "RenameStmt" if tree.renameType.name in _VIEW_KINDS:
            yield tree.renameType.name, before.qualify(tree.relation.schemaname, tree.relation.relname)
        case "AlterTableStmt" if tree.objtype.name in _VIEW_KINDS:
            yield tree.objtype.name, before.qualify(tree.relation.schemaname, tree.relation.relname)
        case "ViewStmt" if tree.replace:
            yield "OBJECT_VIEW", before.place_of(tree.view)
        case "RefreshMatViewStmt":
            yield "OBJECT_MATVIEW", before.qualify(tree.relation.schemaname, tree.relation.relname)


def _kind(told: Foretold, name: QualifiedName) -> str | None:
    """Of a relation that was read, or that the plan makes."""
    table = told.before.tables.get(name)
    if table is not None:
        return table.kind if table.oid or name not in told.before.origins else None
    return "index" if told.before.find_index(name.schema, name.name) is not None else None


def _new_name(told: Foretold, catalog: Catalog) -> Iterator[Refusal]:
    """A relation gets the name of another one, or a constraint's index does."""
    tree = told.statement.tree()
    names: list[QualifiedName] = []
    if kind_of(tree) == "RenameStmt" and tree.relation is not None and tree.subname is None:
        here = told.before.qualify(tree.relation.schemaname, tree.relation.relname)
        names.append(QualifiedName(here.schema, tree.newname))
    if kind_of(tree) == "AlterTableStmt":
        here = told.before.qualify(tree.relation.schemaname, tree.relation.relname)
        kinds = {command.subtype.name for command in tree.cmds}
        added = [c.def_ for c in tree.cmds if c.subtype.name == "AT_AddConstraint"]
        keys = (c for c in added if c.contype.name in {"CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION"})
        if kinds.isdisjoint({"AT_DropConstraint", "AT_DropColumn"}):
            names += [QualifiedName(here.schema, k.conname) for k in keys if k.conname and not k.indexname]
    if kind_of(tree) == "CreateStatsStmt" and not tree.if_not_exists and tree.defnames is not None:
        yield from _statistics_taken(told, strings(tree.defnames))
    for name in names:
        table = told.before.tables.get(here)
        is_its_own = table is not None and name.name in table.constraint_names
        if is_relation(told.before, name, catalog) and not is_its_own:
            yield name_taken(name)


def _statistics_taken(told: Foretold, written: tuple[str, ...]) -> Iterator[Refusal]:
    *above, last = written
    name = QualifiedName(above[-1] if above else told.before.creation_schema, last)
    for table in told.before.tables.values():
        if any(known.name == name for known in table.extended_statistics):
            yield Refusal(
                code="name_taken",
                object=f"statistics {name} on {table.name}",
                message=f"there are statistics {name} already.",
                instead="Choose another name, or drop those first.",
            )


def _of_parent(told: Foretold) -> Iterator[Refusal]:
    """A partition has the columns of its parent, and what a parent gives nobody takes from it or changes."""
    tree = told.statement.tree()
    if kind_of(tree) != "AlterTableStmt":
        return
    table = told.before.find(tree.relation.schemaname, tree.relation.relname) or Table(name=_NOWHERE)
    for command in tree.cmds:
        column = table.column(command.name or "")
        is_given = column is not None and column.inherited_count > 0
        is_added = command.subtype.name == "AT_AddColumn" and table.partition_parent is not None
        if is_added or (is_given and command.subtype.name in {"AT_DropColumn", "AT_AlterColumnType"}):
            parents = ", ".join(str(name) for name in (table.partition_parent, *table.inherits) if name is not None)
            yield Refusal(
                code="inherited_column",
                object=str(table.name),
                message=f"{told.statement.short}: columns of a parent are its own to add, drop or change.",
                instead=f"Name the parent: {parents}.",
            )


# What is on a table


def _known_table(told: Foretold, part: Part, catalog: Catalog, read: Catalog) -> Table | None:
    """The table, where nothing is on it but what was read, and what the statements before have made."""
    name = told.before.qualify(part.schema, part.relation)
    table, origin = told.before.tables.get(name), told.before.origins.get(name)
    if table is None or not table.columns or origin is None or catalog.table(origin) != read.table(origin):
        return None
    return table


def _on_table(table: Table, part: Part) -> Iterator[Refusal]:
    there = NAMES[part.kind](table)
    if part.made and part.name in there:
        yield _taken(table, part)
    elif not part.made and part.name not in there and not part.name.endswith(_NOT_NULL):
        yield _not_there(table, part, there)


def _taken(table: Table, part: Part) -> Refusal:
    if part.kind == "constraint":
        return constraint_preflight.name_taken(table, part.name)
    return Refusal(
        code="name_taken",
        object=f"{part.kind} {quoted(part.name)} on {table.name}",
        message=f"{table.name} has a {part.kind} of that name already.",
        instead="Choose another name, or drop that one first.",
    )


def _not_there(table: Table, part: Part, there: frozenset[str]) -> Refusal:
    if part.kind == "constraint":
        return constraint_preflight.no_constraint(table, part.name)
    if part.kind == "column":
        return no_column(table, part.name)
    near = difflib.get_close_matches(part.name, there, n=2) or sorted(there)
    return Refusal(
        code="not_on_table",
        object=f"{part.kind} {quoted(part.name)} on {table.name}",
        message=f"{table.name} has no {part.kind} of that name.",
        instead=f"It has: {', '.join(near)}." if near else f"It has no {part.kind} at all.",
    )

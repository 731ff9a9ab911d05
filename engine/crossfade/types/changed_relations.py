"""What statements make of tables and views, as far as the model of locks has no use for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossfade.postgres.catalog import Column, QualifiedName, Table
from crossfade.postgres.forecast.draft import Draft
from crossfade.postgres.forecast.dropping import drop_relation
from crossfade.postgres.forecast.trees import kind, names, option
from crossfade.types.known import Known, NotFollowed
from crossfade.types.named_types import type_named
from crossfade.types.queries import UNKNOWN, Fields, outputs
from crossfade.types.views import Shows, shown_by_tree

# How LIKE … INCLUDING is kept in the parse tree.
_COMMENTS, _DEFAULTS, _GENERATED, _IDENTITY = 1 << 0, 1 << 3, 1 << 4, 1 << 5


def create_table(before: Known, after: Known, node: Any) -> Known:
    """CREATE TABLE: what LIKE, INHERITS and OF bring is less than the columns of the other table."""
    table = _new(before, after, node.relation)
    if table is None:
        return after
    if node.ofTypename is not None:
        return _made_of(before, after, table, node)
    columns = {column.name: column for column in table.columns}
    ordered = _inherited(before, columns, node)
    for element in node.tableElts or ():
        if kind(element) == "TableLikeClause":
            ordered |= _liked(before, columns, element)
        elif kind(element) == "ColumnDef" and element.colname in columns:
            ordered.setdefault(element.colname, columns[element.colname])
    return after.put(replace(table, columns=_numbered(ordered.values())))


def create_foreign_table(before: Known, after: Known, node: Any) -> Known:
    """CREATE FOREIGN TABLE, whose columns are declared as those of a table are."""
    declared = replace(before, schema=before.schema.foresee_tree(node.base)[1])
    table = _new(before, declared, node.base.relation)
    if table is None:
        return after
    return create_table(before, after.put(replace(table, kind="foreign")), node.base)


def create_view(before: Known, after: Known, node: Any) -> Known:
    """CREATE VIEW and CREATE OR REPLACE VIEW."""
    name = _made_name(before, node.view)
    table = after.schema.tables.get(name)
    if table is None:
        return after
    aliases = names(node.aliases)
    views = {view: shows for view, shows in after.views.items() if view != name}
    shows = shown_by_tree(node.query, before.schema, aliases)
    if shows is not None:
        views[name] = shows
    return replace(_with_columns(after, table, outputs(node.query, before, aliases)), views=views)


def create_table_as(before: Known, after: Known, node: Any) -> Known:
    """CREATE TABLE AS and CREATE MATERIALIZED VIEW."""
    table = _new(before, after, node.into.rel)
    if table is None:
        return after
    return _with_columns(after, table, outputs(node.query, before, names(node.into.colNames)))


def select(before: Known, after: Known, node: Any) -> Known:
    """SELECT … INTO makes a table; any other SELECT nothing."""
    first = node
    while first.larg is not None:
        first = first.larg
    if first.intoClause is None:
        return after
    into = first.intoClause.rel
    table = _new(before, after, into) or Table(name=_made_name(before, into))
    if table.name in before.schema.tables or into.relpersistence == "t":
        return after
    return _with_columns(after, table, outputs(node, before))


def alter_table(_before: Known, after: Known, node: Any) -> Known:
    """ALTER TABLE: ALWAYS or BY DEFAULT of an identity, and a partition that becomes a table loses its own."""
    for command in node.cmds or ():
        match command.subtype.name:
            case "AT_SetIdentity":
                after = _with_identity(after, node.relation, command)
            case "AT_DetachPartition":
                relation = command.def_.name
                table = after.schema.find(relation.schemaname, relation.relname)
                if table is not None:
                    columns = (replace(column, identity=None) for column in table.columns)
                    after = after.put(replace(table, columns=tuple(columns)))
    return after


def _with_identity(known: Known, relation: Any, command: Any) -> Known:
    generated = option(command.def_, "generated")
    table = known.schema.find(relation.schemaname, relation.relname)
    if generated is None or table is None:
        return known
    always = generated.arg.ival == ord("a")
    columns = (
        replace(c, identity=replace(c.identity, always=always)) if c.name == command.name and c.identity else c
        for c in table.columns
    )
    return known.put(replace(table, columns=tuple(columns)))


def comment_on_relation(_before: Known, after: Known, node: Any) -> Known:
    """COMMENT ON TABLE, VIEW …"""
    parts = names(node.object)
    table = after.schema.find(parts[-2] if len(parts) > 1 else None, parts[-1])
    return after if table is None else after.put(replace(table, comment=node.comment))


def comment_on_column(_before: Known, after: Known, node: Any) -> Known:
    """COMMENT ON COLUMN."""
    parts = names(node.object)
    table = after.schema.find(parts[-3] if len(parts) > 2 else None, parts[-2])
    if table is None:
        return after
    columns = (replace(c, comment=node.comment) if c.name == parts[-1] else c for c in table.columns)
    return after.put(replace(table, columns=tuple(columns)))


def rename_column(before: Known, after: Known, node: Any) -> Known:
    """RENAME COLUMN, as views see it."""
    name = before.schema.qualify(node.relation.schemaname, node.relation.relname)
    family = {table.name for table in before.schema.family(name)}
    views = {view: _shown_anew(shows, view == name, shows.table in family, node) for view, shows in after.views.items()}
    return replace(after, views=views)


def without_lost_views(before: Known, after: Known, node: Any) -> Known:
    """Without the views over what the statement takes along by CASCADE, as far as statements have made them; the model
    of locks knows those of the database.
    """
    known = after
    while _cascades(node):
        lost = {name for name, view in known.schema.views.items() if _has_lost(before, known, view.reads)}
        lost &= known.schema.tables.keys()
        if not lost:
            break
        draft = Draft(schema=known.schema)
        for name in lost:
            drop_relation(draft, name, cascade=True)
        views = {name: shows for name, shows in known.views.items() if name in draft.schema.tables}
        known = replace(known, schema=draft.schema, views=views)
    return known


def _cascades(node: Any) -> bool:
    acts = (node,) if kind(node) == "DropStmt" else (node.cmds or ()) if kind(node) == "AlterTableStmt" else ()
    return any(act.behavior.name == "DROP_CASCADE" for act in acts)


def _has_lost(before: Known, after: Known, reads: Mapping[QualifiedName, frozenset[str] | None]) -> bool:
    """Whether a view lacks a relation or a column of those that it reads; None stands for any column."""
    for name, columns in reads.items():
        was, now = before.schema.tables.get(name), after.schema.tables.get(name)
        if was is not None:
            gone = {c.name for c in was.columns} - {c.name for c in (now.columns if now is not None else ())}
            if now is None or (gone if columns is None else gone & columns):
                return True
    return False


def _shown_anew(shows: Shows, is_view: bool, is_over: bool, node: Any) -> Shows:
    old, new = node.subname, node.newname
    columns = shows.columns
    if is_view:
        columns = tuple((new if own == old else own, shown) for own, shown in columns)
    if is_over:
        columns = tuple((own, new if shown == old else shown) for own, shown in columns)
    return replace(shows, columns=columns)


def _made_name(known: Known, relation: Any) -> QualifiedName:
    return QualifiedName(relation.schemaname or known.schema.creation_schema, relation.relname)


def _new(before: Known, after: Known, relation: Any) -> Table | None:
    """The relation that the statement has made; None where it was there before."""
    name = _made_name(before, relation)
    return None if name in before.schema.tables else after.schema.tables.get(name)


def _made_of(before: Known, after: Known, table: Table, node: Any) -> Known:
    facts = before.types.get(type_named(before, names(node.ofTypename.names)))
    if facts is None or node.tableElts:
        raise NotFollowed(f"the columns of {table.name} are not foreseen")
    columns = (Column(name=f.name, number=0, type=f.type, type_name=f.type_name) for f in facts.fields)
    return after.put(replace(table, columns=_numbered(columns)))


def _inherited(before: Known, columns: Mapping[str, Column], node: Any) -> dict[str, Column]:
    """The columns of the parents, which may be declared once more; an identity is not among what they hand on."""
    declared = {e.colname for e in node.tableElts or () if kind(e) == "ColumnDef" and e.typeName is not None}
    found: dict[str, Column] = {}
    for parent in (before.schema.find(r.schemaname, r.relname) for r in node.inhRelations or ()):
        for theirs in _in_order(parent) if parent is not None else ():
            own = found.get(theirs.name) or columns.get(theirs.name, theirs)
            if theirs.name not in declared:
                own = replace(own, identity=None, comment=None)
            found[theirs.name] = replace(
                own,
                not_null=own.not_null or theirs.not_null,
                default=own.default or theirs.default,
                generated=own.generated or theirs.generated,
            )
    return found


def _liked(before: Known, columns: Mapping[str, Column], element: Any) -> dict[str, Column]:
    """The columns of the table that LIKE names, with what INCLUDING says besides their types and NOT NULL."""
    table = before.schema.find(element.relation.schemaname, element.relation.relname)
    if table is None:
        raise NotFollowed(f"the columns of {element.relation.relname}, which a table is made like, are not known")
    given = element.options
    return {
        theirs.name: replace(
            columns.get(theirs.name, theirs),
            default=theirs.default if given & _DEFAULTS else None,
            generated=theirs.generated if given & _GENERATED else None,
            identity=theirs.identity if given & _IDENTITY else None,
            comment=theirs.comment if given & _COMMENTS else None,
        )
        for theirs in _in_order(table)
    }


def _in_order(table: Table) -> Sequence[Column]:
    return sorted(table.columns, key=lambda column: column.number)


def _numbered(columns: Iterable[Column]) -> tuple[Column, ...]:
    return tuple(replace(column, number=number) for number, column in enumerate(columns, 1))


def _with_columns(known: Known, table: Table, fields: Fields) -> Known:
    """With the columns of a query. A view that is replaced keeps the types that it has; of an expression whose type
    nothing tells it is that of the earlier view of the name.
    """
    earlier = known.at_first.get(table.name, Table(name=table.name))
    columns, assumed = list[Column](), list[str]()
    for number, field in enumerate(fields, 1):
        column = table.column(field.name)
        if column is None:
            column = Column(name=field.name, number=number, type=field.type, type_name=field.type_name)
            if field.type_name == UNKNOWN.type_name:
                assumed.append(field.name)
                found = earlier.column(field.name)
                column = replace(column, type=found.type, type_name=found.type_name) if found is not None else column
        columns.append(replace(column, number=number))
    known = known.put(replace(table, columns=tuple(columns)))
    return replace(known, assumed={**known.assumed, table.name: tuple(assumed)})

"""What is known of a schema as it comes out of statements: those that the phases of a plan execute. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossfade.postgres.catalog import Column, Domain, QualifiedName, Table
from crossfade.postgres.forecast import Schema
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names, one_statement, option
from crossfade.postgres.forecast.type_names import read_type
from crossfade.postgres.type_facts import TypeFacts, TypeField
from crossfade.types.known import Known
from crossfade.types.views import Shows, outputs, shown_by_tree

_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})
_UNKNOWN = QualifiedName("pg_catalog", "unknown")
_TYPES = frozenset({"OBJECT_TYPE", "OBJECT_DOMAIN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Statements that commit together."""

    statements: Sequence[str]
    is_ours: bool = True
    """They are of crossfade's own making: what the model does not know of them is of no matter to types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What is known in the end, and what could not be foreseen."""

    known: Known
    unforeseen: tuple[str, ...] = ()
    """A line each: the reason."""


def follow(known: Known, works: Iterable[Work]) -> Followed:
    """What comes out of these statements; what one work makes, the next one finds."""
    unforeseen: list[str] = []
    for work in works:
        known = replace(known, schema=known.schema.seen_by_others())
        for text in work.statements:
            try:
                node = one_statement(text)
            except NotOneStatement as reason:
                unforeseen.append(str(reason))
                continue
            forecast, schema = known.schema.foresee_tree(node)
            if forecast.unknown is not None and not work.is_ours:
                unforeseen.append(forecast.unknown)
            known = _after(known, replace(known, schema=schema), node)
    unforeseen += (
        f"the type of {column.name} in {table.name}, which is made anew, is taken to be the one that it had"
        for table in known.schema.tables.values()
        for column in table.columns
        if column.name in known.assumed.get(table.name, ())
    )
    return Followed(known=known, unforeseen=tuple(dict.fromkeys(unforeseen)))


def _after(before: Known, after: Known, node: Any) -> Known:
    act = _ACTS.get(kind(node))
    return after if act is None else act(before, after, node)


def _named(schema: Schema, parts: tuple[str, ...], known: Iterable[QualifiedName]) -> QualifiedName:
    """The type that these words mean; a new one where there is none."""
    if len(parts) > 1:
        return QualifiedName(parts[-2], parts[-1])
    found = next((s for s in schema.search_path if QualifiedName(s, parts[-1]) in frozenset(known)), None)
    return QualifiedName(found or schema.creation_schema, parts[-1])


def _with_type(known: Known, facts: TypeFacts) -> Known:
    types = {**known.types, facts.name: facts}
    if facts.name not in known.types:
        # With a type comes that of its arrays.
        array = QualifiedName(facts.name.schema, f"_{facts.name.name}")
        types[array] = TypeFacts(name=array, kind="array", over=facts.name)
    return replace(known, types=types)


def _create_enum(before: Known, after: Known, node: Any) -> Known:
    name = _named(before.schema, names(node.typeName), ())
    return _with_type(after, TypeFacts(name=name, kind="enum", labels=names(node.vals)))


def _alter_enum(before: Known, after: Known, node: Any) -> Known:
    facts = before.types.get(_named(before.schema, names(node.typeName), before.types))
    if facts is None:
        return after
    labels = list(facts.labels)
    if node.oldVal is not None:
        labels = [node.newVal if label == node.oldVal else label for label in labels]
    elif node.newVal not in labels:
        place = len(labels)
        if node.newValNeighbor in labels:
            place = labels.index(node.newValNeighbor) + bool(node.newValIsAfter)
        labels.insert(place, node.newVal)
    return _with_type(after, replace(facts, labels=tuple(labels)))


def _create_composite(before: Known, after: Known, node: Any) -> Known:
    parts = tuple(p for p in (node.typevar.schemaname, node.typevar.relname) if p is not None)
    fields = []
    for column in node.coldeflist or ():
        read = read_type(column.typeName)
        name = read.name
        if not name.schema:
            name = _named(before.schema, (name.name,), before.types)
        fields.append(TypeField(name=column.colname, type=read.spelled, type_name=name))
    return _with_type(after, TypeFacts(name=_named(before.schema, parts, ()), kind="composite", fields=tuple(fields)))


def _domains(_before: Known, after: Known, _node: Any) -> Known:
    """The model has domains: what has changed of them is taken from there."""
    made = {domain.name: _facts(domain, after) for domain in after.schema.domains}
    return replace(after, types={**after.types, **made})


def _facts(domain: Domain, known: Known) -> TypeFacts:
    earlier = known.types.get(domain.name)
    over = domain.type_name if domain.type_name.schema else _named(known.schema, (domain.type_name.name,), known.types)
    if earlier is not None and earlier.kind == "domain":
        over = earlier.over or over
    elif domain.type.endswith("[]"):
        over = next((t.name for t in known.types.values() if t.kind == "array" and t.over == over), over)
    return TypeFacts(
        name=domain.name,
        kind="domain",
        over=over,
        not_null=domain.not_null,
        has_default=domain.default is not None,
        comment=earlier.comment if earlier is not None else None,
    )


def _renamed_type(before: Known, after: Known, node: Any) -> Known:
    old = _named(before.schema, names(node.object), before.types)
    if kind(node) == "RenameStmt":
        return _moved_type(after, old, QualifiedName(old.schema, node.newname))
    return _moved_type(after, old, QualifiedName(node.newschema, old.name))


def _moved_type(known: Known, old: QualifiedName, new: QualifiedName) -> Known:
    types: dict[QualifiedName, TypeFacts] = {}
    for name, facts in known.types.items():
        moved = replace(
            facts,
            name=new if name == old else name,
            over=new if facts.over == old else facts.over,
            fields=tuple(replace(f, type_name=new) if f.type_name == old else f for f in facts.fields),
        )
        types[moved.name] = moved
    return replace(known, types=types)


def _rename(before: Known, after: Known, node: Any) -> Known:
    what = node.renameType.name
    if what in _TYPES:
        return _renamed_type(before, after, node)
    if what in _RELATIONS:
        old = before.schema.qualify(node.relation.schemaname, node.relation.relname)
        return _moved_view(after, old, QualifiedName(old.schema, node.newname))
    if what == "OBJECT_COLUMN":
        table = before.schema.qualify(node.relation.schemaname, node.relation.relname)
        return replace(after, views={n: _shown_anew(s, n, table, node) for n, s in after.views.items()})
    return after


def _shown_anew(shows: Shows, view: QualifiedName, table: QualifiedName, node: Any) -> Shows:
    """With a column of the view, or of what it is over, under another name."""
    old, new = node.subname, node.newname
    columns = shows.columns
    if view == table:
        columns = tuple((new if own == old else own, shown) for own, shown in columns)
    if shows.table == table:
        columns = tuple((own, new if shown == old else shown) for own, shown in columns)
    return replace(shows, columns=columns)


def _moved_view(known: Known, old: QualifiedName, new: QualifiedName) -> Known:
    views = {
        new if name == old else name: replace(shows, table=new if shows.table == old else shows.table)
        for name, shows in known.views.items()
    }
    return replace(known, views=views)


def _set_schema(before: Known, after: Known, node: Any) -> Known:
    what = node.objectType.name
    if what in _TYPES:
        return _renamed_type(before, after, node)
    if what in _RELATIONS:
        old = before.schema.qualify(node.relation.schemaname, node.relation.relname)
        return _moved_view(after, old, QualifiedName(node.newschema, old.name))
    return after


def _drop(before: Known, after: Known, node: Any) -> Known:
    what = node.removeType.name
    if what in _TYPES:
        gone = {_named(before.schema, names(dropped.names), before.types) for dropped in node.objects}
        kept = {n: f for n, f in after.types.items() if n not in gone and not (f.kind == "array" and f.over in gone)}
        domains = tuple(d for d in after.schema.domains if d.name not in gone)
        return replace(after, types=kept, schema=replace(after.schema, domains=domains))
    if what in _RELATIONS:
        return replace(after, views={n: s for n, s in after.views.items() if n in after.schema.tables})
    return after


def _create_view(before: Known, after: Known, node: Any) -> Known:
    name = before.schema.qualify(node.view.schemaname, node.view.relname)
    table = after.schema.tables.get(name)
    if table is None:
        return after
    views = {view: shows for view, shows in after.views.items() if view != name}
    shows = shown_by_tree(node.query, names(node.aliases))
    if shows is not None:
        views[name] = shows
    return replace(_with_columns(after, table, node.query, names(node.aliases)), views=views)


def _create_table_as(before: Known, after: Known, node: Any) -> Known:
    relation = node.into.rel
    table = after.schema.find(relation.schemaname, relation.relname)
    if table is None or table.name in before.schema.tables:
        return after
    return _with_columns(after, table, node.query, names(node.into.colNames))


def _with_columns(known: Known, table: Table, query: Any, aliases: Sequence[str]) -> Known:
    """A new view's columns have the types of what it shows; an expression that of the earlier view of that name."""
    earlier = known.at_first.get(table.name, Table(name=table.name))
    columns, assumed = list[Column](), list[str]()
    for name, shown in outputs(query, known.schema, aliases):
        found = shown or earlier.column(name)
        if shown is None:
            assumed.append(name)
        typed = (found.type, found.type_name) if found is not None else ("unknown", _UNKNOWN)
        columns.append(Column(name=name, number=len(columns) + 1, type=typed[0], type_name=typed[1]))
    return replace(
        known,
        schema=known.schema.put(replace(table, columns=tuple(columns))),
        assumed={**known.assumed, table.name: tuple(assumed)},
    )


def _alter_table(_before: Known, after: Known, node: Any) -> Known:
    """What the model of locks has no use for: ALWAYS or BY DEFAULT of an identity."""
    for command in node.cmds or ():
        generated = option(command.def_, "generated") if command.subtype.name == "AT_SetIdentity" else None
        table = after.schema.find(node.relation.schemaname, node.relation.relname)
        if generated is None or table is None:
            continue
        always = generated.arg.ival == ord("a")
        columns = (
            replace(c, identity=replace(c.identity, always=always)) if c.name == command.name and c.identity else c
            for c in table.columns
        )
        after = replace(after, schema=after.schema.put(replace(table, columns=tuple(columns))))
    return after


def _comment(before: Known, after: Known, node: Any) -> Known:
    what, parts = node.objtype.name, names(node.object)
    if what in _TYPES:
        facts = after.types.get(_named(before.schema, names(node.object.names), before.types))
        return after if facts is None else _with_type(after, replace(facts, comment=node.comment))
    if what == "OBJECT_COLUMN":
        table = after.schema.find(parts[-3] if len(parts) > 2 else None, parts[-2])
        if table is not None:
            columns = (replace(c, comment=node.comment) if c.name == parts[-1] else c for c in table.columns)
            return replace(after, schema=after.schema.put(replace(table, columns=tuple(columns))))
    elif what in _RELATIONS:
        table = after.schema.find(parts[-2] if len(parts) > 1 else None, parts[-1])
        if table is not None:
            return replace(after, schema=after.schema.put(replace(table, comment=node.comment)))
    return after


_ACTS: Mapping[str, Callable[[Known, Known, Any], Known]] = {
    "CreateEnumStmt": _create_enum,
    "AlterEnumStmt": _alter_enum,
    "CompositeTypeStmt": _create_composite,
    "CreateDomainStmt": _domains,
    "AlterDomainStmt": _domains,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "DropStmt": _drop,
    "AlterTableStmt": _alter_table,
    "CreateTableAsStmt": _create_table_as,
    "ViewStmt": _create_view,
    "CommentStmt": _comment,
}

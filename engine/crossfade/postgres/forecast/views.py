"""Views in the model: what each reads, and which relation gets the rows that are written to it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from crossfade.postgres.forecast.trees import (
    NotOneStatement,
    below,
    columns_of,
    kind,
    one_statement,
    relations_of,
)
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.postgres.forecast.draft import Draft
    from crossfade.postgres.forecast.schema import Schema

INSTEAD = 1 << 6
"""The bit of CREATE TRIGGER's timing; those of its events follow."""
_TRIGGER_EVENTS = {1 << 2: "insert", 1 << 3: "delete", 1 << 4: "update"}
RULE_EVENTS: Mapping[str, Literal["insert", "update", "delete"]] = {
    "CMD_INSERT": "insert",
    "CMD_UPDATE": "update",
    "CMD_DELETE": "delete",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """What is known of a view or materialized view besides its columns."""

    reads: Mapping[QualifiedName, frozenset[str] | None]
    """The columns that it needs of each relation; None where it may be any."""
    writes: QualifiedName | None = None
    """Where a row that is written to it goes: the only relation that it is made from. PostgreSQL refuses the write
    where it is more than that one's rows."""
    shows: Mapping[str, str] | None = None
    """By its names for them, the columns of that relation; None where they are not spelled out."""
    replaced: frozenset[str] = frozenset()
    """`insert`, `update`, `delete`: what a trigger or rule of its own does instead."""


def written_through(definition: str, schema: Schema) -> tuple[QualifiedName | None, Mapping[str, str] | None]:
    """The only relation that a view of this query is made from, and what it shows of it."""
    try:
        query = one_statement(definition)
    except NotOneStatement:
        return None, None
    return _only_source(query, schema), _shown(query)


def trigger_events(node: Any) -> frozenset[str]:
    """The changes of rows that a CREATE TRIGGER is for."""
    return frozenset(event for bit, event in _TRIGGER_EVENTS.items() if node.events & bit)


def keep_views(draft: Draft, before: Schema, node: Any) -> None:
    """What the statement, which found the schema as it was before, does to views, in the model as it leaves it."""
    act = _ACTS.get(kind(node))
    if act is not None:
        kept = act(before, node).items()
        draft.schema = replace(draft.schema, views={n: view for n, view in kept if n in draft.schema.tables})


def _only_source(query: Any, schema: Schema) -> QualifiedName | None:
    is_plain = kind(query) == "SelectStmt" and query.withClause is None
    sources: tuple[Any, ...] = (query.fromClause or ()) if is_plain else ()
    if len(sources) != 1 or kind(sources[0]) != "RangeVar":
        return None
    return schema.qualify(sources[0].schemaname, sources[0].relname)


def _shown(query: Any) -> Mapping[str, str] | None:
    targets = (getattr(query, "targetList", None) or ()) if kind(query) == "SelectStmt" else ()
    columns = [(target.name, target.val.fields) for target in targets if kind(target.val) == "ColumnRef"]
    if any(kind(fields[-1]) == "A_Star" for _, fields in columns):
        return None
    return {name or fields[-1].sval: fields[-1].sval for name, fields in columns}


def _viewed(schema: Schema, query: Any) -> Viewed:
    named = frozenset(columns_of(query))
    columns = None if any(kind(part) == "A_Star" for part in below(query)) else named
    read = {schema.qualify(r.schemaname, r.relname): columns for r in relations_of(query)}
    return Viewed(reads=read, writes=_only_source(query, schema), shows=_shown(query))


def _create_view(before: Schema, node: Any) -> dict[QualifiedName, Viewed]:
    name = before.place_of(node.view)
    made, known = _viewed(before, node.query), before.views.get(name)
    if node.aliases:
        made = replace(made, shows=None)
    return {**before.views, name: made if known is None else replace(made, replaced=known.replaced)}


def _create_table_as(before: Schema, node: Any) -> dict[QualifiedName, Viewed]:
    if node.objtype.name != "OBJECT_MATVIEW":
        return dict(before.views)
    name = before.place_of(node.into.rel)
    return {**before.views, name: replace(_viewed(before, node.query), writes=None)}


def _create_trigger(before: Schema, node: Any) -> dict[QualifiedName, Viewed]:
    return _replaced(before, node.relation, trigger_events(node) if node.timing == INSTEAD else frozenset())


def _create_rule(before: Schema, node: Any) -> dict[QualifiedName, Viewed]:
    event = RULE_EVENTS.get(node.event.name)
    return _replaced(before, node.relation, frozenset({event} if node.instead and event is not None else ()))


def _replaced(before: Schema, relation: Any, events: frozenset[str]) -> dict[QualifiedName, Viewed]:
    name = before.qualify(relation.schemaname, relation.relname)
    view = before.views.get(name)
    return {**before.views} if view is None else {**before.views, name: replace(view, replaced=view.replaced | events)}


def _rename(before: Schema, node: Any) -> dict[QualifiedName, Viewed]:
    match node.renameType.name:
        case "OBJECT_SCHEMA":
            return _renamed(before, lambda n: QualifiedName(node.newname, n.name) if n.schema == node.subname else n)
        case "OBJECT_COLUMN":
            family = {t.name for t in before.family(before.qualify(node.relation.schemaname, node.relation.relname))}
            return {
                name: replace(
                    view,
                    reads=_with_column_named(view.reads, family, node.subname, node.newname),
                    shows=_shown_renamed(name, view, family, {node.subname: node.newname}),
                )
                for name, view in before.views.items()
            }
        case "OBJECT_TABLE" | "OBJECT_VIEW" | "OBJECT_MATVIEW" | "OBJECT_FOREIGN_TABLE":
            old = before.qualify(node.relation.schemaname, node.relation.relname)
            return _renamed(before, lambda n: QualifiedName(n.schema, node.newname) if n == old else n)
        case _:
            return dict(before.views)


def _set_schema(before: Schema, node: Any) -> dict[QualifiedName, Viewed]:
    if node.relation is None:
        return dict(before.views)
    old = before.qualify(node.relation.schemaname, node.relation.relname)
    return _renamed(before, lambda n: QualifiedName(node.newschema, n.name) if n == old else n)


def _renamed(before: Schema, new: Callable[[QualifiedName], QualifiedName]) -> dict[QualifiedName, Viewed]:
    return {
        new(name): replace(
            view,
            reads={new(read): columns for read, columns in view.reads.items()},
            writes=view.writes and new(view.writes),
        )
        for name, view in before.views.items()
    }


def _with_column_named(
    reads: Mapping[QualifiedName, frozenset[str] | None], family: set[QualifiedName], old: str, new: str
) -> dict[QualifiedName, frozenset[str] | None]:
    return {
        name: columns - {old} | {new} if columns is not None and name in family and old in columns else columns
        for name, columns in reads.items()
    }


def _shown_renamed(
    name: QualifiedName, view: Viewed, family: set[QualifiedName], new: Mapping[str, str]
) -> Mapping[str, str] | None:
    if view.shows is None:
        return None
    here, below = (new if of in family else {} for of in (name, view.writes))
    return {here.get(own, own): below.get(column, column) for own, column in view.shows.items()}


_ACTS: Mapping[str, Callable[[Schema, Any], dict[QualifiedName, Viewed]]] = {
    "DropStmt": lambda before, _node: dict(before.views),
    "ViewStmt": _create_view,
    "CreateTableAsStmt": _create_table_as,
    "CreateTrigStmt": _create_trigger,
    "RuleStmt": _create_rule,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
}

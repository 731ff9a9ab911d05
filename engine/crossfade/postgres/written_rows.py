"""Whose rows a statement writes besides those of the tables that it names: through views, and by foreign keys.

What is reached is told by name, with what is done to it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from crossfade.postgres.catalog import Constraint, QualifiedName
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.target import Reach
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.forecast.views import Viewed

DELETES = "deletes the rows of"
WRITES = "writes rows of"
_WRITING: Mapping[str, str] = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete"}
_BRANCHES: Mapping[str, str] = {"CMD_INSERT": "insert", "CMD_UPDATE": "update", "CMD_DELETE": "delete"}
_ON_DELETE = re.compile(r" ON DELETE (CASCADE|SET)\b")
_ON_UPDATE = re.compile(r" ON UPDATE (CASCADE|SET)\b")


def family(schema: Schema, name: QualifiedName, reach: Reach = Reach.FAMILY) -> tuple[QualifiedName, ...]:
    """A relation, known or not, and those below it that a statement reaches with it."""
    table = schema.tables.get(name)
    is_alone = table is None or reach is Reach.ALONE or (reach is Reach.PARTITIONS and table.kind != "partitioned")
    return (name,) if is_alone else tuple(member.name for member in schema.family(name))


def truncated(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """TRUNCATE: the tables; with CASCADE every one that references one of them, and so on."""
    waiting = [
        member
        for relation in node.relations
        for member in family(
            schema,
            schema.qualify(relation.schemaname, relation.relname),
            Reach.FAMILY if relation.inh else Reach.ALONE,
        )
    ]
    seen = dict.fromkeys(waiting)
    while waiting and node.behavior.name == "DROP_CASCADE":
        for holder, _ in schema.incoming(waiting.pop()):
            further = [member for member in family(schema, holder.name) if member not in seen]
            seen |= dict.fromkeys(further)
            waiting += further
    yield from ((name, DELETES) for name in seen)


def written(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """INSERT, UPDATE, DELETE and MERGE: the table, the one below a view, and what foreign keys write for it."""
    name = schema.qualify(node.relation.schemaname, node.relation.relname)
    for event in sorted(_events(node)):
        reach = Reach.PARTITIONS if event == "insert" else Reach.FAMILY if node.relation.inh else Reach.ALONE
        table = name
        columns: frozenset[str] | None = _set_columns(node)
        for view, below in _below(schema, name, event):
            yield from ((member, WRITES) for member in family(schema, view, reach))
            table, columns = below, _of_below(schema.views[view], below, columns)
        yield from ((member, WRITES) for member in family(schema, table, reach))
        yield from _acted_on(schema, table, event, columns, set())


def _of_below(view: Viewed, below: QualifiedName, columns: Collection[str] | None) -> frozenset[str] | None:
    """The columns of the relation below that a view, which may have other names for them, shows as these."""
    if view.shows is None or columns is None:
        return view.reads.get(below)
    return frozenset(view.shows[name] for name in columns if name in view.shows)


def _below(schema: Schema, name: QualifiedName, event: str) -> Iterator[tuple[QualifiedName, QualifiedName]]:
    """Each view on the way of what is written to it, with the relation that gets it."""
    view = schema.views.get(name)
    while view is not None and view.writes is not None and event not in view.replaced:
        yield name, view.writes
        name, view = view.writes, schema.views.get(view.writes)


def _events(node: Any) -> set[str]:
    if kind(node) == "MergeStmt":
        branches = (_BRANCHES.get(clause.commandType.name) for clause in node.mergeWhenClauses)
        return {event for event in branches if event is not None}
    conflict = node.onConflictClause if kind(node) == "InsertStmt" else None
    does_update = conflict is not None and conflict.action.name == "ONCONFLICT_UPDATE"
    return {_WRITING[kind(node)], *({"update"} if does_update else ())}


def _set_columns(node: Any) -> frozenset[str]:
    """The columns that rows which are there get another value in."""
    match kind(node):
        case "UpdateStmt":
            parts = [node]
        case "MergeStmt":
            parts = [clause for clause in node.mergeWhenClauses if clause.commandType.name == "CMD_UPDATE"]
        case "InsertStmt" if node.onConflictClause is not None:
            parts = [node.onConflictClause]
        case _:
            parts = []
    return frozenset(target.name for part in parts for target in part.targetList or ())


def _acted_on(
    schema: Schema, table: QualifiedName, event: str, columns: Collection[str] | None, seen: set[QualifiedName]
) -> Iterator[tuple[QualifiedName, str]]:
    """What ON DELETE and ON UPDATE of foreign keys write; `columns` are those that may be set, None for any."""
    for member in family(schema, table):
        for holder, key in schema.incoming(member):
            if holder.name in seen or not _acts(key, event, columns):
                continue
            seen.add(holder.name)
            yield from ((one, WRITES) for one in family(schema, holder.name))
            if event == "delete" and " ON DELETE CASCADE" in key.definition:
                yield from _acted_on(schema, holder.name, "delete", (), seen)
            else:
                yield from _acted_on(schema, holder.name, "update", key.columns, seen)


def _acts(key: Constraint, event: str, columns: Collection[str] | None) -> bool:
    if event == "delete":
        return _ON_DELETE.search(key.definition) is not None
    is_set = columns is None or not frozenset(columns).isdisjoint(key.referenced_columns)
    return event == "update" and is_set and _ON_UPDATE.search(key.definition) is not None

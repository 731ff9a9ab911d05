"""CREATE: relations that nobody else can see yet, and what their making locks of those that are there. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from crossfade.postgres.catalog import Index, QualifiedName, Table, TableKind
from crossfade.postgres.forecast.added_column import added_column
from crossfade.postgres.forecast.bounds import read_bound
from crossfade.postgres.forecast.chosen_names import chosen_name, key_names
from crossfade.postgres.forecast.constraints import add_column_constraints, add_declared
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.like import liked, with_copies
from crossfade.postgres.forecast.partitions import join_parent, share_keys, take_from_default
from crossfade.postgres.forecast.schema import TEMPORARY
from crossfade.postgres.forecast.target import Target
from crossfade.postgres.forecast.trees import columns_of, kind, names, option
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

_AX = LockMode.ACCESS_EXCLUSIVE
_PERSISTENCE: dict[str, Literal["permanent", "unlogged"]] = {"u": "unlogged"}


def add_relation(draft: Draft, relation: Any, kind_of: TableKind) -> Table | None:
    """A new relation in the model; None where the name is taken."""
    name = draft.schema.place_of(relation)
    if name in draft.schema.tables:
        return None
    is_temporary = name.schema == TEMPORARY
    kept = "temporary" if is_temporary else _PERSISTENCE.get(relation.relpersistence, "permanent")
    table = Table(name=name, kind=kind_of, persistence=kept)
    has_temporary = draft.schema.has_temporary or is_temporary
    draft.schema = replace(draft.schema.put(table), has_temporary=has_temporary)
    return table


def create_table(draft: Draft, node: Any) -> None:
    """CREATE TABLE, also PARTITION OF and INHERITS: parents, and what foreign keys point at, are locked."""
    table = add_relation(draft, node.relation, "partitioned" if node.partspec else "table")
    if table is None:
        return
    parents = [p for p in (draft.schema.find(r.schemaname, r.relname) for r in node.inhRelations or ()) if p]
    copied = tuple(liked(draft.schema, node))
    inherited = [c for p in (*parents, *(source for _, source in copied)) for c in p.columns]
    key = tuple(c for part in (node.partspec.partParams if node.partspec else ()) for c in _key_columns(part))
    strategy = node.partspec.strategy.name.rpartition("_")[2] if node.partspec else ""
    plain = node.partspec is not None and all(part.name for part in node.partspec.partParams)
    own = replace(
        table,
        rows_estimate=0,
        columns=tuple(replace(c, number=number, owned_sequences=()) for number, c in enumerate(inherited, 1)),
        partition_key_columns=key,
        partition_key=f"{strategy} ({', '.join(map(quoted, key))})" if plain else None,
        typed_of=str(draft.schema.qualify(None, names(node.ofTypename.names)[-1])) if node.ofTypename else None,
    )
    draft.schema = draft.schema.put(own)
    for parent in parents:
        _join(draft, own.name, parent, node.partbound)
    _declare(draft, own.name, node)
    for clause, source in copied:
        taken = _relations(draft, own.name.schema)
        draft.schema = draft.schema.put(with_copies(draft.schema.tables[own.name], clause, source, taken))
    _until_commit(draft, own.name, node.oncommit)


def create_foreign_table(draft: Draft, node: Any) -> None:
    """CREATE FOREIGN TABLE."""
    base = node.base if hasattr(node, "base") else node.base_stmt
    add_relation(draft, base.relation, "foreign")


def create_table_as(draft: Draft, node: Any) -> None:
    """CREATE TABLE AS and CREATE MATERIALIZED VIEW only read what is there."""
    kind_of: TableKind = "materialized view" if node.objtype.name == "OBJECT_MATVIEW" else "table"
    table = add_relation(draft, node.into.rel, kind_of)
    if table is not None:
        _until_commit(draft, table.name, node.into.onCommit)


def create_view(draft: Draft, node: Any) -> None:
    """CREATE OR REPLACE VIEW locks the view that it replaces."""
    if add_relation(draft, node.view, "view") is None:
        draft.lock(draft.schema.place_of(node.view), _AX)


def create_index(draft: Draft, node: Any) -> None:
    """CREATE INDEX, on every partition too; an index that is there already still costs the lock."""
    table = draft.schema.find(node.relation.schemaname, node.relation.relname)
    if table is None:
        raise Unforeseeable(f"there is no table {node.relation.relname} in the catalog")
    if node.concurrent:
        draft.transactional = False
    mode = LockMode.SHARE_UPDATE_EXCLUSIVE if node.concurrent else LockMode.SHARE
    whole = table.kind == "partitioned" and node.relation.inh
    members = draft.schema.family(table.name) if whole else (table,)
    if node.if_not_exists and _has_index(draft, table, node.idxname):
        draft.lock(table.name, mode)
        return
    draft.lock_all(members, mode)
    parent = None
    for member in members:
        index = _index(draft, member, node, node.idxname if member is table else None)
        own = index if parent is None else replace(index, parent=parent)
        draft.schema = draft.schema.put(replace(member, indexes=(*member.indexes, own)))
        parent = parent or index.name
        draft.scan(member.name)


def _has_index(draft: Draft, table: Table, name: str | None) -> bool:
    return name is not None and draft.schema.find_index(table.name.schema, name) is not None


def create_function(draft: Draft, node: Any) -> None:
    """CREATE FUNCTION: whether it is volatile matters to defaults that call it."""
    *above, name = names(node.funcname)
    qualified = QualifiedName(above[-1] if above else draft.schema.creation_schema, name)
    volatility = option(node.options, "volatility")
    functions = {known: body for known, body in draft.schema.volatile_functions.items() if known != qualified}
    if volatility is None or volatility.arg.sval == "volatile":
        functions[qualified] = _body(node)
    draft.schema = replace(draft.schema, volatile_functions=functions)


def _join(draft: Draft, name: QualifiedName, parent: Table, bound_node: Any) -> None:
    if bound_node is None:
        draft.lock(parent.name, LockMode.SHARE_UPDATE_EXCLUSIVE)
        draft.schema = draft.schema.put(replace(parent, children=(*parent.children, name)))
        return
    draft.lock(parent.name, _AX)
    bound = read_bound(bound_node)
    take_from_default(draft, parent, bound)
    share_keys(draft, parent)
    join_parent(draft, parent, draft.schema.tables[name], bound)


def _declare(draft: Draft, name: QualifiedName, node: Any) -> None:
    target = Target(name=name, mode=_AX, only=True)
    elements = (*(node.tableElts or ()), *(node.constraints or ()))
    table = draft.schema.tables[name]
    own = [e for e in elements if kind(e) == "ColumnDef" and e.typeName is not None]
    columns = [added_column(draft.schema, table, e, behind=n).column for n, e in enumerate(own)]
    named = {c.name for c in columns}
    inherited = tuple(c for c in table.columns if c.name not in named)
    draft.widen(replace(table, columns=(*inherited, *columns)))
    for element in elements:
        if kind(element) == "ColumnDef":
            add_column_constraints(draft, target, element, checks_keys=False)
        elif kind(element) == "Constraint":
            add_declared(draft, target, element, checks_keys=False)


def _until_commit(draft: Draft, name: QualifiedName, act: Any) -> None:
    if act.name == "ONCOMMIT_DROP":
        draft.schema = replace(draft.schema, until_commit=draft.schema.until_commit | {name})


def _key_columns(part: Any) -> tuple[str, ...]:
    return (part.name,) if part.name else columns_of(part.expr)


def _index(draft: Draft, table: Table, node: Any, name: str | None) -> Index:
    parts = (*node.indexParams, *(node.indexIncludingParams or ()))
    columns = tuple(part.name for part in parts)
    used = {column for part in parts for column in _key_columns(part)} | {*columns_of(node.whereClause)}
    chosen = name or chosen_name(table.name.name, key_names(parts), "idx", _relations(draft, table.name.schema))
    return Index(
        name=QualifiedName(table.name.schema, chosen),
        definition="",
        method=node.accessMethod or "btree",
        columns=columns,
        key_count=len(node.indexParams),
        references=frozenset(used),
        unique=bool(node.unique),
        partial=node.whereClause is not None,
        has_expressions=None in columns,
    )


def _relations(draft: Draft, schema: str) -> set[str]:
    tables = [t for t in draft.schema.tables.values() if t.name.schema == schema]
    return {t.name.name for t in tables} | {i.name.name for t in tables for i in t.indexes}


def _body(node: Any) -> str | None:
    """Its text where the planner may put it in place of a call: in SQL, without a setting of its own."""
    language, text = option(node.options, "language"), option(node.options, "as")
    held = any(option(node.options, name) is not None for name in ("security", "set", "strict"))
    if text is None or held or language is None or language.arg.sval != "sql":
        return None
    return str(names(text.arg)[0])

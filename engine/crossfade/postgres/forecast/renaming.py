"""RENAME and SET SCHEMA: the name is all that changes, under ACCESS EXCLUSIVE for a table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Constraint, Index, QualifiedName, Table
from crossfade.postgres.forecast.constraints import rename_constraint
from crossfade.postgres.forecast.domains import rename_domain_constraint, rename_type
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.proof import check_tree
from crossfade.postgres.forecast.target import Target
from crossfade.postgres.forecast.trees import names
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

_AX = LockMode.ACCESS_EXCLUSIVE
_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})


def rename(draft: Draft, node: Any) -> None:
    """RENAME of anything; what is no part of a table locks none."""
    what = node.renameType.name
    act = _RENAMES.get(what)
    if act is not None:
        act(draft, node)


def set_schema(draft: Draft, node: Any) -> None:
    """SET SCHEMA."""
    what = node.objectType.name
    if what in _RELATIONS:
        table = _table(draft, node)
        if table is not None:
            draft.lock(table.name, _AX)
            draft.schema = draft.schema.rename(table.name, QualifiedName(node.newschema, table.name.name))
    elif what in {"OBJECT_DOMAIN", "OBJECT_TYPE"}:
        rename_type(draft, names(node.object), schema=node.newschema)


def _table(draft: Draft, node: Any) -> Table | None:
    relation = node.relation
    table = draft.schema.find(relation.schemaname, relation.relname)
    if table is None:
        name = draft.schema.qualify(relation.schemaname, relation.relname)
        is_index = draft.schema.find_index(relation.schemaname, relation.relname) is not None
        if not node.missing_ok and not is_index and name not in draft.schema.other_relations:
            raise Unforeseeable(f"there is no table {name} in the catalog")
    return table


def _rename_relation(draft: Draft, node: Any) -> None:
    table = _table(draft, node)
    if table is None:
        _rename_index(draft, node)
        return
    draft.lock(table.name, _AX)
    draft.schema = draft.schema.rename(table.name, QualifiedName(table.name.schema, node.newname))


def _rename_index(draft: Draft, node: Any) -> None:
    found = draft.schema.find_index(node.relation.schemaname, node.relation.relname)
    if found is None:
        _rename_sequence(draft, node)
        return
    table, index = found
    renamed = replace(
        index,
        name=QualifiedName(index.name.schema, node.newname),
        constraint=node.newname if index.constraint else None,
    )
    draft.schema = draft.schema.put(
        replace(
            table,
            indexes=tuple(renamed if i is index else i for i in table.indexes),
            constraints=tuple(
                replace(c, name=node.newname, index=node.newname) if c.index == index.name.name else c
                for c in table.constraints
            ),
        )
    )


def _rename_sequence(draft: Draft, node: Any) -> None:
    """It keeps its owner; ALTER TABLE and ALTER INDEX do it as well."""
    schema = draft.schema
    old = schema.qualify(node.relation.schemaname, node.relation.relname)
    owner = schema.owner_of(old)
    if owner is not None or old in schema.other_relations:
        new = QualifiedName(old.schema, node.newname)
        draft.schema = replace(
            schema,
            other_relations=schema.other_relations - {old} | {new},
            sequence_owners={**schema.sequence_owners, old: None, new: owner},
        )


def _rename_column(draft: Draft, node: Any) -> None:
    table = _table(draft, node)
    if table is None:
        return
    members = draft.schema.family(table.name) if node.relation.inh else (table,)
    draft.lock_all(members, _AX)
    old, new = node.subname, node.newname
    for member in members:
        for holder, key in draft.schema.incoming(member.name):
            renamed = replace(key, referenced_columns=_swapped(key.referenced_columns, old, new))
            kept = tuple(renamed if c is key else c for c in holder.constraints)
            draft.schema = draft.schema.put(replace(holder, constraints=kept))
        draft.schema = draft.schema.put(_with_column_named(draft.schema.tables[member.name], old, new))


def _with_column_named(table: Table, old: str, new: str) -> Table:
    return replace(
        table,
        columns=tuple(replace(c, name=new) if c.name == old else c for c in table.columns),
        constraints=tuple(_constraint_with(c, old, new) if old in c.columns else c for c in table.constraints),
        indexes=tuple(_index_with(i, old, new) if old in i.references else i for i in table.indexes),
        dependents=tuple(replace(d, columns=_swapped(d.columns, old, new)) for d in table.dependents),
        partition_key_columns=_swapped(table.partition_key_columns, old, new),
        partition_key=_key_with(table, old, new),
    )


def _key_with(table: Table, old: str, new: str) -> str | None:
    """The partition key over the new name, where it is that one column and nothing else."""
    if table.partition_key is None or old not in table.partition_key_columns:
        return table.partition_key
    strategy, _, key = table.partition_key.partition(" ")
    return f"{strategy} ({quoted(new)})" if key == f"({quoted(old)})" else None


def _constraint_with(constraint: Constraint, old: str, new: str) -> Constraint:
    renamed = replace(constraint, columns=_swapped(constraint.columns, old, new))
    if constraint.kind != "check":
        return renamed
    return replace(renamed, definition=_check_with(constraint.definition, old, new))


def _check_with(definition: str, old: str, new: str) -> str:
    """The CHECK over the column's new name, printed from its tree."""
    from pglast.ast import String
    from pglast.stream import RawStream
    from pglast.visitors import Visitor

    class Renaming(Visitor):
        def visit_ColumnRef(self, _ancestors: Any, node: Any) -> None:  # noqa: N802
            if names(node.fields)[-1:] == (old,):
                node.fields = (*node.fields[:-1], String(sval=new))

    # Trees of the parser's cache are to be read only.
    tree = deepcopy(check_tree(definition))
    if tree is None:
        return definition
    Renaming()(tree)
    return f"CHECK ({RawStream()(tree)})"


def _index_with(index: Index, old: str, new: str) -> Index:
    columns = tuple(new if c == old else c for c in index.columns)
    return replace(index, columns=columns, references=index.references - {old} | {new})


def _swapped(columns: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if c == old else c for c in columns)


def _rename_constraint(draft: Draft, node: Any) -> None:
    table = _table(draft, node)
    if table is not None:
        target = Target(name=table.name, mode=_AX, only=not node.relation.inh)
        rename_constraint(draft, target, node.subname, node.newname)


def _rename_trigger(draft: Draft, node: Any) -> None:
    table = _table(draft, node)
    if table is not None:
        draft.lock_all(draft.schema.family(table.name) if table.kind == "partitioned" else (table,), _AX)
        for member in draft.schema.family(table.name):
            triggers = tuple(replace(t, name=node.newname) if t.name == node.subname else t for t in member.triggers)
            draft.schema = draft.schema.put(replace(member, triggers=triggers))


def _rename_attached(draft: Draft, node: Any) -> None:
    table = _table(draft, node)
    if table is not None:
        draft.lock(table.name, _AX)
        policies = tuple(node.newname if p == node.subname else p for p in table.policies)
        rules = tuple(replace(r, name=node.newname) if r.name == node.subname else r for r in table.rules)
        draft.schema = draft.schema.put(replace(table, policies=policies, rules=rules))


def _rename_attribute(draft: Draft, node: Any) -> None:
    name = str(draft.schema.qualify(node.relation.schemaname, node.relation.relname))
    draft.lock_all([t for t in draft.schema.tables.values() if t.typed_of == name], _AX)


def _rename_schema(draft: Draft, node: Any) -> None:
    for name in [n for n in draft.schema.tables if n.schema == node.subname]:
        draft.schema = draft.schema.rename(name, QualifiedName(node.newname, name.name))


def _rename_type(draft: Draft, node: Any) -> None:
    rename_type(draft, names(node.object), name=node.newname)


def _rename_domain_constraint(draft: Draft, node: Any) -> None:
    rename_domain_constraint(draft, names(node.object), node.subname, node.newname)


_RENAMES: Mapping[str, Callable[[Draft, Any], None]] = {
    **dict.fromkeys(_RELATIONS, _rename_relation),
    "OBJECT_INDEX": _rename_index,
    "OBJECT_SEQUENCE": _rename_sequence,
    "OBJECT_COLUMN": _rename_column,
    "OBJECT_TABCONSTRAINT": _rename_constraint,
    "OBJECT_TRIGGER": _rename_trigger,
    "OBJECT_RULE": _rename_attached,
    "OBJECT_POLICY": _rename_attached,
    "OBJECT_ATTRIBUTE": _rename_attribute,
    "OBJECT_SCHEMA": _rename_schema,
    "OBJECT_TYPE": _rename_type,
    "OBJECT_DOMAIN": _rename_type,
    "OBJECT_DOMCONSTRAINT": _rename_domain_constraint,
}

"""ALTER TABLE on constraints: what adding, validating, altering and dropping one locks and reads. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Constraint, ConstraintKind, Index, QualifiedName, Table
from crossfade.postgres.forecast.chosen_names import check_columns, chosen_name, key_names
from crossfade.postgres.forecast.foreign_keys import (
    check_rows,
    drop_incoming,
    drop_outgoing,
    forget,
    lock_referenced,
    take_up,
)
from crossfade.postgres.forecast.not_null import make_not_null
from crossfade.postgres.forecast.proof import proves_not_null
from crossfade.postgres.forecast.target import Reach, Target
from crossfade.postgres.forecast.trees import columns_of, names
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

_SRX = LockMode.SHARE_ROW_EXCLUSIVE
_AX = LockMode.ACCESS_EXCLUSIVE
KINDS: dict[str, ConstraintKind] = {
    "CONSTR_CHECK": "check",
    "CONSTR_NOTNULL": "not_null",
    "CONSTR_PRIMARY": "primary",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_EXCLUSION": "exclusion",
    "CONSTR_FOREIGN": "foreign",
}
_LABELS = {"check": "check", "primary": "pkey", "unique": "key", "exclusion": "excl", "foreign": "fkey"}
_FIRST_TO_LOCK_DESCENDANTS = 180000
_WITH_INDEX = frozenset({"primary", "unique", "exclusion"})


def add_constraint(draft: Draft, target: Target, command: Any) -> None:
    """ADD CONSTRAINT; from PostgreSQL 18 it locks every descendant, whether it goes down to them or not."""
    if draft.schema.server_version >= _FIRST_TO_LOCK_DESCENDANTS:
        _locked(draft, target, Reach.FAMILY)
    add_declared(draft, target, command.def_)


def add_column_constraints(draft: Draft, target: Target, definition: Any, *, checks_keys: bool) -> None:
    """The constraints that a ColumnDef declares; without `checks_keys` no row can break a foreign key of it."""
    for node in definition.constraints or ():
        if KINDS.get(node.contype.name, "not_null") != "not_null":
            add_declared(draft, target, node, of_column=definition.colname, checks_keys=checks_keys)


def add_declared(
    draft: Draft, target: Target, node: Any, *, of_column: str | None = None, checks_keys: bool = True
) -> None:
    """One Constraint of the parse tree; `of_column` where it stands behind a column."""
    kind = KINDS.get(node.contype.name)
    if kind == "foreign":
        _add_foreign_key(draft, target, node, of_column, checks_rows=checks_keys)
    elif kind == "check":
        _add_check(draft, target, node, of_column)
    elif kind == "not_null":
        _add_not_null(draft, target, node)
    elif kind is not None:
        _add_indexed(draft, target, node, kind, of_column)


def _add_check(draft: Draft, target: Target, node: Any, of_column: str | None) -> None:
    columns = columns_of(node.raw_expr)
    reach = Reach.ALONE if node.is_no_inherit else Reach.FAMILY
    validated, enforced = not node.skip_validation and node.is_enforced, bool(node.is_enforced)
    for member in _locked(draft, target, reach):
        name = node.conname or _chosen(
            draft, member, "check", (of_column,) if of_column else check_columns(node.raw_expr)
        )
        added = Constraint(
            name=name,
            kind="check",
            columns=columns,
            definition=f"CHECK ({_printed(node.raw_expr)})",
            validated=validated,
            enforced=enforced,
            no_inherit=node.is_no_inherit,
        )
        draft.schema = draft.schema.put(replace(member, constraints=(*member.constraints, added)))
        if validated:
            draft.scan(member.name)


def _add_not_null(draft: Draft, target: Target, node: Any) -> None:
    (column_name,) = names(node.keys)
    for member in _locked(draft, target, Reach.ALONE if node.is_no_inherit else Reach.FAMILY):
        column = member.column(column_name)
        if column is None or any(c.kind == "not_null" and c.columns == (column_name,) for c in member.constraints):
            continue
        if not node.skip_validation and not column.not_null and not proves_not_null(member, column_name):
            draft.scan(member.name)
        name = node.conname or _chosen(draft, member, "not_null", (column_name,))
        added = Constraint(
            name=name, kind="not_null", columns=(column_name,), definition="", validated=not node.skip_validation
        )
        columns = tuple(replace(c, not_null=True) if c == column else c for c in member.columns)
        draft.schema = draft.schema.put(replace(member, columns=columns, constraints=(*member.constraints, added)))


def _add_indexed(draft: Draft, target: Target, node: Any, kind: ConstraintKind, of_column: str | None) -> None:
    draft.lock(target.name, target.mode)
    members = replace(target, reach=Reach.PARTITIONS).members(draft)
    draft.lock_all(members, LockMode.SHARE)
    for member in members:
        ready = member.index(node.indexname) if node.indexname else None
        columns = _key_columns(node, ready, of_column)
        label = node.conname or node.indexname
        name = label if label and member.name == target.name else _chosen(draft, member, kind, _called(node, columns))
        added = Constraint(name=name, kind=kind, columns=columns, definition="", index=name)
        index = replace(ready, name=QualifiedName(member.name.schema, name)) if ready else _own_index(member, added)
        kept = tuple(i for i in member.indexes if i is not ready)
        draft.schema = draft.schema.put(
            replace(
                member,
                constraints=(*member.constraints, added),
                indexes=(*kept, replace(index, constraint=name, primary=kind == "primary")),
            )
        )
        if ready is None and node.indexname is None:
            draft.scan(member.name)
    if kind == "primary":
        for column in columns:
            for member in _locked(draft, target, Reach.FAMILY):
                make_not_null(draft, member, column)


def _add_foreign_key(draft: Draft, target: Target, node: Any, of_column: str | None, *, checks_rows: bool) -> None:
    columns = (of_column,) if of_column else names(node.fk_attrs)
    referenced = draft.schema.find(node.pktable.schemaname, node.pktable.relname)
    members = _locked(draft, target, Reach.PARTITIONS)
    added = Constraint(
        name=node.conname or _chosen(draft, target.table(draft), "foreign", columns),
        kind="foreign",
        columns=columns,
        definition=_definition(node, columns),
        validated=not node.skip_validation and node.is_enforced,
        enforced=bool(node.is_enforced),
        referenced=referenced.name if referenced else None,
        referenced_columns=names(node.pk_attrs) or _primary_key(referenced),
    )
    lock_referenced(draft, added, _SRX)
    taken_up = take_up(draft, (m for m in members if m.name != target.name), added)
    for member in members:
        own = replace(added, inherited=member.name != target.name)
        others = tuple(c for c in member.constraints if c != taken_up.get(member.name))
        draft.schema = draft.schema.put(replace(member, constraints=(*others, own)))
    unread = tuple(m for m in members if m.name not in taken_up)
    if added.validated and checks_rows and (not taken_up or any(m.kind != "partitioned" for m in unread)):
        check_rows(draft, unread, added.referenced)


_ACTIONS = {"c": "CASCADE", "r": "RESTRICT", "n": "SET NULL", "d": "SET DEFAULT"}


def _definition(node: Any, columns: tuple[str, ...]) -> str:
    """A foreign key as the server would spell it."""
    parts = [f"FOREIGN KEY ({_listed(columns)}) REFERENCES {_relation(node.pktable)}"]
    parts += [f"({_listed(names(node.pk_attrs))})"] if node.pk_attrs else []
    parts += ["MATCH FULL"] if node.fk_matchtype == "f" else []
    for event, action in (("UPDATE", node.fk_upd_action), ("DELETE", node.fk_del_action)):
        parts += [f"ON {event} {_ACTIONS[action]}"] if action in _ACTIONS else []
    parts += [f"({_listed(names(node.fk_del_set_cols))})"] if node.fk_del_set_cols else []
    timing = (("DEFERRABLE", node.deferrable), ("INITIALLY DEFERRED", node.initdeferred))
    parts += [word for word, holds in timing if holds]
    parts += ["NOT ENFORCED"] if not node.is_enforced else ["NOT VALID"] if node.skip_validation else []
    return " ".join(parts)


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(map(quoted, columns))


def _relation(node: Any) -> str:
    return ".".join(quoted(part) for part in (node.schemaname, node.relname) if part is not None)


def validate_constraint(draft: Draft, target: Target, command: Any) -> None:
    """VALIDATE CONSTRAINT: reads the rows where it is not valid yet."""
    found = _find(target.table(draft), command.name)
    if found is None or found.validated:
        return
    reach = Reach.PARTITIONS if found.kind == "foreign" else Reach.ALONE if found.no_inherit else Reach.FAMILY
    for member in _locked(draft, target, reach):
        own = _find(member, command.name)
        if own is None or own.validated:
            continue
        if own.kind == "foreign":
            draft.lock(own.referenced or member.name, LockMode.ROW_SHARE)
            check_rows(draft, (member,), own.referenced)
        else:
            draft.scan(member.name)
        _replace_constraint(draft, member, replace(own, validated=True))


def alter_constraint(draft: Draft, target: Target, command: Any) -> None:
    """ALTER CONSTRAINT: of a foreign key; making it enforced reads the rows (from PostgreSQL 18)."""
    node = command.def_
    for member in _locked(draft, target, Reach.FAMILY):
        found = _find(member, node.conname)
        if found is None or not node.alterEnforceability or found.enforced == node.is_enforced:
            continue
        lock_referenced(draft, found, _SRX if node.is_enforced else _AX)
        if node.is_enforced:
            check_rows(draft, (member,), found.referenced)
        _replace_constraint(draft, member, replace(found, enforced=node.is_enforced, validated=node.is_enforced))


def drop_constraint(draft: Draft, target: Target, command: Any) -> None:
    """DROP CONSTRAINT; of a foreign key the referenced table is locked as well."""
    found = _find(target.table(draft), command.name)
    if found is None:
        return
    inherits = found.kind in {"check", "not_null"} and not found.no_inherit
    if inherits and target.only:
        draft.lock_all(target.nearest(draft), target.mode)
    for member in _locked(draft, target, Reach.FAMILY if inherits else Reach.PARTITIONS):
        own = _counterpart(member, found)
        if own is None:
            continue
        if own.kind == "foreign":
            drop_outgoing(draft, member, (own,))
            continue
        if own.kind in _WITH_INDEX and command.behavior.name == "DROP_CASCADE":
            drop_incoming(draft, member, own.columns)
        forget(draft, member, {own.name})
        if own.kind == "not_null":
            _set_nullable(draft, member.name, own.columns)


def rename_constraint(draft: Draft, target: Target, old: str, new: str) -> None:
    """RENAME CONSTRAINT, with the index that holds it up."""
    found = _find(target.table(draft), old)
    inherits = found is not None and found.kind in {"check", "not_null"} and not found.no_inherit
    for member in _locked(draft, target, Reach.FAMILY if inherits else Reach.ALONE):
        own = _find(member, old)
        if own is not None:
            named = replace(own, name=new, index=new if own.index else None)
            indexes = tuple(
                replace(i, name=QualifiedName(i.name.schema, new), constraint=new) if i.constraint == old else i
                for i in member.indexes
            )
            constraints = tuple(named if c is own else c for c in member.constraints)
            draft.schema = draft.schema.put(replace(member, constraints=constraints, indexes=indexes))


def _locked(draft: Draft, target: Target, reach: Reach) -> tuple[Table, ...]:
    members = replace(target, reach=reach).members(draft)
    draft.lock_all(members, target.mode)
    return members


def _find(table: Table, name: str) -> Constraint | None:
    return next((c for c in table.constraints if c.name == name), None)


def _counterpart(member: Table, wanted: Constraint) -> Constraint | None:
    """The member's copy of a constraint, which may have another name where an index holds it up."""
    same = _find(member, wanted.name)
    if same is not None and same.kind == wanted.kind:
        return same
    alike = (c for c in member.constraints if c.kind == wanted.kind and c.columns == wanted.columns and c.inherited)
    return next((c for c in alike if c.referenced == wanted.referenced), None)


def _replace_constraint(draft: Draft, table: Table, new: Constraint) -> None:
    here = draft.schema.tables[table.name]
    kept = tuple(new if c.name == new.name else c for c in here.constraints)
    draft.schema = draft.schema.put(replace(here, constraints=kept))


def _set_nullable(draft: Draft, name: QualifiedName, columns: tuple[str, ...]) -> None:
    here = draft.schema.tables[name]
    changed = tuple(replace(c, not_null=False) if c.name in columns else c for c in here.columns)
    draft.schema = draft.schema.put(replace(here, columns=changed))


def _chosen(draft: Draft, table: Table, kind: str, columns: tuple[str, ...]) -> str:
    taken = {n for t in draft.schema.tables.values() if t.name.schema == table.name.schema for n in t.constraint_names}
    taken |= {i.name.name for t in draft.schema.tables.values() for i in t.indexes}
    return chosen_name(table.name.name, () if kind == "primary" else columns, _LABELS.get(kind, kind), taken)


def _called(node: Any, columns: tuple[str, ...]) -> tuple[str, ...]:
    """What the columns of its index are called."""
    if node.exclusions:
        return key_names(element for element, _ in node.exclusions)
    return (*columns, *names(node.including))


def _key_columns(node: Any, ready: Index | None, of_column: str | None) -> tuple[str, ...]:
    if ready is not None:
        return tuple(c for c in ready.columns[: ready.key_count] if c is not None)
    if of_column is not None:
        return (of_column,)
    excluded = (element[0].name for element in node.exclusions or ())
    return names(node.keys) or tuple(name for name in excluded if name)


def _own_index(table: Table, constraint: Constraint) -> Index:
    return Index(
        name=QualifiedName(table.name.schema, constraint.name),
        definition="",
        columns=constraint.columns,
        key_count=len(constraint.columns),
        references=frozenset(constraint.columns),
        unique=constraint.kind != "exclusion",
        exclusion=constraint.kind == "exclusion",
    )


def _primary_key(table: Table | None) -> tuple[str, ...]:
    keys = (c.columns for c in table.constraints if c.kind == "primary") if table else iter(())
    return next(keys, ())


def _printed(tree: Any) -> str:
    from pglast.stream import RawStream

    return str(RawStream()(tree))

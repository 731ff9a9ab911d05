"""Domains: what checks one locks in SHARE mode and reads every table that has a column of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import Constraint, Domain, QualifiedName, Table
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import names
from crossfade.postgres.forecast.type_names import read_type
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

_WITH_ROWS = frozenset({"table", "materialized view"})


def create_domain(draft: Draft, node: Any) -> None:
    """CREATE DOMAIN."""
    *above, name = names(node.domainname)
    qualified = QualifiedName(above[-1] if above else draft.schema.creation_schema, name)
    over = read_type(node.typeName)
    domain = Domain(name=qualified, type=over.spelled, type_name=over.name)
    for clause in node.constraints or ():
        domain = _with_clause(domain, clause)
    draft.schema = replace(draft.schema, domains=(*draft.schema.domains, domain))


def alter_domain(draft: Draft, node: Any) -> None:
    """ALTER DOMAIN."""
    domain = _find(draft, names(node.typeName))
    if domain is None:
        return
    changed = _altered(domain, node)
    if _checks_rows(domain, node):
        for table in _users(draft, domain):
            draft.lock(table.name, LockMode.SHARE)
            draft.scan(table.name)
    replaced = tuple(changed if d is domain else d for d in draft.schema.domains)
    draft.schema = replace(draft.schema, domains=replaced)


def rename_type(draft: Draft, parts: tuple[str, ...], *, schema: str | None = None, name: str | None = None) -> None:
    """A type or domain under another name, or in another schema, wherever it is named."""
    for place in parts[-2:-1] or draft.schema.search_path:
        old = QualifiedName(place, parts[-1])
        new = QualifiedName(schema or place, name or parts[-1])
        tables = {n: _with_type_named(t, old, new) for n, t in draft.schema.tables.items()}
        domains = tuple(_domain_with_type_named(d, old, new) for d in draft.schema.domains)
        draft.schema = replace(draft.schema, tables=tables, domains=domains)


def rename_domain_constraint(draft: Draft, parts: tuple[str, ...], old: str, new: str) -> None:
    """RENAME CONSTRAINT of a domain."""
    domain = _find(draft, parts)
    if domain is not None:
        named = tuple(replace(c, name=new) if c.name == old else c for c in domain.constraints)
        kept = tuple(replace(d, constraints=named) if d is domain else d for d in draft.schema.domains)
        draft.schema = replace(draft.schema, domains=kept)


def _with_type_named(table: Table, old: QualifiedName, new: QualifiedName) -> Table:
    if table.typed_of != str(old) and not any(c.type_name == old for c in table.columns):
        return table
    return replace(
        table,
        typed_of=str(new) if table.typed_of == str(old) else table.typed_of,
        columns=tuple(replace(c, type=str(new), type_name=new) if c.type_name == old else c for c in table.columns),
    )


def _domain_with_type_named(domain: Domain, old: QualifiedName, new: QualifiedName) -> Domain:
    named = replace(domain, name=new) if domain.name == old else domain
    return replace(named, type=str(new), type_name=new) if named.type_name == old else named


def columns_of_type(draft: Draft, name: QualifiedName) -> Iterator[tuple[Table, str]]:
    """Every column of the type, with its table."""
    for table in draft.schema.tables.values():
        for column in table.columns:
            if column.type_name == name:
                yield table, column.name


def domains_over(draft: Draft, name: QualifiedName) -> frozenset[QualifiedName]:
    """The type itself and every domain over it, whatever the number of layers."""
    found, size = {name}, 0
    while len(found) > size:
        size = len(found)
        found |= {d.name for d in draft.schema.domains if d.type_name in found}
    return frozenset(found)


def _checks_rows(domain: Domain, node: Any) -> bool:
    """Of its subtypes O is SET NOT NULL, N is DROP NOT NULL, C adds, V validates and X drops a constraint."""
    match node.subtype:
        case "O":
            return not domain.not_null
        case "C":
            return not node.def_.skip_validation
        case "V":
            return any(c.name == node.name and not c.validated for c in domain.constraints)
        case _:
            return False


def _altered(domain: Domain, node: Any) -> Domain:
    match node.subtype:
        case "O" | "N":
            return replace(domain, not_null=node.subtype == "O")
        case "C":
            return _with_clause(domain, node.def_)
        case "X":
            return replace(domain, constraints=tuple(c for c in domain.constraints if c.name != node.name))
        case "V":
            valid = tuple(replace(c, validated=True) if c.name == node.name else c for c in domain.constraints)
            return replace(domain, constraints=valid)
        case _:
            return domain


def _with_clause(domain: Domain, clause: Any) -> Domain:
    match clause.contype.name:
        case "CONSTR_NOTNULL":
            return replace(domain, not_null=True)
        case "CONSTR_CHECK":
            taken = {c.name for c in domain.constraints}
            name = clause.conname or chosen_name(domain.name.name, (), "check", taken)
            added = Constraint(name=name, kind="check", columns=(), definition="", validated=not clause.skip_validation)
            return replace(domain, constraints=(*domain.constraints, added))
        case "CONSTR_DEFAULT":
            from pglast.stream import RawStream

            return replace(domain, default=str(RawStream()(clause.raw_expr)))
        case _:
            return domain


def _find(draft: Draft, parts: tuple[str, ...]) -> Domain | None:
    same = [d for d in draft.schema.domains if d.name.name == parts[-1]]
    if len(parts) > 1:
        return next((d for d in same if d.name.schema == parts[-2]), None)
    by_schema = {d.name.schema: d for d in same}
    return next((by_schema[s] for s in draft.schema.search_path if s in by_schema), None)


def _users(draft: Draft, domain: Domain) -> Iterator[Table]:
    over = domains_over(draft, domain.name)
    for table in draft.schema.tables.values():
        if table.kind in _WITH_ROWS and any(c.type_name in over for c in table.columns):
            yield table

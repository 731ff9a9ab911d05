"""Changes of types: enums and domains, as entries of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import (
    Entry,
    entry,
    expression_text,
    names_text,
    sql_name,
    type_text,
    unless,
)
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command

AT_ONCE = (
    "Every version meets the old name until contract and the new one from then on: one that is live at that instant "
    "has to know both."
)


def create_enum(command: Command) -> Iterator[Entry]:
    """CREATE TYPE … AS ENUM."""
    node = command.node
    yield entry("create_enum", name=names_text(node.typeName), values=tuple(value.sval for value in node.vals or ()))


def alter_enum(command: Command) -> Iterator[Entry]:
    """ALTER TYPE … ADD VALUE and RENAME VALUE."""
    node = command.node
    type_ = sql_name(node.typeName)
    if node.oldVal is not None:
        yield renamed_value(type_, node.oldVal, node.newVal)
        return
    known = command.enums.find(node.typeName, command.before)
    if node.skipIfNewValExists and known is not None and node.newVal in command.enums.labels[known]:
        return
    place = {"after" if node.newValIsAfter else "before": node.newValNeighbor}
    yield entry("add_enum_value", type=type_, value=node.newVal, **place)


def renamed_value(type_: str, old: str, new: str) -> Entry:
    """One label under another name, at contract and for everybody at once."""
    return entry("rename_enum_value", type=type_, from_=old, to=new, note=AT_ONCE)


def create_domain(command: Command) -> Iterator[Entry]:
    """CREATE DOMAIN with one CHECK at most."""
    node = command.node
    parts: dict[str, Any] = {c.contype.name: c for c in node.constraints or ()}
    unless(
        (len(parts) < len(node.constraints or ()), "two checks of a domain"),
        (node.collClause is not None, "a collation"),
        (not parts.keys() <= {"CONSTR_NULL", "CONSTR_NOTNULL", "CONSTR_DEFAULT", "CONSTR_CHECK"}, "a constraint"),
    )
    default, check = parts.get("CONSTR_DEFAULT"), parts.get("CONSTR_CHECK")
    yield entry(
        "create_domain",
        name=names_text(node.domainname),
        type=type_text(node.typeName),
        not_null="CONSTR_NOTNULL" in parts,
        default=None if default is None else expression_text(default.raw_expr),
        check=None if check is None else expression_text(check.raw_expr),
        constraint=None if check is None else check.conname,
    )


def alter_domain(command: Command) -> Iterator[Entry]:
    """ALTER DOMAIN … ADD CHECK as a whole."""
    node = command.node
    unless(
        (node.subtype != "C", "another change of a domain"),
        (kind(node.def_) != "Constraint", "another change of a domain"),
    )
    unless(
        (node.def_.contype.name != "CONSTR_CHECK", "another constraint of a domain"),
        (bool(node.def_.skip_validation), "a check that is not validated"),
    )
    yield domain_check(node)


def domain_check(node: Any) -> Entry:
    """add_domain_check."""
    *_, name = names(node.typeName)
    return entry(
        "add_domain_check",
        domain=names_text(node.typeName),
        name=node.def_.conname or chosen_name(name, (), "check", ()),
        expression=expression_text(node.def_.raw_expr),
    )

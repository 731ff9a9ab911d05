"""What statements make of enums, composite types and domains: new ones, others of a name, and those that go. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from crossfade.postgres.catalog import Domain, QualifiedName
from crossfade.postgres.forecast.draft import Draft
from crossfade.postgres.forecast.dropping import VIEWS, drop_columns, drop_relation
from crossfade.postgres.forecast.enum_labels import labels_after
from crossfade.postgres.forecast.trees import names
from crossfade.postgres.type_facts import TypeFacts, TypeField
from crossfade.types.known import Known
from crossfade.types.named_types import field_of, found_type, made_name, type_named, with_type

_DEFAULT = "T"
"""How the parse tree has SET DEFAULT and DROP DEFAULT of a domain."""


def create_enum(before: Known, after: Known, node: Any) -> Known:
    """CREATE TYPE … AS ENUM."""
    name = made_name(before, names(node.typeName))
    return with_type(after, TypeFacts(name=name, kind="enum", labels=names(node.vals)))


def alter_enum(before: Known, after: Known, node: Any) -> Known:
    """ALTER TYPE … ADD VALUE and RENAME VALUE."""
    facts = before.types.get(type_named(before, names(node.typeName)))
    if facts is None:
        return after
    return with_type(after, replace(facts, labels=labels_after(facts.labels, node)))


def create_composite(before: Known, after: Known, node: Any) -> Known:
    """CREATE TYPE … AS (…)."""
    fields = tuple(field_of(before, column.colname, column.typeName) for column in node.coldeflist or ())
    name = made_name(before, _parts(node.typevar))
    return with_type(after, TypeFacts(name=name, kind="composite", fields=fields))


def alter_attributes(before: Known, after: Known, node: Any) -> Known:
    """ALTER TYPE … ADD, DROP and ALTER ATTRIBUTE."""
    facts = before.types.get(type_named(before, _parts(node.relation)))
    if facts is None:
        return after
    fields = {field.name: field for field in facts.fields}
    for command in node.cmds:
        match command.subtype.name:
            case "AT_AddColumn":
                added = field_of(before, command.def_.colname, command.def_.typeName)
                fields[added.name] = added
            case "AT_DropColumn":
                fields.pop(command.name, None)
            case "AT_AlterColumnType":
                fields[command.name] = field_of(before, command.name, command.def_.typeName)
    return with_type(after, replace(facts, fields=tuple(fields.values())))


def rename_attribute(before: Known, after: Known, node: Any) -> Known:
    """ALTER TYPE … RENAME ATTRIBUTE, also of the tables that are made of the type."""
    old, new = node.subname, node.newname
    facts = before.types.get(type_named(before, _parts(node.relation)))
    if facts is None:
        return after
    fields = tuple(replace(f, name=new) if f.name == old else f for f in facts.fields)
    known = with_type(after, replace(facts, fields=fields))
    for table in after.schema.tables.values():
        if table.typed_of == str(facts.name):
            columns = (replace(c, name=new) if c.name == old else c for c in table.columns)
            known = known.put(replace(table, columns=tuple(columns)))
    return known


def create_domain(before: Known, after: Known, node: Any) -> Known:
    """CREATE DOMAIN; where it is over another one, it takes the default that this has then."""
    domain = _domain(after, made_name(before, names(node.domainname)))
    if domain is None:
        return after
    over = found_type(before, domain.type_name, domain.type)
    has_default = domain.default is not None or (over in before.types and before.types[over].has_default)
    facts = TypeFacts(name=domain.name, kind="domain", over=over, not_null=domain.not_null, has_default=has_default)
    return with_type(after, facts)


def alter_domain(before: Known, after: Known, node: Any) -> Known:
    """ALTER DOMAIN."""
    facts = before.types.get(type_named(before, names(node.typeName)))
    domain = _domain(after, facts.name) if facts is not None else None
    if facts is None or domain is None:
        return after
    has_default = node.def_ is not None if node.subtype == _DEFAULT else facts.has_default
    return with_type(after, replace(facts, not_null=domain.not_null, has_default=has_default))


def _domain(known: Known, name: QualifiedName) -> Domain | None:
    return next((domain for domain in known.schema.domains if domain.name == name), None)


def comment_on_type(before: Known, after: Known, node: Any) -> Known:
    """COMMENT ON TYPE and DOMAIN."""
    facts = after.types.get(type_named(before, names(node.object.names)))
    return after if facts is None else with_type(after, replace(facts, comment=node.comment))


def without_types(known: Known, gone: Collection[QualifiedName]) -> Known:
    """Without these types, and without what is made of them: arrays, domains, ranges, attributes, columns."""
    away, size = set(gone), 0
    while len(away) > size:
        size = len(away)
        away |= {n for n, f in known.types.items() if f.over in away}
    kept = {name: _cut(facts, away) for name, facts in known.types.items() if name not in away}
    draft = Draft(schema=replace(known.schema, domains=tuple(d for d in known.schema.domains if d.name not in away)))
    for table in known.schema.tables.values():
        for column in table.columns:
            # A view that shows it may have gone with the one before.
            if column.type_name in away and (here := draft.schema.tables.get(table.name)) is not None:
                if here.kind in VIEWS:
                    drop_relation(draft, here.name, cascade=True)
                else:
                    drop_columns(draft, [here], column.name, cascade=True)
    return replace(known, types=kept, schema=draft.schema)


def _cut(facts: TypeFacts, away: Collection[QualifiedName]) -> TypeFacts:
    fields: tuple[TypeField, ...] = tuple(f for f in facts.fields if f.type_name not in away)
    return replace(facts, fields=fields)


def _parts(relation: Any) -> tuple[str, ...]:
    return tuple(part for part in (relation.schemaname, relation.relname) if part is not None)

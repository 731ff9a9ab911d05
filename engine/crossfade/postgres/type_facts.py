"""What every type is made of: an enum of its values, a domain of what it is over, an array of its elements."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    import psycopg

TypeKind = Literal["base", "array", "composite", "domain", "enum", "range", "multirange"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeField:
    """A column of a composite type; NULL is always possible."""

    name: str
    type: str
    """As `format_type` spells it."""
    type_name: QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFacts:
    """One type."""

    name: QualifiedName
    kind: TypeKind
    over: QualifiedName | None = None
    """Of an array its elements', of a domain what it is over, of a range and multirange the bounds' type."""
    labels: tuple[str, ...] = ()
    """Of an enum, in its order."""
    fields: tuple[TypeField, ...] = ()
    """Of a composite type."""
    not_null: bool = False
    """Of a domain."""
    has_default: bool = False
    """Of a domain: an INSERT may leave the column out."""
    comment: str | None = None


def read_type_facts(connection: psycopg.Connection[Any]) -> Mapping[QualifiedName, TypeFacts]:
    """All types of the database, by name. The session's search_path has to be `pg_catalog`."""
    rows = connection.execute(_query("type_facts"), prepare=False).fetchall()
    return {facts.name: facts for facts in map(_facts, rows)}


def typed_relations(
    connection: psycopg.Connection[Any], schemas: Collection[str] | None
) -> Sequence[tuple[str | None, str]]:
    """The tables and views of these schemas, of all of the users' where None, without partitions; also what their
    views are over. The session's search_path has to be `pg_catalog`.
    """
    asked = {"schemas": None if schemas is None else [*schemas]}
    return connection.execute(_query("typed_relations"), asked, prepare=False).fetchall()


def _query(name: str) -> bytes:
    return resources.files("crossfade.postgres").joinpath("sql", f"{name}.sql").read_bytes()


def _facts(row: tuple[Any, ...]) -> TypeFacts:
    name, kind, over, labels, fields, not_null, has_default, comment = row
    return TypeFacts(
        name=QualifiedName(*name),
        kind=kind,
        over=QualifiedName(*over) if over else None,
        labels=tuple(labels),
        fields=tuple(
            TypeField(name=field, type=spelled, type_name=QualifiedName(schema, type_))
            for field, spelled, schema, type_ in fields or ()
        ),
        not_null=not_null,
        has_default=has_default,
        comment=comment,
    )

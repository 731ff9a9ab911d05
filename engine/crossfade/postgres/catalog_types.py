"""Data types that a plan names, as the database knows them."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from crossfade.postgres.catalog_objects import DataType, KeepingFunction, Privilege, TypeUse
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SQL = resources.files("crossfade.postgres").joinpath("sql")
_QUERY = _SQL.joinpath("catalog_types.sql").read_bytes()
_USES = _SQL.joinpath("catalog_type_uses.sql").read_bytes()
_KEPT = _SQL.joinpath("catalog_type_functions.sql").read_bytes()


class WrittenType(Protocol):
    """A type as somebody wrote it."""

    @property
    def sql(self) -> str:
        """With its modifiers."""

    @property
    def bare(self) -> str:
        """Without them."""


def read_types(connection: psycopg.Connection[Any], asked: Iterable[WrittenType]) -> Iterator[DataType]:
    """Those of the types that exist, by the session's search_path. Inside the caller's transaction."""
    wanted = list({t.sql: t for t in asked}.values())
    if not wanted:
        return
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_QUERY, {"types": [t.bare for t in wanted]}, prepare=False).fetchall()
    for written, row in zip(wanted, rows, strict=True):
        if row["oid"] is None:
            continue
        modifier = _modifier(connection, written)
        if modifier is None:
            continue
        formatted = connection.execute("SELECT pg_catalog.format_type(%s::oid, %s)", [row["oid"], modifier]).fetchone()
        yield DataType(
            asked=written.sql,
            # The session's path would leave out the schema of a type that it finds.
            spelling=str(formatted[0]) if formatted and row["is_builtin"] else _qualified(row),
            name=QualifiedName(*row["name"]),
            category=row["category"],
            base=QualifiedName(*row["base"]),
            constrained=row["constrained"],
            labels=tuple(row["labels"]),
            owner=row["owner"],
            owned=row["owned"],
            collation_deterministic=row["deterministic"],
            comment=row["comment"],
            privileges=None if row["privileges"] is None else tuple(Privilege(**p) for p in row["privileges"]),
            default_grantees=tuple(row["default_grantees"]),
        )


def with_uses(connection: psycopg.Connection[Any], types: Iterable[DataType]) -> tuple[DataType, ...]:
    """The types, enums with what needs them; the session's search_path is `pg_catalog`."""
    known = tuple(types)
    enums = list(dict.fromkeys(t.name for t in known if t.labels))
    if not enums:
        return known
    asked = {"schemas": [name.schema for name in enums], "names": [name.name for name in enums]}
    with connection.cursor(row_factory=dict_row) as cursor:
        used = cursor.execute(_USES, asked, prepare=False).fetchall()
        kept = cursor.execute(_KEPT, asked, prepare=False).fetchall()
    return tuple(
        replace(
            t,
            uses=tuple(_use(row) for row in used if QualifiedName(*row["type"]) == t.name),
            kept_by=tuple(_keeping(row) for row in kept if QualifiedName(*row["type"]) == t.name),
        )
        for t in known
    )


def _keeping(row: dict[str, Any]) -> KeepingFunction:
    return KeepingFunction(
        name=QualifiedName(*row["name"]),
        arguments=row["arguments"],
        security_definer=row["security_definer"],
        owned=row["owned"],
    )


def _use(row: dict[str, Any]) -> TypeUse:
    return TypeUse(
        kind=row["kind"],
        described=row["described"],
        relation=QualifiedName(*row["relation"]) if row["relation"] else None,
        name=row["name"],
    )


def _qualified(row: dict[str, Any]) -> str:
    element = row["element"]
    return f"{QualifiedName(*element)}[]" if element else str(QualifiedName(*row["name"]))


def _modifier(connection: psycopg.Connection[Any], written: WrittenType) -> int | None:
    """The type's modifier as the server encodes it, -1 for none; None where it does not take these."""
    if written.sql == written.bare:
        return -1
    try:
        with connection.transaction():
            # A cast that is planned only; the answer's description has the modifier.
            cursor = connection.execute(sql.SQL("SELECT NULL::{} LIMIT 0").format(sql.SQL(written.sql)))
    except psycopg.Error:
        return None
    assert cursor.pgresult is not None
    return cursor.pgresult.fmod(0)

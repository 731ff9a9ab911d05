"""What stands for a table in the session's own schema while a statement is tried, with its columns and keys. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Table

THERE = "pg_temp"
"""The session's own schema."""
_IDENTITY = {True: sql.SQL("ALWAYS"), False: sql.SQL("BY DEFAULT")}


def shadow(table: Table) -> str:
    """A view for a view; a table for anything else, partitioned where that is."""
    name = sql.Identifier(THERE, table.name.name)
    if table.kind == "view":
        values = sql.SQL(", ").join(_value(column) for column in table.columns)
        return render(sql.SQL("CREATE VIEW {} AS SELECT {}").format(name, values))
    parts = sql.SQL(", ").join((*(_column(column) for column in table.columns), *_keys(table)))
    split = sql.SQL(f" PARTITION BY {table.partition_key}") if table.partition_key else sql.SQL("")
    return render(sql.SQL("CREATE TABLE {} ({}){}").format(name, parts, split))


def has_odd_keys(table: Table) -> bool:
    """It has a unique index that its shadow lacks: of expressions, or with a condition."""
    return any(index.unique and not _is_plain(table, index.name.name) for index in table.indexes)


def _value(column: Column) -> sql.Composed:
    return sql.SQL("NULL::{}{} AS {}").format(sql.SQL(column.type), _collated(column), sql.Identifier(column.name))


def _column(column: Column) -> sql.Composed:
    """One that only the server gives values is that there too."""
    text = sql.SQL("{} {}{}").format(sql.Identifier(column.name), sql.SQL(column.type), _collated(column))
    if column.generated is not None:
        return sql.SQL("{} GENERATED ALWAYS AS (NULL) STORED").format(text)
    if column.identity is not None:
        return sql.SQL("{} GENERATED {} AS IDENTITY").format(text, _IDENTITY[column.identity.always])
    return sql.SQL("{} NOT NULL").format(text) if column.not_null else text


def _collated(column: Column) -> sql.Composable:
    if column.collation is None:
        return sql.SQL("")
    return sql.SQL(" COLLATE {}").format(sql.Identifier(column.collation.schema, column.collation.name))


def _keys(table: Table) -> Iterator[sql.Composed]:
    """The primary key, on which a query that groups by it may turn, and what ON CONFLICT and foreign keys refer to."""
    for index in table.indexes:
        if index.unique and _is_plain(table, index.name.name):
            kind = sql.SQL("PRIMARY KEY" if index.primary else "UNIQUE")
            columns = (sql.Identifier(name) for name in index.columns[: index.key_count] if name is not None)
            yield sql.SQL("{} ({})").format(kind, sql.SQL(", ").join(columns))


def _is_plain(table: Table, name: str) -> bool:
    index = table.index(name)
    return index is not None and not index.partial and None not in index.columns[: index.key_count]

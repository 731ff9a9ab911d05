"""Are two values the same fact? What PostgreSQL's `=` says is not always enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, DataType

# Types of pg_catalog whose `=` holds only for values that are the same in every way. For all others (numeric 1.0 and
# 1.00, jsonb, citext, float zeros, json, which has no `=` at all) the stored image is compared instead.
EXACT_TYPES = frozenset(
    {"bool", "int2", "int4", "int8", "oid", "text", "varchar", "name", "uuid", "date", "time", "timestamp"}
    | {"timestamptz", "bytea", "inet", "cidr", "macaddr", "macaddr8"}
)


def is_exact(column: Column) -> bool:
    """Whether `IS DISTINCT FROM` sees every difference between two values of the column."""
    base = column.base_type
    return (base.schema == "pg_catalog" and base.name in EXACT_TYPES and column.collation_deterministic) or (
        column.type_category == "E"
    )


def is_exact_type(data_type: DataType) -> bool:
    """The same of a type, with its own collation."""
    base = data_type.base
    return (base.schema == "pg_catalog" and base.name in EXACT_TYPES and data_type.collation_deterministic) or (
        data_type.category == "E"
    )


def differs(left: sql.Composable, right: sql.Composable, *, exact: bool) -> sql.Composed:
    """True where two values are not the same fact, NULL counting as a value; never NULL."""
    if exact:
        return sql.SQL("({} IS DISTINCT FROM {})").format(left, right)
    # A function call, since `ROW(a) *<> ROW(b)` is read as a row-wise comparison, which that operator does not support.
    return sql.SQL("pg_catalog.record_image_ne(ROW({}), ROW({}))").format(left, right)


def same(left: sql.Composable, right: sql.Composable, *, exact: bool) -> sql.Composed:
    """As `not differs`, for a function that pins no search_path: `IS DISTINCT FROM` would look for a `=` in it."""
    if exact:
        return sql.SQL("coalesce({0} OPERATOR(pg_catalog.=) {1}, {0} IS NULL AND {1} IS NULL)").format(left, right)
    return sql.SQL("pg_catalog.record_image_eq(ROW({}), ROW({}))").format(left, right)

"""Which sequences columns own, in the whole database: who alters one changes its table."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from psycopg.rows import tuple_row

from crossfade.postgres.catalog import QualifiedName

if TYPE_CHECKING:
    import psycopg

    from crossfade.postgres.forecast import Schema

_OWNERS = resources.files("crossfade.postgres").joinpath("sql", "sequence_owners.sql").read_bytes()


def with_sequence_owners(connection: psycopg.Connection[Any], schema: Schema) -> Schema:
    """The model of a database before the first statement, with the tables that sequences belong to.

    The connection's search_path is `pg_catalog` meanwhile, and must not be in a transaction.
    """
    with connection.transaction(), connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        rows = cursor.execute(_OWNERS, prepare=False).fetchall()
    return replace(schema, sequence_owners={QualifiedName(*one): QualifiedName(*table) for one, table in rows})

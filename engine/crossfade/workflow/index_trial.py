"""What the server would say of an index that a statement makes: it is made on an empty copy of the table."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from crossfade.postgres.names import QualifiedName
from crossfade.workflow.constraints_back import TRIAL, on_the_copy

Connection = psycopg.Connection[Any]

_MADE = b"""
SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid AND t.relnamespace = pg_catalog.pg_my_temp_schema()
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.relname = %s
"""


def made_on_a_copy(connection: Connection, table: QualifiedName, statement: str) -> QualifiedName:
    """Within a transaction that is rolled back: the index that a statement makes, on a copy of this table."""
    copy = sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(
        sql.Identifier(TRIAL), sql.Identifier(table.schema, table.name)
    )
    connection.execute(copy)
    connection.execute(on_the_copy(statement).encode())
    ((schema, name),) = connection.execute(_MADE, [TRIAL]).fetchall()
    return QualifiedName(schema, name)

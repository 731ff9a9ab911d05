"""Rows that something is true of, for people: how many there are, and the keys of some."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from crossfade.postgres.statement import render

Connection = psycopg.Connection[Any]
_EXAMPLES = 3
"""How many rows are named."""


def named(connection: Connection, relation: str, rows: str) -> str:
    """How many rows there are for which this is true, and the keys of some; empty where there is none."""
    keys = connection.execute(
        "SELECT a.attname FROM pg_catalog.pg_index i, pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k (attnum, n)"
        " JOIN pg_catalog.pg_attribute a ON a.attnum = k.attnum"
        " WHERE i.indrelid = pg_catalog.to_regclass(%s) AND i.indisprimary AND a.attrelid = i.indrelid"
        " AND k.n <= i.indnkeyatts ORDER BY k.n",
        [relation],
    ).fetchall()
    parts = [sql.SQL("{} || {}::text").format(sql.Literal(f"{key} = "), sql.Identifier(key)) for (key,) in keys]
    key = sql.SQL("concat_ws(' and ', {})").format(sql.SQL(", ").join(parts)) if parts else sql.SQL("NULL::text")
    counted = sql.SQL("SELECT count(*), (array_agg({}))[1:{}] FROM {} WHERE {}").format(
        key, sql.Literal(_EXAMPLES), sql.SQL(relation), sql.SQL(rows)
    )
    row = connection.execute(render(counted).encode()).fetchone()
    if row is None or row[0] == 0:
        return ""
    number = "1 row" if row[0] == 1 else f"{row[0]} rows"
    return ": ".join((number, ", ".join(row[1]))) if keys else number

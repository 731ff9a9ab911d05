"""The database's clock, by which everything is measured that hosts have to agree on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg


def database_now(connection: psycopg.Connection[Any]) -> datetime:
    """The time now, within a transaction too. Raises psycopg.Error."""
    row = connection.execute("SELECT pg_catalog.clock_timestamp()").fetchone()
    assert row is not None
    now: datetime = row[0]
    return now

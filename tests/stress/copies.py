"""Copies of a prepared database: what was prepared once is there again for every death."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from ..fixtures.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def copy_of(original: Database) -> Iterator[Database]:
    """A database with everything that the original has, dropped afterwards. Nobody may be connected to the original."""
    copy = Database(original.server, f"{original.name}_copy")
    name = sql.Identifier(copy.name)
    with psycopg.connect(original.server.url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(original.name)))
        try:
            yield copy
        finally:
            copy.close()
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

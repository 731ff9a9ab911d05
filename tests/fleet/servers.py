"""Several databases of one server for a test."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from psycopg import sql

from ..fixtures.database import Database, fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.servers import Server

Shops = dict[str, Database]


@contextmanager
def fresh_databases(server: Server, *names: str) -> Iterator[Shops]:
    """A fresh database for each name.

    Roles belong to the server, and are dropped with the database that was there when they were made; so crossfade's are
    made in a first one, which goes last.
    """
    with fresh_database(server) as first, ExitStack() as stack:
        for role in ("crossfade_app", "crossfade_reader"):
            if first.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]) == []:
                first.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        yield {name: stack.enter_context(fresh_database(server)) for name in names}

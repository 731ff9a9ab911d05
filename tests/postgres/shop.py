"""A database with something of everything that the catalog has to tell, and short ways to read it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.postgres.catalog import Catalog, Column, QualifiedName, Table
from crossfade.postgres.catalog_read import read_catalog

if TYPE_CHECKING:
    import psycopg

    from ..fixtures.database import Database

SCHEMA = Path(__file__).with_name("shop.sql")
LONG = "a" * 63
ODD = QualifiedName('Odd "Schema"', 'Ünï"code Select')


def named(name: str) -> QualifiedName:
    return QualifiedName("shop", name)


def builtin(name: str) -> QualifiedName:
    return QualifiedName("pg_catalog", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    connection: psycopg.Connection[tuple[Any, ...]]
    peer: str
    """A role that is nobody's superuser; roles are the server's, so it is named after the test's database."""

    def read(self, *names: QualifiedName) -> Catalog:
        return read_catalog(self.connection, [(n.schema, n.name) for n in names])

    def table(self, name: str) -> Table:
        found = self.read(named(name)).table(named(name))
        assert found is not None
        return found

    def column(self, name: str, of: str = "users") -> Column:
        found = self.table(of).column(name)
        assert found is not None
        return found


def open_shop(database: Database) -> Shop:
    peer = f"Peer of {database.name}"
    connection = database.connect(autocommit=True)
    connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(peer)))
    connection.execute(SCHEMA.read_text(encoding="utf-8").replace("PEER", peer).encode())
    return Shop(connection=connection, peer=peer)

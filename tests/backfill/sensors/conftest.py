"""A server on which every sensor has something to see: WAL is limited and not archived, and no autovacuum comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.postgres.connect import connect
from crossfade.postgres.server import EmbeddedServer

from ...fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import psycopg

    from ...fixtures.database import Database
    from ...fixtures.servers import Server

WATCHED: dict[str, str | int] = {
    "archive_mode": "on",
    "archive_command": "false",
    "max_slot_wal_keep_size": "128MB",
    "max_prepared_transactions": 5,
    "autovacuum_naptime": "1d",
}


@pytest.fixture(scope="session")
def watched_server(server: Server) -> Iterator[EmbeddedServer]:
    """A server of the same version, for the sensors alone."""
    if not isinstance(server, EmbeddedServer):
        pytest.skip("the sensors are tried on servers that this suite can configure")
    with EmbeddedServer(server.bin_dir, settings=WATCHED) as started:
        yield started


@pytest.fixture
def watched(watched_server: EmbeddedServer) -> Iterator[Database]:
    """A fresh database on that server."""
    with fresh_database(watched_server) as made:
        yield made


@pytest.fixture
def sensing(watched: Database) -> Iterator[psycopg.Connection[Any]]:
    """A session of ours there, for the sensors."""
    with connect(watched.url) as connection:
        yield connection


@pytest.fixture
def blind(watched: Database) -> Iterator[psycopg.Connection[Any]]:
    """The same by a role that has no rights at all."""
    watched.execute("CREATE ROLE blind LOGIN")
    with connect(watched.server.url(watched.name, user="blind")) as connection:
        yield connection

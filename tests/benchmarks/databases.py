"""Where the benchmarks run: a server of their own, or one that runs already; on it a new database for each measurement.

Our own server is the embedded one with fsync on, so that each commit costs what it costs, and with memory and WAL
enough that neither a checkpoint nor the cache decides a comparison. It has written WAL before and keeps the files: a
server that has to make a new one, which it does while every COMMIT waits, stands still for some 50 ms each time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from crossfade.postgres.server import EmbeddedServer

SETTINGS: dict[str, str | int] = {
    "shared_buffers": "1GB",
    "max_wal_size": "16GB",
    "min_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "wal_level": "replica",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "none",
}


_WARM_UP = (
    "CREATE TABLE warm_up AS SELECT g, repeat('x', 200) FROM generate_series(1, 8000000) g",
    "DROP TABLE warm_up",
    "CHECKPOINT",
    "CHECKPOINT",
)
"""Two gigabytes of WAL; what the first checkpoint still needs, the second keeps for use again."""


@contextmanager
def server(database: str | None) -> Iterator[str]:
    """The conninfo of a superuser on the server that is given, else on one that ends with the block."""
    if database is not None:
        yield database
        return
    with EmbeddedServer(settings=SETTINGS, durable=True) as embedded:
        with connect(embedded.url()) as maintenance:
            for statement in _WARM_UP:
                maintenance.execute(statement)
        yield embedded.url()


@contextmanager
def new_database(server_url: str, name: str, *, template: str = "template1") -> Iterator[str]:
    """The conninfo of a new database, which is dropped after the block."""
    identifier = sql.Identifier(name)
    with connect(server_url) as maintenance:
        maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier))
        maintenance.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, sql.Identifier(template)))
        try:
            yield make_conninfo(server_url, dbname=name)
        finally:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def connect(url: str) -> psycopg.Connection[Any]:
    """An autocommit connection with the server's own settings, as an app has it."""
    return psycopg.connect(url, autocommit=True, application_name="benchmark")

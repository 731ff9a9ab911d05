"""The shop: a database with a table of users, and the questions that the demo asks about it from outside the engine.

The table has what makes a rename worth watching: NOT NULL, a unique constraint, a CHECK, an index over an expression, a
comment, and rights of a role that is not the owner's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import CrossfadeError

if TYPE_CHECKING:
    from crossfade.postgres.server import EmbeddedServer

DATABASE = "shop"
TWIN_DATABASE = "shop_by_plain_ddl"
APP_ROLE = "shop_app"
_RANDOM_LINES = ("\\restrict ", "\\unrestrict ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What an app knows of a row that it wrote."""

    id: int
    email: str
    name: str


def seed_fact(id_: int) -> Fact:
    """What the shop itself wrote into a row."""
    return Fact(id=id_, email=f"user{id_}@shop.example", name=f"User {id_}")


def make_shop(server: EmbeddedServer, rows: int) -> str:
    """The shop with that many users, and the app's role; gives the database's URL."""
    with _admin(server) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APP_ROLE)))
    url = _make_database(server, DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO users (email, name)"
            " SELECT 'user' || g || '@shop.example', 'User ' || g FROM generate_series(1, %s::bigint) AS g",
            [rows],
        )
        connection.execute("VACUUM ANALYZE users")
    return url


def app_url(server: EmbeddedServer) -> str:
    """The shop's URL for its apps."""
    return server.url(DATABASE, user=APP_ROLE)


def apart(connection: psycopg.Connection[Any], left: str, right: str) -> int:
    """How many rows of users hold two different values in these columns."""
    query = sql.SQL("SELECT count(*) FROM users WHERE {} IS DISTINCT FROM {}")
    return _number(connection, query.format(sql.Identifier(left), sql.Identifier(right)))


def hidden_twin(connection: psycopg.Connection[Any]) -> str:
    """The name under which the twin column steps aside while its data is retained."""
    row = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname ~ '^crossfade_'"
        " AND NOT attisdropped"
    ).fetchone()
    if row is None:
        raise CrossfadeError("users has no hidden twin, but its old data should be retained")
    return str(row[0])


def count_users(connection: psycopg.Connection[Any]) -> int:
    """How many users the shop has."""
    return _number(connection, sql.SQL("SELECT count(*) FROM users"))


def count_batches(connection: psycopg.Connection[Any]) -> int:
    """How many batches the ledger has."""
    return _number(connection, sql.SQL("SELECT count(*) FROM crossfade.batches"))


def lost_facts(connection: psycopg.Connection[Any], rows: int, facts: Iterable[Fact]) -> int:
    """How many rows do not hold what was last written into them, under the new name."""
    written = tuple(facts)
    query = resources.files(__package__).joinpath("lost_facts.sql").read_bytes()
    return _number(
        connection,
        query,
        {
            "rows": rows,
            "ids": [f.id for f in written],
            "emails": [f.email for f in written],
            "names": [f.name for f in written],
        },
    )


def dump_schema(server: EmbeddedServer, database: str = DATABASE) -> str:
    """The database's schema as SQL, without the ledger's."""
    command = [
        str(server.bin_dir / "pg_dump"),
        "--schema-only",
        "--exclude-schema=crossfade",
        f"--dbname={server.url(database)}",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=environment
    )
    if done.returncode != 0:
        raise CrossfadeError(f"pg_dump failed: {done.stderr.strip()}")
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith(_RANDOM_LINES))


def schema_by_plain_ddl(server: EmbeddedServer) -> str:
    """The schema of an empty shop in which a plain RENAME COLUMN was run; its database is gone afterwards."""
    url = _make_database(server, TWIN_DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
    schema = dump_schema(server, TWIN_DATABASE)
    with _admin(server) as admin:
        admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(TWIN_DATABASE)))
    return schema


def _make_database(server: EmbeddedServer, name: str) -> str:
    with _admin(server) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    url = server.url(name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(resources.files(__package__).joinpath("shop.sql").read_bytes())
    return url


def _admin(server: EmbeddedServer) -> psycopg.Connection[Any]:
    return psycopg.connect(server.url(), autocommit=True)


def _number(
    connection: psycopg.Connection[Any], query: sql.Composable | bytes, params: Mapping[str, Any] | None = None
) -> int:
    # The parts of a query are ours; psycopg's type for it wants to be told.
    row = connection.execute(query if isinstance(query, bytes) else query.as_bytes(None), params).fetchone()
    assert row is not None
    return int(row[0])

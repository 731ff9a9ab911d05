"""What a server holds, writes anew and reads while a program runs is what was foreseen, statement by statement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pglast import parse_sql, split

from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast import Schema
from crossfade.postgres.statement import LockMode

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.servers import Server

pytestmark = pytest.mark.every_server

HERE = Path(__file__).parent
FROM_18 = "-- from 18\n"
MODES = {mode.pg_name: mode for mode in LockMode}
ON_ROWS = {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt"}
"""Whether they read a table whole is for the planner to say."""


def programs() -> list[str]:
    text = (HERE / "forecast_programs.sql").read_text(encoding="utf-8")
    return text.strip().split("\n\n")[1:]


@dataclass(frozen=True, kw_only=True)
class Seen:
    locks: dict[str, LockMode]
    files: dict[str, int]
    reads: dict[str, int]


class Live:
    """A connection on the schema of `forecast_live.sql`, and the catalog that was read of it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        for statement in split((HERE / "forecast_live.sql").read_text(encoding="utf-8")):
            connection.execute(statement.encode())
        connection.execute("CREATE SCHEMA moved")
        connection.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
        everything = read_catalog(connection, []).all_table_names
        self.schema = Schema.of(read_catalog(connection, [(n.schema, n.name) for n in everything]))
        self.names: dict[int, str] = dict(
            connection.execute(
                "SELECT c.oid::int, quote_ident(n.nspname) || '.' || quote_ident(c.relname)"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'live' AND c.relkind IN ('r', 'p', 'f', 'v', 'm')"
            ).fetchall()
        )

    def look(self) -> Seen:
        """What this session holds, by the names from before; where rows are; how many rows each scan has read."""
        held: dict[str, LockMode] = {}
        asked = "SELECT relation::int, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'"
        for oid, mode in self.connection.execute(asked):
            if oid in self.names and MODES[mode] > LockMode.ACCESS_SHARE:
                held[self.names[oid]] = max(MODES[mode], held.get(self.names[oid], MODES[mode]))
        files = self._of_each("SELECT oid::int, relfilenode::int FROM pg_class WHERE oid = ANY (%s)")
        reads = self._of_each("SELECT relid::int, seq_tup_read FROM pg_stat_xact_all_tables WHERE relid = ANY (%s)")
        return Seen(locks=held, files=files, reads=reads)

    def _of_each(self, query: Any) -> dict[str, int]:
        return {self.names[oid]: number for oid, number in self.connection.execute(query, [list(self.names)])}


@pytest.fixture(scope="module")
def live(server: Server) -> Iterator[Live]:
    with fresh_database(server) as database, psycopg.connect(database.url, autocommit=True) as connection:
        yield Live(connection)


@pytest.mark.parametrize("program", programs(), ids=lambda text: text.removeprefix(FROM_18)[:60])
def test_a_server_does_what_was_foreseen(program: str, live: Live, server: Server) -> None:
    if program.startswith(FROM_18) and server.major < 18:
        pytest.skip("PostgreSQL 18 has it first")
    schema, held = live.schema, dict[str, LockMode]()
    with live.connection.transaction(force_rollback=True):
        before = live.look()
        for statement in split(program):
            forecast, schema = schema.foresee(statement)
            live.connection.execute(statement.encode())
            after = live.look()
            for lock in forecast.locks:
                held[lock.relation] = max(lock.mode, held.get(lock.relation, lock.mode))

            assert forecast.unknown is None, statement
            assert held == after.locks, statement
            assert set(forecast.rewrites) == {n for n, file in after.files.items() if file != before.files[n]}, (
                statement
            )
            if type(parse_sql(statement)[0].stmt).__name__ not in ON_ROWS:
                locked = {lock.relation for lock in forecast.locks}
                read = {name for name, rows in after.reads.items() if rows > before.reads.get(name, 0)}
                assert set(forecast.scans) == read & locked, statement
            before = after


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO logs VALUES (1, 1, 'a')",
        "UPDATE users SET team = team",
        "ALTER TABLE remarks ALTER event TYPE bigint",
    ],
)
def test_where_the_rows_decide_no_less_is_foreseen(statement: str, live: Live) -> None:
    """Which partition a row goes to, whether a key has changed, which partitions have a partner."""
    forecast, _ = live.schema.foresee(statement)
    with live.connection.transaction(force_rollback=True):
        before = live.look().reads
        live.connection.execute(statement.encode())
        seen = live.look()

    foreseen = {lock.relation: lock.mode for lock in forecast.locks}
    read = {name for name, rows in seen.reads.items() if rows > before.get(name, 0)}
    assert foreseen.items() >= seen.locks.items()
    assert foreseen.items() > seen.locks.items() or set(forecast.scans) > read

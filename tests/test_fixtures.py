"""The suite's own fixtures keep what they promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from .fixtures.database import Database
    from .fixtures.servers import Server


@pytest.mark.every_server
def test_two_dumps_of_the_same_schema_are_equal_and_leave_our_schema_out(database: Database) -> None:
    database.execute("CREATE SCHEMA crossfade; CREATE TABLE crossfade.runs (id int); CREATE TABLE users (email text)")
    dump = database.dump()
    assert dump == database.dump()
    assert "CREATE TABLE public.users" in dump
    assert "crossfade.runs" not in dump
    assert "crossfade.runs" in database.dump(exclude_schema=None)


@pytest.mark.every_server
def test_a_database_goes_with_its_connections_roles_and_slots(server: Server, request: pytest.FixtureRequest) -> None:
    from .fixtures.database import fresh_database

    with fresh_database(server) as database:
        database.execute("CREATE ROLE fixture_role LOGIN")
        database.execute("CREATE TABLE t AS SELECT 1 AS a; GRANT SELECT ON t TO fixture_role")
        database.execute("SELECT pg_create_logical_replication_slot('fixture_slot', 'pgoutput')")
        assert database.connect(user="fixture_role").execute("SELECT a FROM t").fetchall() == [(1,)]
        name = database.name
    with psycopg.connect(server.url()) as admin:
        assert admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchall() == []
        assert admin.execute("SELECT 1 FROM pg_roles WHERE rolname = 'fixture_role'").fetchall() == []
        assert admin.execute("SELECT 1 FROM pg_replication_slots").fetchall() == []


def test_execute_runs_statements_that_refuse_a_transaction_block(database: Database) -> None:
    database.execute("CREATE TABLE t (a int)")
    database.execute("CREATE INDEX CONCURRENTLY t_a ON t (a)")
    assert database.execute("SELECT count(*) FROM pg_indexes WHERE indexname = %s", ["t_a"]) == [(1,)]

"""Rules of the users, and tables that are nobody's to change: what preflight says, and that it is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .data_cases import cautions, plan, refusals

if TYPE_CHECKING:
    from ..fixtures.database import Database

TABLES = """
CREATE TABLE users (id int PRIMARY KEY, email text);
CREATE TABLE people (id int PRIMARY KEY, email text);
CREATE TABLE notes (n int);
INSERT INTO users SELECT g, 'E' FROM generate_series(1, 20) g;
"""
UPDATE = "update_rows: {table: users, set: {email: lower(email)}}"
DELETE = 'delete_rows: {table: users, where: "true"}'
KEEP = 'delete_rows: {table: users, where: "true", archive_to: people}'
COPY = "copy_rows: {from: users, into: people, columns: [id, email]}"
SKIP = "copy_rows: {from: users, into: people, columns: [id, email], on_conflict: skip}"

INSTEAD = {
    "update": ("UPDATE TO users", UPDATE, "INSTEAD of the UPDATE"),
    "delete": ("DELETE TO users", DELETE, "INSTEAD of the DELETE"),
    "copy": ("INSERT TO people", COPY, "INSTEAD of the INSERT"),
    "copy of what may be there": ("INSERT TO people", SKIP, "ON CONFLICT"),
    "delete and keep": ("DELETE TO users", KEEP, "delete and keep rows in one statement"),
    "archive": ("INSERT TO people", KEEP, "have reached"),
}


@pytest.mark.every_server
@pytest.mark.parametrize(("event", "entry", "says"), INSTEAD.values(), ids=INSTEAD)
def test_a_rule_that_takes_the_place_of_the_write_is_refused(
    database: Database, event: str, entry: str, says: str
) -> None:
    table = event.rpartition(" ")[2]
    database.execute(sql.SQL(f"{TABLES} CREATE RULE mine AS ON {event} DO INSTEAD NOTHING"))
    [found] = refusals(database, entry)
    assert (found.code, found.ack) == ("rule", None)
    assert found.object == f"rule mine on public.{table}"
    assert says in found.message
    database.execute(sql.SQL(f"ALTER TABLE {table} DISABLE RULE mine"))
    assert refusals(database, entry) == []


@pytest.mark.alike
@pytest.mark.parametrize(
    ("event", "entry"),
    [("DELETE TO users", KEEP), ("INSERT TO people", KEEP), ("INSERT TO people", SKIP), ("UPDATE TO people", SKIP)],
)
def test_where_the_server_wants_no_rule_one_beside_the_write_is_refused_too(
    database: Database, event: str, entry: str
) -> None:
    database.execute(sql.SQL(f"{TABLES} CREATE RULE mine AS ON {event} DO ALSO INSERT INTO notes VALUES (1)"))
    table = event.rpartition(" ")[2]
    assert [(r.code, r.object) for r in refusals(database, entry)] == [("rule", f"rule mine on public.{table}")]


def test_rows_without_a_key_cannot_be_updated_beside_a_rule(database: Database) -> None:
    entry = "update_rows: {table: logs, set: {n: n + 1}, where: n < 5}"
    database.execute("CREATE TABLE logs (n int); CREATE RULE mine AS ON UPDATE TO logs DO ALSO SELECT 1")
    assert [(r.code, r.object) for r in refusals(database, entry)] == [("rule", "rule mine on public.logs")]


@pytest.mark.alike
@pytest.mark.parametrize(
    ("event", "entry", "table"),
    [("UPDATE TO users", UPDATE, "users"), ("DELETE TO users", DELETE, "users"), ("INSERT TO people", COPY, "people")],
)
def test_a_rule_beside_the_write_is_a_caution_and_takes_part(
    database: Database, event: str, entry: str, table: str
) -> None:
    database.execute(sql.SQL(f"{TABLES} CREATE RULE mine AS ON {event} DO ALSO INSERT INTO notes VALUES (1)"))
    [found] = cautions(database, entry)
    assert (found.code, found.object) == ("rules_fire", f"public.{table}")
    assert "rule mine" in found.message
    with Engine(database.url) as engine:
        assert engine.advance(plan(entry)).state is State.CONTRACTED
    assert database.execute("SELECT count(*) > 0 FROM notes") == [(True,)]


def test_a_rule_for_some_of_the_rows_can_be_accepted(database: Database) -> None:
    database.execute(f"{TABLES} CREATE RULE mine AS ON DELETE TO users WHERE old.id < 6 DO INSTEAD NOTHING")
    [found] = refusals(database, DELETE)
    assert (found.code, found.ack) == ("rule", "rules")
    with Engine(database.url) as engine:
        assert engine.advance(plan(DELETE), acks=["rules"]).state is State.CONTRACTED
    assert database.execute("SELECT count(*) FROM users") == [(5,)]


def test_a_rule_of_another_event_or_of_the_parent_is_no_matter(database: Database) -> None:
    """A batch names each partition by itself, and a parent's rule is not its partitions'."""
    database.execute(
        "CREATE TABLE users (id int PRIMARY KEY, email text) PARTITION BY LIST (id);"
        "CREATE TABLE users_1 PARTITION OF users DEFAULT; INSERT INTO users VALUES (1, 'E');"
        "CREATE RULE mine AS ON UPDATE TO users DO INSTEAD NOTHING;"
        "CREATE RULE other AS ON DELETE TO users_1 DO INSTEAD NOTHING"
    )
    assert refusals(database, UPDATE) == []
    with Engine(database.url) as engine:
        engine.advance(plan(UPDATE))
    assert database.execute("SELECT email FROM users") == [("e",)]


@pytest.mark.alike
@pytest.mark.parametrize(
    ("entry", "table"),
    [
        ('delete_rows: {table: crossfade.batches, where: "true"}', "crossfade.batches"),
        ('delete_rows: {table: pg_catalog.pg_description, where: "true"}', "pg_catalog.pg_description"),
        ("update_rows: {table: information_schema.sql_features, set: {comments: lower(comments)}}", ""),
        ('delete_rows: {table: users, where: "true", archive_to: crossfade.batches}', "crossfade.batches"),
        ("copy_rows: {from: users, into: crossfade.brake, columns: {reason: email}}", "crossfade.brake"),
        ("rename_column: {table: crossfade.runs, from: name, to: title}", "crossfade.runs"),
    ],
)
def test_the_ledger_and_the_servers_own_tables_are_refused(database: Database, entry: str, table: str) -> None:
    database.execute(sql.SQL(TABLES))
    with Engine(database.url) as engine:
        engine.init()
    [found] = refusals(database, entry)
    assert (found.code, found.object) == ("unsupported_table", table or "information_schema.sql_features")
    assert "a table of your own" in found.instead

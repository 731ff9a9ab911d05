"""Changes of rows before the database: their expressions, rights and row security."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from crossfade.workflow.engine import Engine

from .data_cases import plan, refusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.errors import Refusal

    from ..fixtures.database import Database

SETUP = """
CREATE TABLE users (id int PRIMARY KEY, email text, at timestamptz);
CREATE FUNCTION undeclared(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION declared(text) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION either(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION either(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE FUNCTION rowset(text) RETURNS SETOF text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN NEXT $1; END';
CREATE OPERATOR ### (FUNCTION = undeclared, RIGHTARG = text);
CREATE AGGREGATE longest(text) (SFUNC = textcat, STYPE = text);
CREATE SEQUENCE numbers;
"""


def setting(value: str, where: str = "true") -> str:
    """An update that sets the address to this."""
    return f"update_rows:\n      table: users\n      set:\n        email: >-\n          {value}\n      where: '{where}'"


VOLATILE = {
    "random()::text": "random is",
    "clock_timestamp()::text": "clock_timestamp is",
    "gen_random_uuid()::text": "gen_random_uuid is",
    "nextval('numbers')::text": "nextval is",
    "undeclared(email)": "public.undeclared is",
    "public.undeclared(email) || random()": "random and public.undeclared are",
    "either(id)": "public.either is",
    "coalesce(email, CASE WHEN id > 1 THEN timeofday() END)": "timeofday is",
    "### email": "an operator or cast in it is",
}


@pytest.mark.every_server
@pytest.mark.parametrize(("value", "says"), VOLATILE.items(), ids=VOLATILE)
def test_what_is_volatile_is_refused_with_its_name(database: Database, value: str, says: str) -> None:
    database.execute(sql.SQL(SETUP))
    [found] = refusals(database, setting(value))
    assert (found.code, found.object) == ("volatile", "set.email of update_rows on public.users")
    assert says in found.message
    assert "STABLE" in found.instead


@pytest.mark.alike
@pytest.mark.parametrize(
    "value",
    [
        "lower(email)",
        "now()::text",
        "current_date::text || current_user",
        "(at - interval '1 day')::text",
        "declared(email)",
        "public.declared(email)",
        "either(email)",
        "NULL",
        "'x'",
        "to_json(email)->>0",
        "(ARRAY[email, 'b'])[1]",
        "CASE WHEN id > 5 THEN email END",
    ],
)
def test_what_is_stable_is_taken(database: Database, value: str) -> None:
    database.execute(sql.SQL(SETUP))
    assert refusals(database, setting(value)) == []


def test_a_volatile_condition_is_refused_wherever_it_is_written(database: Database) -> None:
    database.execute(f"{SETUP}; CREATE TABLE people (id int, email text)")
    for entry, place in (
        ("delete_rows: {table: users, where: random() < 0.5}", "where of delete_rows"),
        ("copy_rows: {from: users, into: people, columns: [id], where: random() < 0.5}", "where of copy_rows"),
        ("copy_rows: {from: users, into: people, columns: {id: id, email: random()}}", "columns.email of copy_rows"),
    ):
        [found] = refusals(database, entry)
        assert (found.code, found.object) == ("volatile", f"{place} on public.users")


UNSOUND = {
    "lowr(email)": "function lowr(text) does not exist",
    "lower(id)": "function lower(integer) does not exist",
    "email::nothing": 'type "nothing" does not exist',
    "nowhere.f(email)": 'schema "nowhere" does not exist',
    "email + 1": "operator does not exist",
    "'a'::int": "invalid input syntax",
    "(1 / 0)::text": "division by zero",
    "longest(email)": "aggregate functions are not allowed",
    "rowset(email)": "set-returning functions are not allowed",
    "(email).x": "column notation",
}


@pytest.mark.alike
@pytest.mark.parametrize(("value", "says"), UNSOUND.items(), ids=UNSOUND)
def test_what_the_server_makes_no_sense_of_is_refused_in_its_words(database: Database, value: str, says: str) -> None:
    database.execute(sql.SQL(SETUP))
    [found] = refusals(database, setting(value))
    assert (found.code, found.object) == ("expression", "set.email of update_rows on public.users")
    assert says in found.message
    assert value.partition("(")[0] in found.message
    assert found.instead


def test_names_are_looked_up_where_the_role_would(database: Database) -> None:
    """Not on the pinned path of our own sessions."""
    database.execute(
        "CREATE SCHEMA shop; CREATE TABLE users (id int PRIMARY KEY, email text);"
        "CREATE FUNCTION shop.clean(text) RETURNS text STABLE LANGUAGE sql AS 'SELECT $1'"
    )
    [found] = refusals(database, setting("clean(email)"))
    assert "search_path (public)" in found.instead
    assert refusals(database, setting("shop.clean(email)")) == []
    database.execute(sql.SQL("ALTER DATABASE {} SET search_path = public, shop").format(sql.Identifier(database.name)))
    assert refusals(database, setting("clean(email)")) == []


def test_a_table_without_partitions_is_taken(database: Database) -> None:
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text) PARTITION BY LIST (id)")
    assert refusals(database, setting("lower(email)")) == []
    assert [r.code for r in refusals(database, setting("lowr(email)"))] == ["expression"]


def test_nothing_is_changed(database: Database) -> None:
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'A')")
    assert refusals(database, setting("lower(email)")) == []
    assert database.execute("SELECT email, xmax::text FROM users") == [("A", "0")]


@pytest.fixture
def guest(database: Database) -> Iterator[str]:
    """The URL of a role without rights, on a database with a partitioned table and one to copy into."""
    database.execute(
        "CREATE ROLE data_guest LOGIN; CREATE TABLE users (id int PRIMARY KEY, email text) PARTITION BY LIST (id);"
        "CREATE TABLE users_1 PARTITION OF users FOR VALUES IN (1);"
        "CREATE TABLE users_2 PARTITION OF users FOR VALUES IN (2);"
        "CREATE TABLE people (id int PRIMARY KEY, email text)"
    )
    yield database.server.url(database.name, user="data_guest")
    database.execute("DROP OWNED BY data_guest")


UPDATE = "update_rows: {table: users, set: {email: lower(email)}}"
DELETE = "delete_rows: {table: users, where: email IS NULL}"
ARCHIVE = "delete_rows: {table: users, where: email IS NULL, archive_to: people}"
COPY = "copy_rows: {from: users, into: people, columns: [id, email]}"
UPSERT = "copy_rows: {from: users, into: people, columns: [id, email], on_conflict: update}"


def found_by(url: str, entry: str) -> list[Refusal]:
    with Engine(url) as engine:
        return list(engine.check(plan(entry)).refusals)


@pytest.mark.parametrize(
    ("entry", "rights", "more"),
    [
        (UPDATE, "SELECT", "UPDATE (email) ON users_1, users_2"),
        (DELETE, "SELECT", "DELETE ON users_1, users_2"),
        (ARCHIVE, "SELECT, DELETE", "INSERT ON people"),
        (COPY, "SELECT", "INSERT ON people"),
        (UPSERT, "SELECT", "SELECT, INSERT, UPDATE ON people"),
    ],
)
def test_the_rights_that_it_takes_are_those_of_each_partition(
    database: Database, guest: str, entry: str, rights: str, more: str
) -> None:
    """Those on the table itself are not enough, and ownership is not needed."""
    database.execute("GRANT ALL ON users TO data_guest")
    assert {r.code for r in found_by(guest, entry)} == {"no_right"}
    database.execute(sql.SQL("GRANT {} ON users_1, users_2 TO data_guest").format(sql.SQL(rights)))
    [found] = found_by(guest, entry)
    assert found.code == "no_right"
    assert "permission denied for table" in found.message
    assert "data_guest" in found.instead
    database.execute(sql.SQL("GRANT {} TO data_guest").format(sql.SQL(more)))
    assert found_by(guest, entry) == []


def test_a_missing_right_on_one_partition_is_found(database: Database, guest: str) -> None:
    database.execute("GRANT ALL ON users, users_1 TO data_guest; GRANT SELECT ON users_2 TO data_guest")
    [found] = found_by(guest, UPDATE)
    assert (found.code, found.object) == ("no_right", "update_rows on public.users_2")


@pytest.mark.parametrize(("table", "entry"), [("users", UPDATE), ("users_2", DELETE), ("people", COPY)])
def test_row_security_is_refused_where_it_applies(database: Database, guest: str, table: str, entry: str) -> None:
    """To this role; not to one that owns the table, or is above it."""
    database.execute("GRANT ALL ON users, users_1, users_2, people TO data_guest")
    database.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(sql.Identifier(table)))
    assert refusals(database, entry) == []
    found = [r for r in found_by(guest, entry) if r.code == "row_security"]
    assert [r.object for r in found] == [f"public.{table}"]
    assert "data_guest" in found[0].message
    database.execute("ALTER ROLE data_guest BYPASSRLS")
    assert found_by(guest, entry) == []

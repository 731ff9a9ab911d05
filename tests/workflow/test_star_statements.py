"""Statements with `*` over a table are found in their text and in pg_stat_statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.seen_text import shortened
from crossfade.workflow.star_references import Stars, find_stars
from crossfade.workflow.star_statements import star_cautions

if TYPE_CHECKING:
    from ..fixtures.database import Database

USERS = QualifiedName("public", "users")
ORDERS = QualifiedName("public", "orders")
ODD = QualifiedName("Odd Schema", 'say "hi"')


def tables(*names: QualifiedName) -> frozenset[QualifiedName]:
    return frozenset(names)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM users WHERE id = $1",
        "select u.* from public.users as u",
        "SELECT users.*, orders.id FROM users JOIN orders USING (user_id)",
        "SELECT public.users.* FROM public.users",
        "SELECT (u).* FROM users u",
        "TABLE users",
        "SELECT * FROM (SELECT * FROM users) AS everybody",
        "SELECT e.* FROM orders o, LATERAL (SELECT u.* FROM users u WHERE u.id = o.user_id) AS e",
        "SELECT j.* FROM (orders JOIN users USING (user_id)) AS j",
        "SELECT * FROM users TABLESAMPLE system (1)",
        "WITH everybody AS (SELECT * FROM users) SELECT * FROM everybody LIMIT $1",
        "WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone",
        "INSERT INTO users (email) VALUES ($1) RETURNING *",
        "INSERT INTO users AS u (email) VALUES ($1) ON CONFLICT (email) DO NOTHING RETURNING u.*",
        "UPDATE users SET email = $1 WHERE id = $2 RETURNING users.*",
        "UPDATE orders SET paid = true FROM users u WHERE u.id = orders.user_id RETURNING *",
        "UPDATE users SET email = $1 RETURNING old.email, new.*",
        "DELETE FROM orders USING users WHERE orders.user_id = users.id RETURNING users.*",
        "MERGE INTO users u USING staged s ON u.id = s.id WHEN MATCHED THEN DELETE RETURNING *",
        "PREPARE one AS SELECT * FROM users WHERE id = $1",
        "SELECT * FROM users WHERE created > now() - interval $1",
        "SELECT * FROM users UNION ALL SELECT * FROM users",
        "SELECT * FROM users FOR UPDATE SKIP LOCKED",
    ],
)
def test_a_star_that_reaches_the_result_is_found(query: str) -> None:
    assert find_stars(query, [USERS]) == Stars(result=tables(USERS))


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO archive SELECT * FROM users",
        "INSERT INTO users (id, email) SELECT * FROM users",
        "WITH gone AS (DELETE FROM users RETURNING *) INSERT INTO archive SELECT * FROM gone",
        "SELECT id FROM orders WHERE user_id IN (SELECT * FROM users)",
        "SELECT count(*) FROM (SELECT * FROM users UNION SELECT * FROM archive) AS everybody",
        "UPDATE orders SET (a, b) = (SELECT * FROM users LIMIT 1)",
        "DELETE FROM orders WHERE (a, b) = ANY (SELECT * FROM users)",
    ],
)
def test_a_star_that_goes_where_a_number_of_columns_is_expected_is_found(query: str) -> None:
    assert find_stars(query, [USERS]) == Stars(fixed=tables(USERS))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count(*) FROM users",
        "SELECT id, email FROM users",
        "SELECT o.* FROM users u JOIN orders o ON o.user_id = u.id",
        "SELECT 1 FROM orders o WHERE EXISTS (SELECT * FROM users u WHERE u.id = o.user_id)",
        "SELECT email FROM (SELECT * FROM users) AS everybody",
        "WITH everybody AS (SELECT * FROM users) SELECT count(*) FROM everybody",
        "WITH users AS (SELECT 1 AS one) SELECT * FROM users",
        "SELECT * FROM audit.users",
        "SELECT to_jsonb(u.*) FROM users u",
        "SELECT * FROM unnest($1::users[])",
        "INSERT INTO users SELECT * FROM users",
        "INSERT INTO orders (id) SELECT id FROM users RETURNING *",
        "SELECT price * amount FROM users",
        "CREATE VIEW everybody AS SELECT * FROM users",
        "SET search_path = users",
        "not SQL at all * users",
        "",
    ],
)
def test_a_star_whose_columns_go_nowhere_is_no_finding(query: str) -> None:
    assert find_stars(query, [USERS]) == Stars()


def test_each_table_is_found_under_its_own_name() -> None:
    query = 'SELECT u.*, h.* FROM users u, "Odd Schema"."say ""hi""" h, orders'
    assert find_stars(query, [USERS, ORDERS, ODD]) == Stars(result=tables(USERS, ODD))


def test_a_name_without_a_schema_counts_for_every_schema() -> None:
    other = QualifiedName("tenant", "users")
    assert find_stars("SELECT * FROM users", [USERS, other]).result == tables(USERS, other)
    assert find_stars("SELECT * FROM tenant.users", [USERS, other]).result == tables(other)


def test_a_long_chain_of_operators_is_read() -> None:
    chain = " + ".join(["id"] * 400)
    assert find_stars(f"SELECT *, {chain} FROM users", [USERS]).result == tables(USERS)


def test_a_long_statement_is_cut() -> None:
    assert shortened("SELECT *\n  FROM users") == "SELECT * FROM users"
    assert len(shortened("SELECT " + "a, " * 100)) <= 80


def _extended(database: Database) -> QualifiedName:
    try:
        database.execute("CREATE SCHEMA extensions; CREATE EXTENSION pg_stat_statements SCHEMA extensions")
        database.execute("SELECT FROM extensions.pg_stat_statements LIMIT 1")
    except (psycopg.errors.FeatureNotSupported, psycopg.errors.ObjectNotInPrerequisiteState) as error:
        pytest.skip(f"pg_stat_statements is not available: {error}")
    database.execute("CREATE TABLE users (id int, email text)")
    return QualifiedName("extensions", "pg_stat_statements")


@pytest.mark.every_server
def test_statements_of_applications_are_named_with_their_role(database: Database) -> None:
    extension = _extended(database)
    database.execute("CREATE ROLE star_app LOGIN; GRANT ALL ON users TO star_app")
    with database.connect(user="star_app", autocommit=True) as app:
        app.execute("SELECT * FROM users WHERE id = 7")
        app.execute("SELECT id FROM users WHERE id = 7")
        app.execute("INSERT INTO users VALUES (1, 'a') RETURNING *")
    with connect(database.url) as connection:
        found = star_cautions(connection, (USERS,), extension)
    assert {(c.code, c.object, c.ack) for c in found} == {("star", "public.users", "star")}
    messages = sorted(c.message for c in found)
    assert len(messages) == 2
    assert messages[0].startswith("`INSERT INTO users VALUES ($1, $2) RETURNING *` by star_app ")
    assert messages[1].startswith("`SELECT * FROM users WHERE id = $1` by star_app ")
    assert all("cached plan must not change result type" in m for m in messages)


@pytest.mark.alike
def test_statements_of_other_databases_and_inside_functions_are_left_out(database: Database) -> None:
    extension = _extended(database)
    database.execute("CREATE TABLE other (id int)")
    database.execute(
        "CREATE FUNCTION everybody() RETURNS void LANGUAGE plpgsql AS"
        " 'DECLARE one record; BEGIN SELECT * INTO one FROM users; END'"
    )
    with database.connect(autocommit=True) as app:
        app.execute("SET pg_stat_statements.track = 'all'")
        app.execute("SELECT everybody()")
        app.execute("SELECT * FROM other")
    with psycopg.connect(database.server.url(), autocommit=True) as elsewhere:
        elsewhere.execute("CREATE TEMP TABLE users (id int)")
        elsewhere.execute("SELECT * FROM users")
    with connect(database.url) as connection:
        assert star_cautions(connection, (USERS,), extension) == ()


def test_the_most_frequent_statements_are_named_and_the_rest_counted(database: Database) -> None:
    extension = _extended(database)
    with database.connect(autocommit=True) as app:
        for number in range(12):
            query = sql.SQL("SELECT *{} FROM users").format(sql.SQL(", id" * number))
            for _ in range(2 if number == 11 else 1):
                app.execute(query)
    with connect(database.url) as connection:
        found = star_cautions(connection, (USERS,), extension)
    assert len(found) == 11
    assert f"*{', id' * 11} FROM users" in found[0].message
    assert found[-1].message.startswith("2 more statements")


def test_without_the_extension_or_the_right_to_it_nothing_is_said(database: Database) -> None:
    extension = _extended(database)
    database.execute("SELECT * FROM users")
    database.execute("CREATE ROLE star_reader LOGIN; GRANT USAGE ON SCHEMA extensions TO star_reader")
    with connect(database.url) as connection:
        assert star_cautions(connection, (USERS,), None) == ()
        assert star_cautions(connection, (), extension) == ()
    with connect(database.server.url(database.name, user="star_reader")) as connection:
        assert star_cautions(connection, (USERS,), extension) == ()
        database.execute("REVOKE SELECT ON extensions.pg_stat_statements FROM PUBLIC")
        assert star_cautions(connection, (USERS,), extension) == ()
        assert connection.execute("SELECT 1").fetchall() == [(1,)]

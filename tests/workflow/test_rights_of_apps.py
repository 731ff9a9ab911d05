"""With the role `crossfade_app` nothing but `heartbeat` and `can_i_run` is possible, whatever else the ledger has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.plan.load import parse_plan

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

pytestmark = pytest.mark.alike

ALLOWED = {"heartbeat(text,text,text)", "can_i_run(text,text)"}
RENAME = parse_plan(
    "crossfade: 1\nname: rights\nchanges: [{rename_column: {table: users, from: email, to: address}}]\n", "p.yaml"
)
RELATIONS = """
SELECT c.relname::text, c.relkind::text,
    (SELECT min(a.attname)::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)
FROM pg_class c
WHERE c.relnamespace = 'crossfade'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
ORDER BY c.relname
"""
FUNCTIONS = """
SELECT p.oid::bigint, p.proname::text, p.prokind::text,
    format('%s(%s)', p.proname, array_to_string(p.proargtypes::oid[]::regtype[], ',')),
    p.proargtypes::oid[]::regtype[]::text[]
FROM pg_proc p
WHERE p.pronamespace = 'crossfade'::regnamespace
ORDER BY 4
"""
STATEMENTS = (
    "SELECT FROM {table}",
    "INSERT INTO {table} DEFAULT VALUES",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "DO 'BEGIN LOCK TABLE {table} IN ACCESS SHARE MODE; END'",
    "COPY {table} TO STDOUT",
    "ALTER TABLE {table} ADD COLUMN mine int",
    "DROP TABLE {table}",
)


@pytest.fixture(scope="module")
def ledger(server: Server) -> Iterator[Database]:
    """A database with the ledger, and a run whose triggers have functions in schema crossfade."""
    with fresh_database(server) as made:
        made.execute("CREATE TABLE users (id int PRIMARY KEY, email text)")
        with Engine(made.url) as engine:
            engine.init()
            engine.expand(RENAME)
        made.execute("CREATE ROLE rights_app LOGIN IN ROLE crossfade_app")
        yield made


@pytest.fixture(scope="module")
def app(ledger: Database) -> psycopg.Connection[tuple[Any, ...]]:
    """A session of a member of crossfade_app."""
    return ledger.connect(user="rights_app", autocommit=True)


def refused(app: psycopg.Connection[Any], statement: sql.Composed) -> bool:
    try:
        app.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error as error:
        pytest.fail(f"{statement.as_string()} ended with {error!r}, not for want of a right")
    return False


def relations(ledger: Database, *kinds: str) -> list[tuple[sql.Identifier, str, str | None]]:
    found = [
        (sql.Identifier("crossfade", name), name, column)
        for name, kind, column in ledger.execute(RELATIONS)
        if kind in kinds
    ]
    assert found
    return found


def test_it_has_no_right_on_any_relation(ledger: Database) -> None:
    privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    held = ledger.execute(
        "SELECT c.relname::text, p FROM pg_class c, unnest(%s::text[]) p"
        " WHERE c.relnamespace = 'crossfade'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND (has_table_privilege('rights_app', c.oid, p)"
        "  OR p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege('rights_app', c.oid, p))",
        [privileges],
    )
    sequences = ledger.execute(
        "SELECT c.relname::text, p FROM pg_class c, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p"
        " WHERE c.relnamespace = 'crossfade'::regnamespace AND c.relkind = 'S'"
        " AND has_sequence_privilege('rights_app', c.oid, p)"
    )
    assert held + sequences == []


def test_every_statement_on_every_table_is_refused(ledger: Database, app: psycopg.Connection[Any]) -> None:
    tables = relations(ledger, "r", "p")
    assert {"runs", "sightings", "fence", "approvals"} <= {name for _, name, _ in tables}
    for table, name, column in tables:
        statements = [sql.SQL(text).format(table=table) for text in STATEMENTS]
        if column is not None:
            named = sql.Identifier(column)
            statements.append(sql.SQL("UPDATE {0} SET {1} = DEFAULT").format(table, named))
            statements.append(sql.SQL("SELECT {1} FROM {0} FOR UPDATE").format(table, named))
        for statement in statements:
            assert refused(app, statement), f"{name}: {statement.as_string()}"


def test_no_view_and_no_sequence_can_be_read(ledger: Database, app: psycopg.Connection[Any]) -> None:
    for relation, name, _ in relations(ledger, "v", "m", "S"):
        assert refused(app, sql.SQL("SELECT * FROM {}").format(relation)), name


def test_two_functions_may_be_called_and_no_other(ledger: Database, app: psycopg.Connection[Any]) -> None:
    functions = ledger.execute(FUNCTIONS)
    may = ledger.execute(
        "SELECT oid::bigint FROM pg_proc WHERE pronamespace = 'crossfade'::regnamespace"
        " AND has_function_privilege('rights_app', oid, 'EXECUTE')"
    )
    assert {name for oid, _, _, name, _ in functions if (oid,) in may} == ALLOWED
    called = 0
    for _, name, kind, signature, types in functions:
        if signature in ALLOWED or kind not in "fp":
            continue
        nulls = sql.SQL(", ").join(sql.SQL("NULL::{}").format(sql.SQL(t)) for t in types)
        verb = sql.SQL("CALL" if kind == "p" else "SELECT")
        assert refused(app, sql.SQL("{} {}({})").format(verb, sql.Identifier("crossfade", name), nulls)), signature
        called += 1
    assert called > 10
    assert app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-1'), crossfade.can_i_run('api', '2.0.0')")


def test_nothing_can_be_made_in_the_schema_and_no_other_role_be_taken(
    ledger: Database, app: psycopg.Connection[Any]
) -> None:
    for text in (
        "CREATE TABLE crossfade.mine (id int)",
        "CREATE FUNCTION crossfade.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION crossfade.can_i_run(app text, version text) RETURNS bool LANGUAGE sql AS ''",
        "ALTER SCHEMA crossfade RENAME TO mine",
        "SET ROLE crossfade_reader",
        "CREATE SCHEMA mine",
    ):
        assert refused(app, sql.SQL(text).format()), text
    memberships = "SELECT r.rolname::text FROM pg_roles r WHERE pg_has_role('rights_app', r.oid, 'MEMBER') ORDER BY 1"
    assert ledger.execute(memberships) == [("crossfade_app",), ("rights_app",)]


def test_a_search_path_of_its_own_leads_no_function_astray(ledger: Database, app: psycopg.Connection[Any]) -> None:
    """Both run with their owner's rights."""
    app.execute("CREATE TEMPORARY TABLE sightings (app text, version text, instance text, source text, host text)")
    app.execute("SET search_path = pg_temp, public, pg_catalog")
    try:
        app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'astray')")
    finally:
        app.execute("RESET search_path")
        app.execute("DROP TABLE pg_temp.sightings")
    assert ledger.execute("SELECT count(*) FROM crossfade.sightings WHERE instance = 'astray'") == [(1,)]
    # The triggers' functions of a pair run for each row, and name everything in full instead.
    unpinned = ledger.execute(
        "SELECT proname::text FROM pg_proc WHERE pronamespace = 'crossfade'::regnamespace"
        " AND prosecdef AND prorettype <> 'trigger'::regtype"
        " AND NOT coalesce(array_to_string(proconfig, ' ') LIKE 'search_path=%', false)"
    )
    assert unpinned == []

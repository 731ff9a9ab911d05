"""The roles have the rights they need and no others, and an app needs none at all to write to its own tables."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from crossfade.errors import UsageError
from crossfade.operations.sync import column_sync
from crossfade.plan.load import parse_plan
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName
from crossfade.workflow import ledger
from crossfade.workflow.engine import Engine
from crossfade.workflow.roles import APP, READER, grant_roles

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from ..fixtures.database import Database
    from ..fixtures.servers import Server

RENAME = parse_plan(
    "crossfade: 1\nname: roles\nchanges: [{rename_column: {table: users, from: email, to: email_address}}]\n", "p.yaml"
)
HEARTBEAT = "SELECT crossfade.heartbeat('api', '2.0.0', 'pod-1')"


def init(url: str, app_role: str | None = None) -> tuple[str, ...]:
    with connect(url) as connection:
        ledger.install(connection)
        return grant_roles(connection, app_role)


def ledger_tables(database: Database) -> list[str]:
    return [
        name for (name,) in database.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = 'crossfade'")
    ]


def test_the_roles_are_created_without_a_login(database: Database) -> None:
    done = init(database.url)
    assert done == (
        "role crossfade_app created",
        "role crossfade_app may call crossfade.heartbeat and can_i_run",
        "role crossfade_reader created",
        "role crossfade_reader may read the ledger",
    )
    rights = "rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
    found = database.execute(
        sql.SQL("SELECT {} FROM pg_roles WHERE rolname = ANY (%s)").format(sql.SQL(rights)), [[APP, READER]]
    )
    assert found == [(False,) * 6] * 2


def test_a_second_init_changes_nothing(database: Database) -> None:
    init(database.url)
    before = database.dump(exclude_schema=None)
    assert init(database.url) == (
        "role crossfade_app may call crossfade.heartbeat and can_i_run",
        "role crossfade_reader may read the ledger",
    )
    assert database.dump(exclude_schema=None) == before


@pytest.mark.every_server
def test_an_app_reports_itself_and_touches_nothing_else(database: Database) -> None:
    init(database.url)
    database.execute("CREATE ROLE roles_app LOGIN IN ROLE crossfade_app")
    app = database.connect(user="roles_app", autocommit=True)
    app.execute(HEARTBEAT)
    app.execute("SELECT crossfade.can_i_run('api', '2.0.0')")
    assert database.execute("SELECT app, version, source FROM crossfade.sightings ORDER BY source") == [
        ("api", "2.0.0", "heartbeat"),
        ("api", "2.0.0", "start"),
    ]
    for inner in ("objections('api', '2.0.0')", "is_fenced('api', '2.0.0')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(f"SELECT crossfade.{inner}".encode())
    tables = ledger_tables(database)
    assert "runs" in tables
    for name in tables:
        table = sql.Identifier("crossfade", name)
        for statement in ("SELECT FROM {}", "DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(sql.SQL(statement).format(table))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("SELECT crossfade.note_write('p', 'legacy', 1, 'x', 'y.z')")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE crossfade.mine (id int)")


def test_an_app_cannot_hang_the_functions_of_a_pair_on_a_table_of_its_own(database: Database) -> None:
    """They run with their owner's rights and note what they see."""
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text)")
    with Engine(database.url) as engine:
        engine.expand(RENAME)
    database.execute("CREATE ROLE roles_app LOGIN IN ROLE crossfade_app; CREATE SCHEMA mine AUTHORIZATION roles_app")
    app = database.connect(user="roles_app", autocommit=True)
    app.execute("CREATE TABLE mine.t (id int, email text, email_address text)")
    functions = database.execute(
        "SELECT DISTINCT tgfoid::regproc::text FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal"
    )
    assert len(functions) == 2
    for (function,) in functions:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(
                f"CREATE TRIGGER forged BEFORE INSERT ON mine.t FOR EACH ROW EXECUTE FUNCTION {function}()".encode()
            )


@pytest.mark.alike
def test_a_reader_reads_every_table_and_writes_none(database: Database) -> None:
    init(database.url)
    database.execute("CREATE ROLE roles_reader LOGIN IN ROLE crossfade_reader")
    reader = database.connect(user="roles_reader", autocommit=True)
    for name in ledger_tables(database):
        table = sql.Identifier("crossfade", name)
        reader.execute(sql.SQL("SELECT FROM {}").format(table))
        for statement in ("DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "TRUNCATE {}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(sql.SQL(statement).format(table))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute(HEARTBEAT)


def test_the_role_of_an_app_gets_the_rights_too(database: Database) -> None:
    database.execute('CREATE ROLE "Roles App" LOGIN')
    assert init(database.url, "Roles App")[-1] == 'role "Roles App" may call crossfade.heartbeat and can_i_run'
    database.connect(user="Roles App", autocommit=True).execute(HEARTBEAT)


def test_an_app_role_that_does_not_exist_is_refused_and_nothing_is_done(database: Database) -> None:
    with pytest.raises(UsageError, match='"Nobody Here"'):
        init(database.url, "Nobody Here")
    assert database.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP]) == []


def _plain_owner(database: Database) -> str:
    """A role that may create schemas here, and no roles."""
    database.execute("CREATE ROLE roles_owner LOGIN; CREATE ROLE roles_app LOGIN")
    database.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO roles_owner").format(sql.Identifier(database.name)))
    return database.server.url(database.name, user="roles_owner")


def test_an_owner_who_may_not_create_roles_gets_the_sql_for_an_administrator(database: Database) -> None:
    lines = init(_plain_owner(database))
    statements = [line.split(";")[0] for line in lines]
    assert statements[0] == 'CREATE ROLE "crossfade_app" NOLOGIN'
    for statement in statements:
        database.execute(sql.SQL(statement))
    database.execute("GRANT crossfade_app TO roles_app")
    database.connect(user="roles_app", autocommit=True).execute(HEARTBEAT)


def test_an_owner_who_may_not_create_roles_grants_to_the_role_of_the_app(database: Database) -> None:
    lines = init(_plain_owner(database), "roles_app")
    said = ["role roles_app may call crossfade.heartbeat and can_i_run"]
    assert [line for line in lines if not line.endswith("it")] == said
    assert all("crossfade_reader" in line for line in lines[:-1])
    database.connect(user="roles_app", autocommit=True).execute(HEARTBEAT)


def test_roles_that_an_administrator_made_get_their_rights_from_the_owner(database: Database) -> None:
    database.execute("CREATE ROLE crossfade_app; CREATE ROLE crossfade_reader")
    assert init(_plain_owner(database)) == (
        "role crossfade_app may call crossfade.heartbeat and can_i_run",
        "role crossfade_reader may read the ledger",
    )


def test_somebody_who_does_not_own_the_ledger_changes_nothing(database: Database) -> None:
    init(database.url)
    before = database.dump(exclude_schema=None)
    with connect(_plain_owner(database)) as connection:
        lines = grant_roles(connection, "roles_app")
    assert all(line.startswith("GRANT ") for line in lines)
    assert database.dump(exclude_schema=None) == before


def test_inits_of_two_databases_at_the_same_time_do_not_disturb_each_other(database: Database, server: Server) -> None:
    with fresh_database(server) as other, ThreadPoolExecutor(4) as pool:
        done = list(pool.map(init, [database.url, other.url] * 2))
        assert sum(line.endswith("created") for lines in done for line in lines) == 2
        database.execute("DROP OWNED BY crossfade_app, crossfade_reader")
        other.execute("DROP OWNED BY crossfade_app, crossfade_reader")
        database.execute("DROP ROLE crossfade_app; DROP ROLE crossfade_reader")


@pytest.mark.alike
def test_an_app_without_any_right_in_our_schema_writes_to_a_synchronised_table(database: Database) -> None:
    init(database.url)
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text, email_address text)")
    database.execute("CREATE ROLE roles_writer LOGIN; GRANT SELECT, INSERT, UPDATE ON users TO roles_writer")
    users = QualifiedName("public", "users")
    pair = column_sync.Pair(
        plan="users-email",
        table=users,
        members=(users,),
        old="email",
        new="email_address",
        type="text",
        exact=True,
        default=None,
        volatile_default=False,
        nullable=True,
    )
    for statement in column_sync.create(pair):
        database.execute(sql.SQL(statement.text))
    writer = database.connect(user="roles_writer", autocommit=True, application_name="api/1.0")
    writer.execute("INSERT INTO users (id, email) VALUES (1, 'a')")
    writer.execute("INSERT INTO users (id, email_address) VALUES (2, 'b')")
    writer.execute("UPDATE users SET email = 'c', email_address = 'd' WHERE id = 1")
    assert writer.execute("SELECT id, email, email_address FROM users ORDER BY id").fetchall() == [
        (1, "d", "d"),
        (2, "b", "b"),
    ]
    noted = "SELECT kind, relation, column_name, application_name, role_name FROM crossfade.legacy_writes ORDER BY at"
    assert database.execute(noted) == [
        ("legacy", "public.users", "email", "api/1.0", "roles_writer"),
        ("conflict", "public.users", "email", "api/1.0", "roles_writer"),
    ]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute("SELECT FROM crossfade.legacy_writes")

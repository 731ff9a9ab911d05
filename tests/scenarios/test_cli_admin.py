"""init, doctor, versions: the commands around the runs."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psycopg
import pytest

from .users_table import RUN, columns, fail, has_ledger, make_users, succeed, write_plan

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database


def test_init_makes_the_ledger_and_may_be_repeated(cli: Cli, database: Database) -> None:
    assert not has_ledger(database)
    assert "installed" in succeed(cli, "init").stdout
    before = database.dump(exclude_schema=None)
    assert "up to date" in succeed(cli, "init").stdout
    assert database.dump(exclude_schema=None) == before


def test_the_first_command_that_needs_the_ledger_makes_it(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "expand", write_plan(cli.directory))
    assert has_ledger(database)


def test_an_app_may_report_itself_and_nothing_else(cli: Cli, database: Database) -> None:
    succeed(cli, "init")
    database.execute("CREATE ROLE shop_app LOGIN; GRANT crossfade_app TO shop_app")
    with database.connect(user="shop_app", autocommit=True) as app:
        app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-b')")
        for statement in (
            "SELECT * FROM crossfade.runs",
            "INSERT INTO crossfade.sightings (app, version, instance, source) VALUES ('a', '1', 'i', 'heartbeat')",
            "DELETE FROM crossfade.sightings",
            "UPDATE crossfade.approvals SET approver = 'me'",
            "CREATE TABLE crossfade.mine (id int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)
    (sighting,) = succeed(cli, "versions", "list", "--json").json()["versions"]
    assert (sighting["app"], sighting["version"], sighting["instance"]) == ("api", "2.0.0", "pod-b")


def test_init_grants_to_the_role_that_is_named(cli: Cli, database: Database) -> None:
    database.execute("CREATE ROLE shop_app LOGIN")
    assert "shop_app" in succeed(cli, "init", "--app-role", "shop_app").stdout
    with database.connect(user="shop_app", autocommit=True) as app:
        app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-b')")
    assert "no role" in fail(cli, 2, "init", "--app-role", "nobody_of_this_name")


def test_an_owner_without_the_right_to_make_roles_gets_the_sql_to_run(cli: Cli, database: Database) -> None:
    database.execute("CREATE ROLE shop_owner LOGIN; CREATE ROLE shop_app LOGIN; CREATE ROLE shop_job LOGIN")
    database.execute(f"GRANT CREATE ON DATABASE {database.name} TO shop_owner")
    as_owner = ("--database", database.server.url(database.name, user="shop_owner"))
    said = succeed(cli, "init", "--app-role", "shop_app", *as_owner).stdout
    assert "role shop_app may call crossfade.heartbeat and can_i_run" in said.splitlines()
    with database.connect(user="shop_app", autocommit=True) as app:
        app.execute("SELECT crossfade.heartbeat('api', '2.0.0', 'pod-b')")
    # With a role for the app only the reader is left to make; without one, both are.
    assert all('"crossfade_reader"' in line for line in for_an_administrator(said))
    database.execute("\n".join(for_an_administrator(succeed(cli, "init", *as_owner).stdout)))
    database.execute("GRANT crossfade_app, crossfade_reader TO shop_job")
    with database.connect(user="shop_job", autocommit=True) as job:
        job.execute("SELECT crossfade.heartbeat('job', '7', 'cron')")
        assert job.execute("SELECT app FROM crossfade.sightings ORDER BY app").fetchall() == [("api",), ("job",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            job.execute("DELETE FROM crossfade.sightings")
    assert for_an_administrator(succeed(cli, "init", *as_owner).stdout) == []


def for_an_administrator(said: str) -> list[str]:
    """The lines of SQL that an `init` left to somebody else."""
    return [line for line in said.splitlines() if "for an administrator" in line]


def test_an_owner_of_the_table_alone_takes_a_rename_through_all_phases(cli: Cli, database: Database) -> None:
    database.execute("CREATE ROLE shop_owner LOGIN")
    database.execute(f"GRANT CREATE ON DATABASE {database.name} TO shop_owner")
    database.execute("GRANT CREATE ON SCHEMA public TO shop_owner")
    with database.connect(user="shop_owner") as owner:
        owner.execute("CREATE TABLE users (id int PRIMARY KEY, email text NOT NULL UNIQUE, name text)")
        owner.execute("INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 100) g")
    plan = write_plan(cli.directory, "hold: 0s\n")
    as_owner = ("--database", database.server.url(database.name, user="shop_owner"))
    for command in ("check", "explain", "expand", "backfill"):
        succeed(cli, command, plan, *as_owner)
    succeed(cli, "approve", RUN, "--phase", "contract", "--as", "alice", *as_owner)
    succeed(cli, "contract", RUN, "--confirm", RUN, *as_owner)
    assert columns(database) == ["id", "email_address", "name"]


def test_an_app_without_rights_in_our_schema_writes_while_both_names_are_served(cli: Cli, database: Database) -> None:
    make_users(database)
    database.execute("CREATE ROLE shop_app LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON users TO shop_app")
    succeed(cli, "advance", write_plan(cli.directory), "--to", "backfilled")
    with database.connect(user="shop_app", autocommit=True) as app:
        app.execute("UPDATE users SET email = 'old@x' WHERE id = 1")
        app.execute("UPDATE users SET email_address = 'new@x' WHERE id = 2")
        app.execute("INSERT INTO users (id, email) VALUES (901, 'a@x') ON CONFLICT (id) DO NOTHING")
        found = app.execute("SELECT email, email_address FROM users WHERE id IN (1, 2, 901) ORDER BY id").fetchall()
    assert found == [("old@x", "old@x"), ("new@x", "new@x"), ("a@x", "a@x")]


def test_the_history_cannot_be_changed(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "start", write_plan(cli.directory))
    for statement in (
        "UPDATE crossfade.events SET kind = 'x'",
        "DELETE FROM crossfade.events",
        "TRUNCATE crossfade.events",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            database.execute(statement)


def test_doctor_says_that_all_is_well(cli: Cli, database: Database) -> None:
    before = database.dump(exclude_schema=None)
    lines = succeed(cli, "doctor").stdout.splitlines()
    assert lines[0].split() == ["LEVEL", "CHECK", "FOUND"]
    levels = {check: level for level, check, *_ in map(str.split, lines[1:]) if level != "hint:"}
    assert levels["version"] == levels["writable"] == levels["ledger"] == "ok"
    assert set(levels.values()) <= {"ok", "warning"}
    assert database.dump(exclude_schema=None) == before


def test_doctor_finds_what_no_run_accounts_for(cli: Cli, database: Database) -> None:
    make_users(database)
    succeed(cli, "expand", write_plan(cli.directory))
    assert "No orphans" in succeed(cli, "doctor", "--orphans").stdout
    database.execute("COMMENT ON COLUMN users.name IS 'crossfade: run long-gone'")
    done = cli("doctor", "--orphans")
    assert done.code == 1, done
    orphans = [line for line in done.stdout.splitlines() if line.startswith("orphan")]
    assert orphans == ["orphan: column public.users.name (run long-gone: unknown)"]
    assert "Traceback" not in done.stderr


def test_a_run_leaves_no_orphans_behind(cli: Cli, database: Database) -> None:
    make_users(database)
    database.execute("CREATE INDEX ON users (email); CREATE INDEX ON users (lower(email)) WHERE name IS NOT NULL")
    succeed(cli, "advance", write_plan(cli.directory), "--to", "backfilled")
    assert "No orphans" in succeed(cli, "doctor", "--orphans").stdout
    succeed(cli, "rollback", RUN, "--confirm", RUN)
    assert "No orphans" in succeed(cli, "doctor", "--orphans").stdout


def test_versions_are_reported_and_listed(cli: Cli, database: Database) -> None:
    succeed(cli, "init")
    assert succeed(cli, "versions", "list").stdout == "Nothing sighted.\n"
    succeed(cli, "versions", "heartbeat", "api", "1.4.0", "--instance", "pod-a")
    succeed(cli, "versions", "heartbeat", "api", "2.0.0")
    succeed(cli, "versions", "record", "worker", "7")
    matrix = succeed(cli, "versions", "list").stdout
    assert all(word in matrix for word in ("api", "1.4.0", "2.0.0", "worker", "heartbeat", "record"))
    assert "pod-a" not in matrix
    page = succeed(cli, "versions", "list", "--instances").stdout
    assert all(word in page for word in ("api", "1.4.0", "pod-a", "2.0.0", socket.gethostname(), "worker", "heartbeat"))
    # A second report of the same instance is the same line.
    succeed(cli, "versions", "heartbeat", "api", "1.4.0", "--instance", "pod-a")
    listed = succeed(cli, "versions", "list", "--json").json()["versions"]
    assert sorted((v["app"], v["version"], v["instance"], v["source"]) for v in listed) == [
        ("api", "1.4.0", "pod-a", "heartbeat"),
        ("api", "2.0.0", socket.gethostname(), "heartbeat"),
        ("worker", "7", "deploy", "record"),
    ]


@pytest.mark.parametrize("app", ["", "  "])
def test_a_sighting_of_nothing_is_refused(cli: Cli, database: Database, app: str) -> None:
    succeed(cli, "init")
    fail(cli, 2, "versions", "heartbeat", app, "2.0.0")

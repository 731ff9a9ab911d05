"""Which database is meant, and what a person is told where it cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.postgres.server import EmbeddedServer

from ..fixtures.command import Cli
from .users_table import IN_SMALL_BATCHES, RUN, SLOW, await_batches, fail, make_users, state, succeed, write_plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..fixtures.database import Database

NOWHERE = "postgresql://bob:hunter2@127.0.0.1:1/shop"
NEEDS_NO_LEDGER = (["check", "plan.yaml"], ["explain", "plan.yaml"], ["start", "plan.yaml"], ["init"])
NEEDS_THE_LEDGER = (
    ["status"],
    ["status", RUN],
    ["expand", RUN],
    ["backfill", RUN],
    ["contract", RUN, "--confirm", RUN],
    ["advance", RUN],
    ["rollback", RUN, "--confirm", RUN],
    ["revert", RUN, "--confirm", RUN],
    ["pause", RUN, "--reason", "r"],
    ["resume", RUN],
    ["gate", RUN],
    ["approve", RUN, "--phase", "contract", "--as", "alice"],
    ["history", RUN],
    ["audit", RUN],
    ["versions", "heartbeat", "api", "1"],
    ["versions", "list"],
)


def test_a_server_that_cannot_be_reached(cli: Cli) -> None:
    write_plan(cli.directory)
    for command in (*NEEDS_NO_LEDGER, *NEEDS_THE_LEDGER):
        said = fail(cli, 1, *command, "--database", NOWHERE)
        assert "127.0.0.1" in said
        assert "hunter2" not in said
        document = cli(*command, "--database", NOWHERE, "--json")
        assert document.code == 1, document
        assert document.json()["error"]["code"] == "database_unreachable"
        assert "hunter2" not in document.stdout + document.stderr


def test_a_database_without_a_ledger(cli: Cli, database: Database) -> None:
    before = database.dump(exclude_schema=None)
    for command in NEEDS_THE_LEDGER:
        assert "crossfade init" in fail(cli, 2, *command)
    assert database.dump(exclude_schema=None) == before


def test_a_database_that_does_not_exist(cli: Cli, database: Database) -> None:
    assert "no_such_database" in fail(cli, 1, "status", "--database", database.server.url("no_such_database"))


def test_doctor_says_that_the_server_cannot_be_reached(cli: Cli, database: Database) -> None:
    done = cli("doctor", "--database", NOWHERE)
    assert done.code == 1, done
    assert "127.0.0.1" in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def guarded() -> Iterator[EmbeddedServer]:
    """A server that asks for a password."""
    with EmbeddedServer() as server:
        hba = server.data_dir / "pg_hba.conf"
        hba.write_text(f"local all bob scram-sha-256\n{hba.read_text(encoding='utf-8')}", encoding="utf-8")
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("CREATE ROLE bob LOGIN SUPERUSER PASSWORD 'open sesame'")
            admin.execute("SELECT pg_reload_conf()")
        yield server


def test_a_wrong_password_is_told_and_never_shown(guarded: EmbeddedServer, tmp_path: Path) -> None:
    wrong = guarded.url("postgres", user="bob", password="hunter2")
    cli = Cli(wrong, tmp_path)
    for command in (["status"], ["init"], ["check", write_plan(tmp_path)]):
        said = fail(cli, 1, *command)
        assert "password" in said
        assert "hunter2" not in said
        document = cli(*command, "--json")
        assert "hunter2" not in document.stdout + document.stderr
    succeed(Cli(guarded.url("postgres", user="bob", password="open sesame"), tmp_path), "init")


def test_the_option_goes_before_the_environment_and_that_before_the_settings(cli: Cli, database: Database) -> None:
    succeed(cli, "init")
    unset, elsewhere = {"CROSSFADE_DATABASE_URL": ""}, {"CROSSFADE_DATABASE_URL": NOWHERE}
    settings = cli.directory / "crossfade.toml"
    assert cli("status", env=elsewhere).code == 1
    assert cli("status", "--database", database.url, env=elsewhere).code == 0
    assert cli("--database", database.url, "status", env=elsewhere).code == 0
    assert cli("status", env={**unset, "DATABASE_URL": database.url}).code == 0
    assert cli("status", env={**elsewhere, "DATABASE_URL": database.url}).code == 1
    settings.write_text(f'database = "{NOWHERE}"\n', encoding="utf-8")
    assert cli("status", env={**unset, "DATABASE_URL": database.url}).code == 0
    assert cli("status", env=unset).code == 1
    settings.write_text(f'database = "{database.url}"\n', encoding="utf-8")
    assert cli("status", env=unset).code == 0


def test_variables_of_a_file_are_read_only_when_it_is_named(cli: Cli, database: Database) -> None:
    succeed(cli, "init")
    (cli.directory / ".env").write_text(f"# ours\nexport DATABASE_URL='{database.url}'\n", encoding="utf-8")
    unset = {"CROSSFADE_DATABASE_URL": "", "PGHOST": "127.0.0.1", "PGPORT": "1"}
    assert cli("status", env=unset).code == 1
    assert cli("status", "--env-file", ".env", env=unset).code == 0
    assert cli("--env-file", ".env", "status", env=unset).code == 0


def test_a_file_of_variables_that_cannot_be_read_shows_no_secret(cli: Cli) -> None:
    (cli.directory / ".env").write_text("DATABASE_URL: postgresql://bob:hunter2@db/shop\n", encoding="utf-8")
    said = fail(cli, 2, "status", "--env-file", ".env")
    assert ".env:1" in said
    assert "hunter2" not in said


def test_check_without_a_database_looks_at_the_file_alone(cli: Cli) -> None:
    plan = write_plan(cli.directory, table="no_such_table")
    done = cli("check", plan, env={"CROSSFADE_DATABASE_URL": ""})
    assert done.code == 0, done
    assert cli("check", plan, "--no-database").code == 0
    assert cli("check", plan).code == 2


def test_check_says_how_to_do_without_the_database(cli: Cli) -> None:
    assert "--no-database" in fail(cli, 1, "check", write_plan(cli.directory), "--database", NOWHERE)


def test_the_connection_that_dies_is_made_again(cli: Cli, database: Database) -> None:
    make_users(database, rows=200)
    database.execute(SLOW)
    succeed(cli, "expand", write_plan(cli.directory, IN_SMALL_BATCHES))
    working = cli.spawn("backfill", RUN)
    await_batches(database)
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'crossfade'"
        " AND datname = current_database()"
    )
    _, errors = working.communicate(timeout=120)
    assert working.returncode == 0, errors
    assert state(cli) == "backfilled"
    assert database.execute("SELECT sum(rows) FROM crossfade.batches") == [(200,)]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p%zzs3cr3t@h/d",
        "postgresql://u:s3cr3t pw@h:1/x y",
        "postgresql://u:s3cr3t%00pw@/x",
        "postgresql:/u:s3cr3t@h/d",
        "postgres:u:s3cr3t@h/d",
        "host=/none password=pw s3cr3t",
        "postgresql://u:1/s3cr3t@127.0.0.1:1/x",
        "postgresql://u:s3cr3t@127.0.0.1:1/x",
    ],
)
def test_no_piece_of_a_password_is_shown_though_the_url_is_wrong(tmp_path: Path, url: str) -> None:
    for arguments in (("status",), ("status", "--json")):
        done = Cli(url, tmp_path)(*arguments)
        assert done.code in {1, 2}
        assert "s3cr3t" not in done.stdout + done.stderr

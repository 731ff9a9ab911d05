"""The tools themselves, after a plan has done the work of a migration: nothing is pending, and the next one is run."""

from __future__ import annotations

import json
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from crossfade import Engine
from crossfade.migrations.read import read
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..fixtures.commit_cutter import CommitCutter
from ..fixtures.maven import libraries
from ..fixtures.npm import SECONDS, installed, run

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

INIT = 'CREATE TABLE "users" ("id" serial PRIMARY KEY, "email" text);'
RENAME = 'ALTER TABLE "users" RENAME COLUMN "email" TO "mail";'
NEXT = 'ALTER TABLE "users" ADD COLUMN "age" integer;'


def columns(database: Database) -> list[str]:
    rows = database.execute(
        "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'users' ORDER BY ordinal_position"
    )
    return [name for (name,) in rows]


def contracted(database: Database, migration: str) -> None:
    """Rename the column by a plan that covers the migration."""
    with Engine(database.url) as engine:
        plan: Plan = parse_plan(
            "crossfade: 1\nname: mail\nhold: 0s\nchanges:\n  - rename_column: {table: users, from: email, to: mail}\n"
            f"migrations:\n  - {migration}\n",
            "p.yaml",
        )
        engine.advance(plan, to=State.BACKFILLED)
        engine.approve("mail", Phase.CONTRACT, "alice")
        assert engine.contract("mail").state is State.CONTRACTED


def summed(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Drizzle:
    """A project of drizzle-kit, of either generation."""

    def __init__(self, home: Path, database: Database, *packages: str) -> None:
        self.home = home
        (home / "node_modules").symlink_to(installed(*packages) / "node_modules")
        settings = {
            "dialect": "postgresql",
            "out": "./drizzle",
            "schema": "./s.ts",
            "dbCredentials": {"url": database.url},
        }
        (home / "drizzle.config.ts").write_text(f"export default {json.dumps(settings)};", encoding="utf-8")
        (home / "s.ts").write_text("export {};\n", encoding="utf-8")

    def migrate(self) -> None:
        run("node_modules/.bin/drizzle-kit", "migrate", "--config", "drizzle.config.ts", cwd=self.home)


class Flyway:
    """Flyway over a folder, in one process for all its commands; it knows TCP only."""

    def __init__(self, libraries: Path, folder: Path, database: Database) -> None:
        known = conninfo_to_dict(database.url)
        self._proxy = CommitCutter(f"{known['host']}/.s.PGSQL.{known['port']}")
        url = f"jdbc:postgresql://127.0.0.1:{self._proxy.port}/{known['dbname']}"
        program = Path(__file__).parents[1] / "fixtures" / "RunFlyway.java"
        self._command = ("java", "-cp", f"{libraries}/*", str(program), url, str(known["user"]), str(folder))

    def __enter__(self) -> Self:
        self._proxy.__enter__()
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(self._command, text=True, bufsize=1, **pipes)
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate(timeout=SECONDS)
        self._proxy.__exit__(*exception)

    def says(self, command: str) -> list[str]:
        """What it answers to `migrate`, `validate` or `info`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        answer: list[str] = []
        while (line := self._process.stdout.readline()) not in {"", "\n"}:
            answer.append(line.rstrip())
        assert line, f"Flyway ended: {answer}"
        return answer


def test_drizzle_0_has_nothing_pending_and_runs_the_next(database: Database, tmp_path: Path) -> None:
    project = Drizzle(tmp_path, database, "drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "pg@8.16.3")
    entries: list[dict[str, object]] = []

    def write(name: str, text: str) -> None:
        meta = tmp_path / "drizzle" / "meta"
        meta.mkdir(parents=True, exist_ok=True)
        (tmp_path / "drizzle" / f"{name}.sql").write_text(text, encoding="utf-8")
        entry = {
            "idx": len(entries),
            "version": "7",
            "when": 1000 * len(entries) + 1000,
            "tag": name,
            "breakpoints": True,
        }
        entries.append(entry)
        journal = {"version": "7", "dialect": "postgresql", "entries": entries}
        (meta / "_journal.json").write_text(json.dumps(journal), encoding="utf-8")

    write("0000_init", INIT)
    project.migrate()
    write("0001_mail", RENAME)
    contracted(database, f"{{tool: drizzle, name: 0001_mail, checksum: {summed(RENAME)}, created_at: 2000}}")
    project.migrate()
    assert columns(database) == ["id", "mail"]
    write("0002_age", NEXT)
    project.migrate()
    assert columns(database) == ["id", "mail", "age"]
    rows = database.execute("SELECT id, hash, created_at FROM drizzle.__drizzle_migrations ORDER BY id")
    assert rows == [(1, summed(INIT), 1000), (2, summed(RENAME), 2000), (3, summed(NEXT), 3000)]


def test_drizzle_1_has_nothing_pending_and_runs_the_next(database: Database, tmp_path: Path) -> None:
    project = Drizzle(tmp_path, database, "drizzle-kit@1.0.0-rc.5", "drizzle-orm@1.0.0-rc.5", "pg@8.16.3")

    def write(name: str, text: str) -> None:
        home = tmp_path / "drizzle" / name
        home.mkdir(parents=True)
        (home / "migration.sql").write_text(text, encoding="utf-8")

    write("20260101000000_init", INIT)
    project.migrate()
    write("20260202030405_mail", RENAME)
    contracted(database, f"{{tool: drizzle-1, name: 20260202030405_mail, checksum: {summed(RENAME)}}}")
    project.migrate()
    assert columns(database) == ["id", "mail"]
    write("20260303000000_age", NEXT)
    project.migrate()
    assert columns(database) == ["id", "mail", "age"]
    rows = database.execute(
        "SELECT id, hash, created_at, name, applied_at IS NOT NULL FROM drizzle.__drizzle_migrations ORDER BY id"
    )
    assert rows == [
        (1, summed(INIT), 1767225600000, "20260101000000_init", True),
        (2, summed(RENAME), 1770001445000, "20260202030405_mail", True),
        (3, summed(NEXT), 1772496000000, "20260303000000_age", True),
    ]


def test_node_pg_migrate_has_nothing_pending_and_runs_the_next(database: Database, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(installed("node-pg-migrate@9.0.0", "pg@8.16.3") / "node_modules")
    (tmp_path / "migrations").mkdir()

    def write(name: str, text: str) -> None:
        text = f"-- Up Migration\n{text}\n-- Down Migration\n"
        (tmp_path / "migrations" / f"{name}.sql").write_text(text, encoding="utf-8")

    def migrate() -> str:
        command = ("node_modules/.bin/node-pg-migrate", "up", "-m", "migrations", "--database-url-var", "URL")
        return run(*command, cwd=tmp_path, env={"URL": database.url})

    # The tool sorts by the time of a session there.
    database.execute(
        sql.SQL("ALTER DATABASE {} SET timezone = 'America/Los_Angeles'").format(sql.Identifier(database.name))
    )
    write("1767225600000_init", INIT)
    migrate()
    write("1770001445000_mail", RENAME)
    contracted(database, "{tool: node-pg-migrate, name: 1770001445000_mail}")
    assert "No migrations to run!" in migrate()
    write("1772496000000_age", NEXT)
    migrate()
    assert columns(database) == ["id", "mail", "age"]
    assert "No migrations to run!" in migrate()


def test_dbmate_has_nothing_pending_and_runs_the_next(database: Database, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(installed("dbmate@2.36.0") / "node_modules")
    (tmp_path / "migrations").mkdir()
    known = conninfo_to_dict(database.url)
    where = urlencode({"host": known["host"], "port": known["port"], "sslmode": "disable"})
    url = f"postgres://{known['user']}@/{known['dbname']}?{where}"

    def write(name: str, text: str) -> None:
        text = f"-- migrate:up\n{text}\n-- migrate:down\n"
        (tmp_path / "migrations" / f"{name}.sql").write_text(text, encoding="utf-8")

    def dbmate(*command: str, code: int = 0) -> str:
        options = ("--url", url, "--migrations-dir", "migrations", "--no-dump-schema")
        return run("node_modules/.bin/dbmate", *options, *command, cwd=tmp_path, code=code)

    write("20260101000000_init", INIT)
    dbmate("migrate")
    write("20260202000000_mail", RENAME)
    assert "[ ] 20260202000000_mail.sql" in dbmate("status", "--exit-code", code=1)
    contracted(database, "{tool: dbmate, name: 20260202000000_mail}")
    assert "[X] 20260202000000_mail.sql" in dbmate("status", "--exit-code")
    write("20260303000000_age", NEXT)
    dbmate("migrate")
    assert columns(database) == ["id", "mail", "age"]
    rows = database.execute("SELECT version FROM schema_migrations ORDER BY 1")
    assert rows == [("20260101000000",), ("20260202000000",), ("20260303000000",)]


def test_flyway_has_nothing_pending_and_runs_the_next(database: Database, tmp_path: Path) -> None:
    versions = ("org.flywaydb:flyway-database-postgresql:13.12.0", "org.postgresql:postgresql:42.7.4")
    folder = tmp_path / "migration"
    folder.mkdir()

    def write(name: str, text: str) -> None:
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")

    with Flyway(libraries(*versions), folder, database) as flyway:
        write("V1__init", INIT)
        assert flyway.says("migrate") == ["migrated 1"]
        write("V2__mail", RENAME)
        assert flyway.says("info") == ["V1__init.sql SUCCESS", "V2__mail.sql PENDING"]
        [project] = read([folder])
        checksum = project.migrations[1].checksum
        contracted(database, f"{{tool: flyway, name: V2__mail, file: {folder}/V2__mail.sql, checksum: '{checksum}'}}")
        assert flyway.says("info") == ["V1__init.sql SUCCESS", "V2__mail.sql SUCCESS"]
        assert flyway.says("validate") == ["valid true"]
        write("V3__age", NEXT)
        assert flyway.says("migrate") == ["migrated 1"]
        assert flyway.says("validate") == ["valid true"]
    assert columns(database) == ["id", "mail", "age"]


@pytest.mark.long
def test_prisma_has_nothing_pending_and_runs_the_next(database: Database, tmp_path: Path) -> None:
    packages = installed("prisma@6.19.3", "@prisma/adapter-pg@6.19.3", "pg@8.16.3")
    (tmp_path / "node_modules").symlink_to(packages / "node_modules")
    shutil.copy(Path(__file__).parent / "prisma.config.ts", tmp_path)
    home = tmp_path / "prisma" / "migrations"
    home.mkdir(parents=True)
    (home / "migration_lock.toml").write_text('provider = "postgresql"\n', encoding="utf-8")
    (home.parent / "schema.prisma").write_text(
        'datasource db {\n  provider = "postgresql"\n  url = "postgresql://localhost"\n}\n', encoding="utf-8"
    )
    (tmp_path / "no_engine").touch()
    known = conninfo_to_dict(database.url)
    wanted = {key: known[key] for key in ("host", "user")} | {
        "database": known["dbname"],
        "port": int(str(known["port"])),
    }
    environment = {
        "TEST_DATABASE": json.dumps(wanted),
        "PRISMA_QUERY_ENGINE_LIBRARY": str(tmp_path / "no_engine"),
        "PRISMA_SCHEMA_ENGINE_BINARY": str(tmp_path / "no_engine"),
    }

    def write(name: str, text: str) -> None:
        (home / name).mkdir()
        (home / name / "migration.sql").write_text(text, encoding="utf-8")

    def migrate(what: str, code: int = 0) -> str:
        return run("node_modules/.bin/prisma", "migrate", what, cwd=tmp_path, env=environment, code=code)

    write("20260101000000_init", INIT)
    migrate("deploy")
    write("20260202000000_mail", RENAME)
    assert "20260202000000_mail" in migrate("status", code=1)
    contracted(database, f"{{tool: prisma, name: 20260202000000_mail, checksum: {summed(RENAME)}}}")
    assert "Database schema is up to date!" in migrate("status")
    write("20260303000000_age", NEXT)
    migrate("deploy")
    assert columns(database) == ["id", "mail", "age"]
    rows = database.execute("SELECT migration_name, checksum FROM _prisma_migrations ORDER BY started_at")
    names = ("20260101000000_init", "20260202000000_mail", "20260303000000_age")
    assert rows == list(zip(names, map(summed, (INIT, RENAME, NEXT)), strict=True))

"""What Drizzle runs in one transaction reads no table while others wait for a lock of the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .test_exported_plans import psql, up

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from ...fixtures.command import Cli
    from ...fixtures.database import Database

TABLES = """CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, team int, name text);
INSERT INTO teams SELECT generate_series(1, 9);
INSERT INTO users SELECT g, 1 + g % 9, 'n' FROM generate_series(1, 500) g"""
PLAN = """crossfade: 1
name: rules
changes:
  - add_check: {table: users, name: users_id, expression: id > 0, enforce: now}
  - set_not_null: {table: users, column: name}
  - set_not_null: {table: users, column: team, fill: "1"}
  - add_foreign_key: {table: users, name: users_team, columns: [team], references: {table: teams}}
"""
BLOCKING = """SELECT count(*) FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"""
READ = "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_xact_user_tables WHERE schemaname = 'public'"


def number(connection: psycopg.Connection[tuple[int, ...]], query: str) -> int:
    found = connection.execute(query.encode()).fetchone()
    assert found is not None
    return int(found[0])


def migrated(database: Database, folder: Path) -> tuple[int, list[str]]:
    """As Drizzle does it: the number of statements that read a table, and those of them that others wait for."""
    read, wrong = 0, []
    with database.connect() as connection:
        for file in sorted(folder.rglob("migration.sql")):
            for statement in file.read_text(encoding="utf-8").split("--> statement-breakpoint"):
                blocks, before = number(connection, BLOCKING), number(connection, READ)
                connection.execute(statement.encode())
                if number(connection, READ) > before:
                    read += 1
                    wrong += [f"{file.parent.name}: {statement}"] if blocks else []
    return read, wrong


@pytest.mark.alike
def test_no_table_is_read_while_its_writers_wait(database: Database, cli: Cli) -> None:
    database.execute(TABLES)
    (cli.directory / "rules.yaml").write_text(PLAN, encoding="utf-8")
    said = cli("export", "rules.yaml", "--as", "drizzle", "--out", "files")
    assert said.code == 0, said
    read = 0
    for round_ in sorted(path for stage in (cli.directory / "files").glob("?-*") for path in stage.iterdir()):
        if round_.name.endswith("-psql"):
            psql(database, up(round_))
            continue
        here, wrong = migrated(database, round_)
        assert not wrong
        read += here
    assert read >= PLAN.count("table: users")

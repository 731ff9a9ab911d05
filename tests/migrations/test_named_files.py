"""A file that is named brings its tool's folder along, and only the file itself was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfade.migrations.migration import Tool
from crossfade.migrations.read import read

from .folders import names, only_told, told, write

A, B = "CREATE TABLE a (id int);", "CREATE TABLE b (id int);"


FILES: dict[str, str | bytes] = {
    "prisma/migrations/20260101000000_a/migration.sql": A,
    "prisma/migrations/20260102000000_b/migration.sql": B,
    "drizzle/meta/_journal.json": '{"entries": [{"tag": "0000_a", "when": 1}, {"tag": "0001_b", "when": 2}]}',
    "drizzle/0000_a.sql": A,
    "drizzle/0001_b.sql": B,
    "db/migration/one/V1__a.sql": A,
    "db/migration/two/V2__b.sql": B,
    "db/migration/two/V3__c.sql": b"\0",
    "sqitch/sqitch.plan": "a 2026-01-01T00:00:00Z A <a>\nb 2026-01-02T00:00:00Z A <a>\n",
    "sqitch/deploy/a.sql": A,
    "sqitch/deploy/b.sql": B,
    "diesel/diesel.toml": "",
    "diesel/migrations/1_a/up.sql": A,
    "diesel/migrations/2_b/up.sql": B,
    "diesel/migrations/2_b/down.sql": "DROP TABLE b;",
    "folders/1_a/up.sql": A,
    "folders/2_b/up.sql": B,
    "folders/2_b/down.sql": "DROP TABLE b;",
    "golang/1_a.up.sql": A,
    "golang/2_b.up.sql": B,
    "ways/up/1.sql": A,
    "ways/down/1.sql": "DROP TABLE a;",
}


@pytest.mark.parametrize(
    ("file", "tool"),
    [
        ("prisma/migrations/20260102000000_b/migration.sql", Tool.PRISMA),
        ("drizzle/0001_b.sql", Tool.DRIZZLE),
        ("db/migration/two/V2__b.sql", Tool.FLYWAY),
        ("sqitch/deploy/b.sql", Tool.SQITCH),
        ("diesel/migrations/2_b/down.sql", Tool.DIESEL),
        ("folders/2_b/down.sql", Tool.UP_DOWN),
        ("golang/2_b.up.sql", Tool.GOLANG_MIGRATE),
    ],
)
def test_a_named_file_brings_what_is_before_it(tmp_path: Path, file: str, tool: Tool) -> None:
    """Its tool is known, the others stand there for the schema, and only the file itself was asked for."""
    write(tmp_path, FILES)

    (project,) = read([tmp_path / file])

    assert project.tool is tool
    assert len(project.migrations) == 2
    assert project.asked == frozenset({tmp_path / file})
    assert project.problems == ()


@pytest.mark.parametrize("file", ["db/migration/two/V3__c.sql", "nothing/1.sql", "golang/3_c.up.sql"])
def test_a_named_file_that_cannot_be_read_is_told_alone(tmp_path: Path, file: str) -> None:
    write(tmp_path, FILES)

    projects = read([tmp_path / file])

    assert len(only_told(projects)) == 1
    assert [path for project in projects for path in project.asked or () if path != tmp_path / file] == []


def test_named_files_of_one_project_are_one_project(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    named = [tmp_path / "golang/2_b.up.sql", tmp_path / "golang/1_a.up.sql"]

    (project,) = read(named)

    assert names(project) == ["1_a", "2_b"]
    assert project.asked == frozenset(named)


def test_what_is_wrong_with_a_journal_is_told_with_a_named_file(tmp_path: Path) -> None:
    """The project would be another without it."""
    entries = '{"entries": [{"tag": "0000_a", "when": 1}, {"tag": "0001_b", "when": 2}]}'
    write(tmp_path, {"meta/_journal.json": entries, "0000_a.sql": A})

    (project,) = read([tmp_path / "0000_a.sql"])

    assert told(project) == ["_journal.json: the journal names 0001_b.sql, and there is no such file"]
    assert project.asked == frozenset({tmp_path / "0000_a.sql", tmp_path / "meta/_journal.json"})


def test_the_folder_of_one_migration_is_that_migration(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    folder = tmp_path / "prisma/migrations/20260102000000_b"

    (project,) = read([folder])

    assert project.tool is Tool.PRISMA
    assert project.asked == frozenset({folder / "migration.sql"})


def test_the_folder_of_one_migration_from_within(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, FILES)
    monkeypatch.chdir(tmp_path / "prisma/migrations/20260102000000_b")

    (project,) = read(["migration.sql"])

    assert len(project.migrations) == 2
    assert project.asked == frozenset({Path("migration.sql")})


def test_what_a_shell_makes_of_a_star(tmp_path: Path) -> None:
    write(tmp_path, {**FILES, "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n'})

    (project,) = read(sorted((tmp_path / "prisma/migrations").iterdir()))

    assert project.tool is Tool.PRISMA
    assert project.asked is not None
    assert len(project.asked) == 2
    assert project.problems == ()

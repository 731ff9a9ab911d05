"""Migrations in code are told with how to get SQL out of them; other code and other files are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfade.migrations.migration import Tool
from crossfade.migrations.read import read

from .folders import names, only, only_told, told, write

A = "CREATE TABLE a (id int);"


ALEMBIC = 'revision = "1"\ndown_revision = None\ndef upgrade():\n    op.add_column("a")\n'
DJANGO = "from django.db import migrations\nclass Migration(migrations.Migration):\n    operations = []\n"
NODE = "exports.up = (pgm) => { pgm.createTable('a', {}); };\n"


@pytest.mark.parametrize(
    ("files", "message", "hint"),
    [
        (
            {"alembic/versions/1_a.py": ALEMBIC, "alembic/versions/2_b.py": ALEMBIC, "alembic/env.py": "x"},
            "1_a.py: it is a migration of Alembic in code, not SQL, and so is one more beside it",
            "`alembic upgrade head --sql | crossfade lint -`",
        ),
        (
            {"shop/migrations/0001_initial.py": DJANGO, "shop/migrations/__init__.py": ""},
            "0001_initial.py: it is a migration of Django in code, not SQL",
            "`python manage.py sqlmigrate shop 0001_initial | crossfade lint -`",
        ),
        (
            {f"migrations/{n}_a.js": NODE for n in range(1767225600000, 1767225600003)},
            "1767225600000_a.js: it is a migration of node-pg-migrate in code, not SQL, and so are 2 more beside it",
            "--dry-run",
        ),
        (
            {"sql/00001_a.sql": "-- +goose Up\nSELECT 1;\n", "sql/00002_c.go": "package m\n", "sql/a_test.go": "x"},
            "00002_c.go: it is a migration of goose in code, not SQL",
            "crossfade lint -",
        ),
        (
            {"db/001_a.sql": A, "db/002_b.js": "exports.up = async (db) => {};\n", "db/index.js": "exports.up = 1;"},
            "002_b.js: it is a migration of a JavaScript tool in code, not SQL",
            "crossfade lint -",
        ),
        (
            {"db/migrate/20260101000000_a.rb": "class A < ActiveRecord::Migration[7.1]\nend\n"},
            "20260101000000_a.rb: it is a migration of Rails in code, not SQL",
            "crossfade lint -",
        ),
    ],
)
def test_migrations_in_code(tmp_path: Path, files: dict[str, str], message: str, hint: str) -> None:
    project = only(tmp_path, files)

    assert told(project) == [message]
    assert hint in (project.problems[0].hint or "")
    file, _, _ = message.partition(":")
    alone, _, _ = message.partition(", and so")
    assert only_told(read([tmp_path / name for name in files if name.endswith(file)])) == [alone]


def test_code_beside_sql_is_told_with_the_project(tmp_path: Path) -> None:
    project = only(
        tmp_path / "migrations", {"1767225600000_a.js": NODE, "1767225600001_b.sql": f"-- Up Migration\n{A}"}
    )

    assert project.tool is Tool.NODE_PG_MIGRATE
    assert len(project.problems) == 1


def test_code_that_migrates_nothing_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, {"src/migrations/1_x.py": "print(1)", "versions/a.py": "x = 1", "app/1_pgm.js": NODE, "a.sql": A})

    assert only_told(read([tmp_path])) == []
    assert read([tmp_path / "versions/a.py"]) == ()


def test_a_list_of_all_files_that_a_commit_touches(tmp_path: Path) -> None:
    write(tmp_path, {"README.md": "# A", "src/a.ts": "let a = 1;", "schema.prisma": "model A {}", "1_a.sql": A})

    (project,) = read([tmp_path / name for name in ("README.md", "src/a.ts", "schema.prisma", "1_a.sql")])

    assert names(project) == ["1_a"]
    assert told(project) == []

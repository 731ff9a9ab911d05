"""`import --split` of migrations that drizzle-kit has made: it runs the two files, and goes on from there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..fixtures.npm import installed, run

if TYPE_CHECKING:
    from ..fixtures.command import Cli
    from ..fixtures.database import Database

HEAD = "import { integer, pgTable, text } from 'drizzle-orm/pg-core';\n"
USERS = "export const users = pgTable('users', {{ id: integer().primaryKey(), email: text(){} }});\n"
VERSION_0 = ("drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "pg@8.16.3")
VERSION_1 = ("drizzle-kit@1.0.0-rc.5", "drizzle-orm@1.0.0-rc.5", "pg@8.16.3")
VERSIONS = [pytest.param(VERSION_0, id="0.x"), pytest.param(VERSION_1, id="1.x", marks=pytest.mark.long)]
COLUMNS = "SELECT attname::text, attnotnull FROM pg_attribute WHERE attrelid = 'users'::regclass AND attnum > 0"


class Project:
    """A project of drizzle-kit."""

    def __init__(self, home: Path, database: Database, packages: tuple[str, ...]) -> None:
        self.home = home
        (home / "node_modules").symlink_to(installed(*packages) / "node_modules")
        settings = {
            "dialect": "postgresql",
            "out": "./drizzle",
            "schema": "./schema.ts",
            "dbCredentials": {"url": database.url},
        }
        (home / "drizzle.config.ts").write_text(f"export default {json.dumps(settings)};", encoding="utf-8")

    def kit(self, *command: str) -> str:
        return run("node_modules/.bin/drizzle-kit", *command, "--config", "drizzle.config.ts", cwd=self.home)

    def generate(self, columns: str, name: str) -> str:
        (self.home / "schema.ts").write_text(HEAD + USERS.format(columns), encoding="utf-8")
        return self.kit("generate", "--name", name)


@pytest.mark.parametrize("packages", VERSIONS)
def test_drizzle_runs_the_halves_and_goes_on(
    database: Database, cli: Cli, tmp_path: Path, packages: tuple[str, ...]
) -> None:
    project = Project(tmp_path, database, packages)
    project.generate("", "init")
    project.generate(", age: integer().notNull()", "age")
    done = cli("import", "drizzle", "drizzle", "--out", "plans", "--split")
    assert done.code == 0, done
    folder = tmp_path / "drizzle"
    (old,) = (path for path in folder.iterdir() if path.name.endswith(("_age", "_age.sql")))
    if old.is_dir():
        shutil.rmtree(old)
    else:
        old.unlink()
    shutil.copytree(tmp_path / "plans" / "migrations", folder, dirs_exist_ok=True)

    project.kit("migrate")
    assert database.execute(COLUMNS) == [("id", True), ("email", False), ("age", True)]
    assert database.execute("SELECT count(*) FROM drizzle.__drizzle_migrations") == [(3,)]
    project.kit("check")
    assert "No schema changes" in project.generate(", age: integer().notNull()", "nothing")
    project.generate(", age: integer().notNull(), name: text()", "name")
    project.kit("migrate")
    assert database.execute(COLUMNS)[-1] == ("name", False)
    assert database.execute("SELECT count(*) FROM drizzle.__drizzle_migrations") == [(4,)]

"""Drizzle 1.x itself applies what was exported for it, with psql for what lies between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ...fixtures.database import fresh_database
from ...fixtures.npm import installed, run
from .test_exported_plans import contracted, export, prepare, psql, up

if TYPE_CHECKING:
    from ...fixtures.command import Cli
    from ...fixtures.database import Database


def test_a_rename_is_applied_phase_by_phase(database: Database, cli: Cli, tmp_path: Path) -> None:
    prepare(database, "rename-column")
    exported = export(cli, "rename-column", "drizzle")
    home = tmp_path / "app"
    home.mkdir()
    modules = installed("drizzle-kit@1.0.0-rc.5", "drizzle-orm@1.0.0-rc.5", "pg@8.16.3") / "node_modules"
    (home / "node_modules").symlink_to(modules)
    settings = {
        "dialect": "postgresql",
        "schema": "./schema.ts",
        "out": "./drizzle",
        "dbCredentials": {"url": database.url},
    }
    (home / "drizzle.config.ts").write_text(f"export default {json.dumps(settings)};", encoding="utf-8")
    (home / "schema.ts").write_text("export {};", encoding="utf-8")
    rounds = sorted(path for stage in exported.iterdir() if stage.is_dir() for path in stage.iterdir())
    for round_ in rounds:
        if round_.name.endswith("-psql"):
            psql(database, up(round_))
        else:
            shutil.copytree(round_, home / "drizzle", dirs_exist_ok=True)
            run("node_modules/.bin/drizzle-kit", "migrate", "--config", "drizzle.config.ts", cwd=home)
    applied = {str(name) for (name,) in database.execute("SELECT name FROM drizzle.__drizzle_migrations")}
    assert applied == {path.parent.name for path in exported.rglob("migration.sql")}
    database.execute("DROP SCHEMA drizzle CASCADE")
    with fresh_database(database.server) as other:
        prepare(other, "rename-column")
        assert database.dump() == contracted(other, "rename-column")

"""Drizzle of both generations applies what was exported for it, with psql for what lies between."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ...fixtures.database import fresh_database
from ...fixtures.npm import installed, run
from .test_exported_plans import contracted, export, prepare, psql, up

if TYPE_CHECKING:
    from ...fixtures.command import Cli
    from ...fixtures.database import Database

VERSIONS = {
    "0.x": ("drizzle-kit@0.31.11", "drizzle-orm@0.45.4", "pg@8.16.3"),
    "1.x": ("drizzle-kit@1.0.0-rc.5", "drizzle-orm@1.0.0-rc.5", "pg@8.16.3"),
}
FIRST: dict[str, Any] = {"idx": 0, "version": "7", "when": 1_700_000_000_000, "tag": "0000_first", "breakpoints": True}


def project(home: Path, database: Database, version: str) -> Path:
    """A project of drizzle-kit, and its folder of migrations; that of 0.x has one."""
    (home / "drizzle").mkdir(parents=True)
    (home / "node_modules").symlink_to(installed(*VERSIONS[version]) / "node_modules")
    settings = {
        "dialect": "postgresql",
        "schema": "./schema.ts",
        "out": "./drizzle",
        "dbCredentials": {"url": database.url},
    }
    (home / "drizzle.config.ts").write_text(f"export default {json.dumps(settings)};", encoding="utf-8")
    (home / "schema.ts").write_text("export {};", encoding="utf-8")
    if version == "0.x":
        (home / "drizzle" / "meta").mkdir()
        (home / "drizzle" / "0000_first.sql").write_text("SELECT 1;", encoding="utf-8")
        journal = {"version": "7", "dialect": "postgresql", "entries": [FIRST]}
        (home / "drizzle" / "meta" / "_journal.json").write_text(json.dumps(journal), encoding="utf-8")
    return home / "drizzle"


def migrate(folder: Path) -> None:
    run("node_modules/.bin/drizzle-kit", "migrate", "--config", "drizzle.config.ts", cwd=folder.parent)


def applied(database: Database, exported: Path, folder: Path) -> None:
    """Everything, as the README says: copied and migrated, or sent by psql."""
    for round_ in sorted(path for stage in exported.iterdir() if stage.is_dir() for path in stage.iterdir()):
        if round_.name.endswith("-psql"):
            psql(database, up(round_))
        else:
            shutil.copytree(round_, folder, dirs_exist_ok=True)
            migrate(folder)


def as_a_run_leaves_it(database: Database) -> None:
    database.execute("DROP SCHEMA drizzle CASCADE")
    with fresh_database(database.server) as other:
        prepare(other, "rename-column")
        assert database.dump() == contracted(other, "rename-column")


def test_a_rename_is_applied_phase_by_phase(database: Database, cli: Cli, tmp_path: Path) -> None:
    prepare(database, "rename-column")
    exported = export(cli, "rename-column", "drizzle")
    applied(database, exported, project(tmp_path / "app", database, "1.x"))
    rows = {str(name) for (name,) in database.execute("SELECT name FROM drizzle.__drizzle_migrations")}
    assert rows == {path.parent.name for path in exported.rglob("migration.sql")}
    as_a_run_leaves_it(database)


@pytest.mark.long
def test_the_journal_of_0_goes_on(database: Database, cli: Cli, tmp_path: Path) -> None:
    """Every file is run, though what was exported is of an earlier time than what is there."""
    prepare(database, "rename-column")
    folder = project(tmp_path / "app", database, "0.x")
    migrate(folder)
    exported = export(cli, "rename-column", "drizzle", "--migrations", str(folder), stamp="20200101000000")
    applied(database, exported, folder)
    entries = json.loads((folder / "meta" / "_journal.json").read_text(encoding="utf-8"))["entries"]
    assert entries[:2] == [FIRST, {**FIRST, "idx": 1, "when": FIRST["when"] + 1000, "tag": "0001_support"}]
    assert [e["tag"] for e in entries] == sorted(p.stem for p in folder.glob("*.sql") if ".down" not in p.name)
    rows = database.execute("SELECT created_at FROM drizzle.__drizzle_migrations ORDER BY id")
    assert [when for (when,) in rows] == [entry["when"] for entry in entries]
    said = cli("lint", str(folder))
    assert said.code == 0, said
    as_a_run_leaves_it(database)


def test_generate_writes_the_same_again_until_its_snapshot_is_moved(database: Database, tmp_path: Path) -> None:
    """As the README of an export says; what 1.x does with a folder that has none."""
    folder = project(tmp_path / "app", database, "1.x")

    def generate(columns: str, name: str) -> str:
        text = (
            f'import {{ pgTable, text }} from "drizzle-orm/pg-core";\nexport const t = pgTable("t", {{ {columns} }});\n'
        )
        (folder.parent / "schema.ts").write_text(text, encoding="utf-8")
        command = ("generate", "--config", "drizzle.config.ts", "--name", name)
        return run("node_modules/.bin/drizzle-kit", *command, cwd=folder.parent)

    generate('a: text("a")', "init")
    exported = folder / "20990131120000_1_add_column_add" / "migration.sql"
    exported.parent.mkdir()
    exported.write_text('ALTER TABLE "t" ADD COLUMN "b" text;', encoding="utf-8")
    generate('a: text("a"), b: text("b")', "again")
    [again] = folder.glob("*_again")
    assert (again / "migration.sql").read_text(encoding="utf-8") == exported.read_text(encoding="utf-8")

    (again / "snapshot.json").rename(exported.parent / "snapshot.json")
    shutil.rmtree(again)
    assert "nothing to migrate" in generate('a: text("a"), b: text("b")', "none")

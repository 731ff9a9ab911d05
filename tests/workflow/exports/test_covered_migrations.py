"""What an export makes of a plan's `migrations`: files for the same tool take their place, others write their rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.plan.load import load_plan

from .test_exported_plans import psql, up

if TYPE_CHECKING:
    from ...fixtures.command import Cli
    from ...fixtures.database import Database

TABLES = (Path(__file__).parents[1] / "tool_histories.sql").read_text(encoding="utf-8")
MIGRATION = "20260202000000_mail"
PLAN = f"""crossfade: 1
name: mail
changes:
  - rename_column: {{table: users, from: email, to: mail}}
migrations:
  - {{tool: prisma, name: {MIGRATION}, checksum: {"b" * 64}}}
"""
RECORDED = "SELECT migration_name FROM _prisma_migrations ORDER BY 1"


@pytest.fixture
def plan(database: Database, tmp_path: Path) -> Path:
    """A plan that covers a migration of Prisma."""
    with database.connect(autocommit=True) as connection:
        connection.execute(TABLES.encode())
    database.execute("CREATE TABLE users (id int PRIMARY KEY, email text); INSERT INTO users VALUES (1, 'a@b')")
    file = tmp_path / "mail.yaml"
    file.write_text(PLAN, encoding="utf-8")
    return file


def test_files_for_the_same_tool_take_its_place(cli: Cli, plan: Path, tmp_path: Path) -> None:
    done = cli("export", str(plan), "--as", "prisma", "--out", "files")
    assert done.code == 0, done
    assert not [f for f in (tmp_path / "files").rglob("*.sql") if "_prisma_migrations" in f.read_text("utf-8")]
    readme = (tmp_path / "files" / "README.md").read_text(encoding="utf-8")
    assert f"These files take the place of `{MIGRATION}`: remove it from your folder" in readme


def test_other_files_write_its_row_and_take_it_back(database: Database, cli: Cli, plan: Path, tmp_path: Path) -> None:
    done = cli("export", str(plan), "--as", "sql", "--out", "files")
    assert done.code == 0, done
    files = tmp_path / "files"
    assert f"They write the row of `{MIGRATION}` into the history of prisma" in (files / "README.md").read_text("utf-8")
    psql(database, [file for file in up(files) if file.parent.name < "3"])
    before = database.execute(RECORDED)
    psql(database, up(files / "3-contract"))
    assert database.execute(RECORDED) == [*before, (MIGRATION,)]
    psql(database, sorted((files / "3-contract").glob("*.down.sql"), reverse=True))
    assert database.execute(RECORDED) == before


def test_a_run_that_writes_the_row_is_not_exported_for_its_tool(database: Database, cli: Cli, plan: Path) -> None:
    with Engine(database.url) as engine:
        engine.expand(load_plan(plan))
    for target in ("mail", str(plan)):
        said = cli("export", target, "--as", "prisma", "--out", "files")
        assert said.code == 2, said
        assert f"the run mail has begun, and writes the row of {MIGRATION} itself" in said.stderr
    assert cli("export", "mail", "--as", "sql", "--out", "files").code == 0


def test_a_folder_of_migrations_is_for_drizzle(cli: Cli, plan: Path, tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "_journal.json").write_text('{"entries": [{"tag": "x"}]}', encoding="utf-8")
    for options, wanted in (
        (("prisma", "--migrations", "."), "--migrations is for --as drizzle"),
        (("drizzle", "--migrations", "nowhere"), "there is no folder nowhere"),
        (("drizzle", "--migrations", "."), "meta/_journal.json is no journal of Drizzle"),
    ):
        said = cli("export", str(plan), "--out", "files", "--as", *options)
        assert (said.code, wanted in said.stderr) == (2, True), said

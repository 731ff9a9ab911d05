"""The halves of a migration for tools of SQL: the tools themselves take them for two, in their order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from psycopg.conninfo import conninfo_to_dict

from crossfade.migrations.read import read

from ...fixtures.npm import installed, run

if TYPE_CHECKING:
    from ...fixtures.command import Cli
    from ...fixtures.database import Database

INIT = "CREATE TABLE users (id int, name text);"
CHANGE = "ALTER TABLE users DROP COLUMN name, ADD COLUMN full_name text;"
PARTED = f"""{CHANGE}
CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  RETURN 1;
END
$$;"""
NEXT = "ALTER TABLE users ADD COLUMN age int;"
BLOCK = f"-- +goose StatementBegin\n{PARTED}\n-- +goose StatementEnd"
TOOLS = {
    "goose": {
        "00001_init.sql": f"-- +goose Up\n{INIT}\n",
        "00002_name.sql": f"-- +goose Up\n{BLOCK}\n",
        "00004_age.sql": f"-- +goose Up\n{NEXT}\n",
    },
    "dbmate": {
        "20260101000000_init.sql": f"-- migrate:up\n{INIT}\n-- migrate:down\n",
        "20260202000059_name.sql": f"-- migrate:up\n{PARTED}\n-- migrate:down\n",
        "20260303000000_age.sql": f"-- migrate:up\n{NEXT}\n-- migrate:down\n",
    },
    "node-pg-migrate": {
        "1767225600000_init.sql": f"-- Up Migration\n{INIT}\n",
        "1770001445000_name.sql": f"-- Up Migration\n{PARTED}\n",
        "1772496000000_age.sql": f"-- Up Migration\n{NEXT}\n",
    },
    "flyway": {"V1__init.sql": INIT, "V1.2__name.sql": PARTED, "V1_3__age.sql": NEXT},
    "diesel": {
        "2026-01-01-000000_init/up.sql": INIT,
        "2026-02-02-000059_name/up.sql": PARTED,
        "2026-03-03-000000_age/up.sql": NEXT,
    },
}
HALVES = {
    "goose": ["00002_name_1_expand", "00003_name_2_contract"],
    "dbmate": ["20260202000059_name_1_expand", "20260202000060_name_2_contract"],
    "node-pg-migrate": ["1770001445000_name_1_expand", "1770001445000_name_2_contract"],
    "flyway": ["V1.2__name_1_expand", "V1.2.1__name_2_contract"],
    "diesel": ["2026-02-02-000059_name_1_expand", "2026-02-02-000060_name_2_contract"],
}


def parted(tool: str, cli: Cli, folder: Path) -> None:
    """The tool's project, with two files in the place of the second."""
    for name, text in TOOLS[tool].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    done = cli("import", "sql", str(folder), "--out", "plans", "--split")
    assert done.code == 0, done
    _, second, _ = TOOLS[tool]
    (folder / second).unlink()
    if (folder / second).parent != folder:
        (folder / second).parent.rmdir()
    for half in (folder.parent / "plans" / "migrations").iterdir():
        half.rename(folder / half.name)


@pytest.mark.parametrize("tool", TOOLS)
def test_both_halves_are_migrations_of_the_tool_one_after_the_other(tool: str, cli: Cli, tmp_path: Path) -> None:
    parted(tool, cli, tmp_path / "migrations")
    [project] = read([tmp_path / "migrations"])
    assert (project.tool, project.problems) == (tool, ())
    assert [migration.name for migration in project.migrations][1:-1] == HALVES[tool]
    first, second = (len(migration.up.statements) for migration in project.migrations[1:-1])
    assert (first, second) == (1, 2)


def test_a_number_that_is_taken_keeps_it_whole(cli: Cli, tmp_path: Path) -> None:
    names = {"1_init": INIT, "2_name": CHANGE, "3_age": NEXT}
    for name, text in names.items():
        (tmp_path / f"{name}.sql").write_text(f"-- +goose Up\n{text}\n", encoding="utf-8")
    done = cli("import", "sql", ".", "--out", "plans", "--split")
    assert "goose needs a number for the second file, and none is free behind 2_name" in done.stdout, done


@pytest.mark.long
def test_node_pg_migrate_runs_them(database: Database, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(installed("node-pg-migrate@9.0.0", "pg@8.16.3") / "node_modules")
    parted("node-pg-migrate", cli, tmp_path / "migrations")
    command = ("node_modules/.bin/node-pg-migrate", "up", "-m", "migrations", "--database-url-var", "URL")
    run(*command, cwd=tmp_path, env={"URL": database.url})
    assert "No migrations to run!" in run(*command, cwd=tmp_path, env={"URL": database.url})
    assert columns(database) == ["age", "full_name", "id"]


@pytest.mark.long
def test_dbmate_sees_the_first_once_it_is_expanded_and_the_second_once_it_is_contracted(
    database: Database, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(installed("dbmate@2.36.0") / "node_modules")
    parted("dbmate", cli, tmp_path / "migrations")
    known = conninfo_to_dict(database.url)
    where = urlencode({"host": known["host"], "port": known["port"], "sslmode": "disable"})
    url = f"postgres://{known['user']}@/{known['dbname']}?{where}"

    def dbmate(command: str) -> str:
        options = ("--url", url, "--migrations-dir", "migrations", "--no-dump-schema")
        return run("node_modules/.bin/dbmate", *options, command, cwd=tmp_path)

    later = {file: file.read_text(encoding="utf-8") for file in sorted((tmp_path / "migrations").iterdir())[1:]}
    for file in later:
        file.unlink()
    dbmate("migrate")
    for file, text in later.items():
        file.write_text(text, encoding="utf-8")
    plan = tmp_path / "plans" / "20260202000059-name.yaml"
    text = plan.read_text(encoding="utf-8").replace("unconfirmed", "confirmed")
    plan.write_text(f"{text[: text.index('gates:')]}hold: 0s\n", encoding="utf-8")
    assert cli("advance", str(plan), "--to", "backfilled").code == 0
    first, second = HALVES["dbmate"]
    assert f"[X] {first}.sql\n[ ] {second}.sql" in dbmate("status")
    assert cli("approve", plan.stem, "--phase", "contract", "--as", "anna").code == 0
    assert cli("advance", str(plan), "--yes").code == 0
    assert f"[X] {first}.sql\n[X] {second}.sql" in dbmate("status")
    dbmate("migrate")
    assert "Pending: 0" in dbmate("status")
    assert columns(database) == ["age", "full_name", "id"]


def columns(database: Database) -> list[str]:
    query = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'users' ORDER BY 1"
    return [name for (name,) in database.execute(query)]

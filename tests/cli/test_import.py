"""`crossfade import`: folders of tools become files of plans."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict

from ..fixtures.samples import DIFFS, INIT
from ..fixtures.shop_histories import DRIZZLE, PRISMA, drizzle, prisma, up_down

if TYPE_CHECKING:
    import pytest

    from ..fixtures.command import Cli
    from ..fixtures.database import Database


def test_all_migrations_of_prisma_become_plans_that_are_valid(cli: Cli, tmp_path: Path) -> None:
    prisma(tmp_path / "prisma")
    done = cli("import", "prisma", "prisma", "--out", "plans", "--app", "api=>=2.0.0")
    assert done.code == 0, done
    assert "20260108000000_nothing: it changes nothing; the next plan covers it too" in done.stdout
    files = sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "plans").iterdir())
    assert len(files) == 10
    assert files[2] == "plans/20260103000000-rename.yaml"
    checked = cli("check", "--no-database", *files)
    assert checked.code == 0, checked
    assert 'new: ">=2.0.0"' in (tmp_path / files[0]).read_text(encoding="utf-8")
    again = cli("import", "prisma", "prisma", "--out", "plans", "--app", "api=>=2.0.0")
    assert again.code == 0, again


def test_with_a_database_only_what_is_pending_there(database: Database, cli: Cli, tmp_path: Path) -> None:
    drizzle(tmp_path / "drizzle")
    database.execute("CREATE SCHEMA drizzle")
    database.execute(
        "CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)"
    )
    database.execute(
        "INSERT INTO drizzle.__drizzle_migrations (hash, created_at) VALUES (repeat('0', 64), 1700000000000)"
    )
    with database.connect(autocommit=True) as connection:
        connection.execute(DRIZZLE["0000_init"].encode())
    done = cli("import", "drizzle", "drizzle", "--out", "plans", "--database", database.url, "--json")
    assert done.code == 0, done
    document = done.json()
    assert [one["name"] for one in document["migrations"]] == list(DRIZZLE)[1:]
    assert document["problems"] == []

    plan = "plans/0001-full-name.yaml"
    assert "gates:" not in (tmp_path / plan).read_text(encoding="utf-8")
    advanced = cli("advance", plan, "--to", "backfilled")
    assert advanced.code == 0, advanced
    rest = cli("import", "drizzle", "drizzle", "--out", "rest", "--database", database.url)
    assert rest.code == 0, rest
    assert "0001_full_name: left out, since the run 0001-full-name does its work" in rest.stdout


def test_what_is_in_no_plan_is_said_with_its_place(cli: Cli, tmp_path: Path) -> None:
    up_down(tmp_path / "db")
    (tmp_path / "db" / "0006_load.up.sql").write_text("SELECT 1;\nCOPY shop.items FROM '/x';\n", encoding="utf-8")
    (tmp_path / "db" / "0006_load.down.sql").write_bytes(b"\x00\x01\x02")
    (tmp_path / "crossfade.toml").write_text('fixed = ["shop.events"]\n', encoding="utf-8")
    done = cli("import", "sql", "db", "--out", "plans", "--json")
    assert done.code == 1, done
    found = {(p["file"], p["line"]) for p in done.json()["problems"]}
    assert {("db/0006_load.up.sql", 2), ("db/0006_load.down.sql", 1), ("db/0001_events.up.sql", 3)} <= found
    assert (tmp_path / "plans" / "0005-kind.yaml").exists()


def test_what_only_psql_can_send_is_in_no_plan(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "1.sql").write_text(
        "CREATE TABLE t (id int);\nCREATE TABLE :u ();\n\\if :x\nCREATE INDEX i ON t (id);\n\\endif\n\\i 2.sql\n"
    )
    done = cli("import", "sql", "db", "--out", "plans")
    assert done.code == 1, done
    assert "db/1.sql:6:1: no plan can send it, since only psql knows this command: \\i 2.sql" in done.stderr
    assert [f"db/1.sql:{line}:1: no plan" in done.stderr for line in (1, 2, 4, 6)] == [False, True, True, True]
    text = (tmp_path / "plans" / "1.yaml").read_text(encoding="utf-8")
    assert text.count("create_") == 1
    assert "migrations:" not in text


def test_an_expression_deeper_than_a_plan_takes_is_one_of_sql(cli: Cli, tmp_path: Path) -> None:
    deep = " + ".join(["a"] * 900)
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "0001_deep.sql").write_text(f"ALTER TABLE t ADD CONSTRAINT c CHECK ({deep} > 0);")
    done = cli("import", "sql", "m", "--out", "plans")
    assert done.code == 0, done
    assert "  - sql:" in (tmp_path / "plans" / "0001-deep.yaml").read_text(encoding="utf-8")
    checked = cli("check", "--no-database", "plans/0001-deep.yaml")
    assert checked.code == 0, checked


def test_a_column_that_is_there_is_not_added_and_gets_what_follows(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "0001_a.sql").write_text("CREATE TABLE t (id int PRIMARY KEY, c int);")
    (tmp_path / "m" / "0002_b.sql").write_text(
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS c int; ALTER TABLE t ALTER COLUMN c SET DEFAULT 5;"
    )
    done = cli("import", "sql", "m", "--out", "plans")
    assert done.code == 0, done
    plan = (tmp_path / "plans" / "0002-b.yaml").read_text(encoding="utf-8")
    assert ("set_default:" in plan, "add_column:" in plan) == (True, False)


def test_nothing_is_overwritten(cli: Cli, tmp_path: Path) -> None:
    up_down(tmp_path / "db")
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "0003-touch.yaml").write_text("mine", encoding="utf-8")
    done = cli("import", "sql", "db", "--out", "plans")
    assert done.code == 2, done
    assert "plans/0003-touch.yaml is there and says something else" in done.stderr
    assert [path.name for path in (tmp_path / "plans").iterdir()] == ["0003-touch.yaml"]


def test_misuse_is_told(cli: Cli, tmp_path: Path) -> None:
    up_down(tmp_path / "db")
    assert (
        "There are some of golang-migrate: crossfade import sql db"
        in cli("import", "prisma", "db", "--out", "p").stderr
    )
    assert "there is no folder nope" in cli("import", "sql", "nope", "--out", "p").stderr
    assert "is not NAME=RANGE" in cli("import", "sql", "db", "--out", "p", "--app", "api").stderr
    assert "and these are of golang-migrate" in cli("import", "sql", "db", "--out", "p", "--split").stderr
    assert "--app: " in cli("import", "sql", "db", "--out", "p", "--app", "api=newest").stderr
    assert not (tmp_path / "p").exists()


def test_a_migration_in_two_is_recorded_in_two(database: Database, cli: Cli, tmp_path: Path) -> None:
    prisma(tmp_path / "prisma")
    tables = Path(__file__).parents[1] / "workflow" / "tool_histories.sql"
    with database.connect(autocommit=True) as connection:
        connection.execute(tables.read_bytes())
        connection.execute(PRISMA["20260101000000_init"].encode())
        connection.execute(PRISMA["20260102000000_unique_email"].encode())
    database.execute(
        "INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name)"
        " VALUES ('2', repeat('a', 64), now(), '20260102000000_unique_email')"
    )
    done = cli("import", "prisma", "prisma", "--out", "plans", "--split", "--database", database.url)
    assert done.code == 0, done
    every = cli("import", "prisma", "prisma", "--out", "every", "--split")
    assert "20260101000000_init: stays whole, since an old version can live with all of it" in every.stdout
    old = tmp_path / "prisma" / "migrations" / "20260103000000_rename"
    (old / "migration.sql").unlink()
    old.rmdir()
    for half in (tmp_path / "plans" / "migrations").iterdir():
        half.rename(old.parent / half.name)

    plan = "plans/20260103000000-rename.yaml"
    with (tmp_path / plan).open("a", encoding="utf-8") as file:
        file.write("\nhold: 0s\n")
    # The plans before it are of migrations that are applied, so nothing is waited for.
    assert cli("advance", plan, "--to", "expanded").code == 0
    names = "SELECT migration_name FROM _prisma_migrations WHERE migration_name LIKE '20260103%%' ORDER BY 1"
    assert database.execute(names) == [("20260103000000_rename_1_expand",)]
    assert cli("advance", plan, "--to", "backfilled").code == 0
    assert cli("approve", "20260103000000-rename", "--phase", "contract", "--as", "anna").code == 0
    contracted = cli("advance", plan, "--yes")
    assert database.execute(names) == [
        ("20260103000000_rename_1_expand",),
        ("20260103000000_rename_2_contract",),
    ], contracted


def test_what_an_enum_has_is_known_from_the_database(database: Database, cli: Cli, tmp_path: Path) -> None:
    init = INIT["prisma"]
    folder = tmp_path / "prisma" / "migrations"
    for name, file in (("20260101000000_init", init), ("20260102000000_roles", DIFFS / "prisma/enum_remove.sql")):
        (folder / name).mkdir(parents=True)
        (folder / name / "migration.sql").write_bytes(file.read_bytes())
    tables = Path(__file__).parents[1] / "workflow" / "tool_histories.sql"
    with database.connect(autocommit=True) as connection:
        connection.execute(tables.read_bytes())
        connection.execute(init.read_bytes())
    done = cli("import", "prisma", "prisma", "--out", "plans", "--database", database.url)
    assert done.code == 0, done
    (written,) = (tmp_path / "plans").iterdir()
    assert "- remove_enum_values:" in written.read_text(encoding="utf-8")


def test_the_roster_may_stand_in_the_settings(cli: Cli, tmp_path: Path) -> None:
    up_down(tmp_path / "db")
    settings = tmp_path / "crossfade.toml"
    settings.write_text('apps.web = {scheme = "integer", new = ">=7", expect = 2}\n', encoding="utf-8")
    done = cli("import", "sql", "db", "--out", "plans")
    assert done.code == 0, done
    plan = (tmp_path / "plans" / "0001-events.yaml").read_text(encoding="utf-8")
    assert 'apps:\n  web:\n    scheme: integer\n    new: ">=7"\n    expect: 2\n' in plan
    other = cli("import", "sql", "db", "--out", "others", "--app", "api=>=2")
    assert other.code == 0, other
    assert "web" not in (tmp_path / "others" / "0001-events.yaml").read_text(encoding="utf-8")
    settings.write_text('apps.web = {scheme = "integer", now = ">=7"}\n', encoding="utf-8")
    wrong = cli("import", "sql", "db", "--out", "plans")
    assert wrong.code == 2, wrong
    assert "apps" in wrong.stderr


def test_a_whole_history_is_compared_on_the_server_that_is_named(
    database: Database, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "db").mkdir()
    for name, sql in (("0001_a", "CREATE TABLE t (id int, a text);"), ("0002_b", "ALTER TABLE t ADD COLUMN b int;")):
        (tmp_path / "db" / f"{name}.up.sql").write_text(sql, encoding="utf-8")
        (tmp_path / "db" / f"{name}.down.sql").write_text("SELECT 1;", encoding="utf-8")
    monkeypatch.setenv("PATH", str(database.server.bin_dir), prepend=os.pathsep)
    # What libpq knows from its own variables is known to pg_dump too.
    named = {name: str(value) for name, value in conninfo_to_dict(database.url).items()}
    url = f"dbname={named['dbname']}"
    env = {f"PG{name.upper()}": named[name] for name in ("host", "port", "user")}
    call = ("import", "sql", "db", "--out", "plans", "--whole-history", "--database", url, "--json")
    done = cli(*call, env=env)
    assert done.code == 0, done
    assert done.json()["whole_history"] == [{"folder": "db", "same": True, "difference": "", "passed_over": []}]
    (tmp_path / "db" / "0003_c.up.sql").write_text("CREATE TABLE t ();", encoding="utf-8")
    wrong = cli(*call, env=env)
    assert wrong.code == 1, wrong
    (found,) = wrong.json()["whole_history"]
    assert found["difference"].startswith('db/0003_c.up.sql:1: PostgreSQL says: relation "t" already exists')
    left = database.execute("SELECT datname FROM pg_database WHERE datname LIKE 'crossfade_import_%%'")
    assert left == []


def test_a_pg_dump_that_cannot_read_the_server_is_told_before_anything_is_run(
    database: Database, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "V1__a.sql").write_text("CREATE ROLE crossfade_never_made;", encoding="utf-8")
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    done = cli("import", "sql", "V1__a.sql", "--out", "plans", "--whole-history", "--database", database.url)
    major = database.server.major
    assert done.code == 2, done
    assert f"pg_dump is {old}, of PostgreSQL 9, which does not read a server of PostgreSQL {major}" in done.stderr
    assert f"a pg_dump of PostgreSQL {major} first on the PATH" in done.stderr
    assert database.execute("SELECT FROM pg_roles WHERE rolname = 'crossfade_never_made'") == []

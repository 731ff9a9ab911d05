"""`crossfade lint --database`: the tables as they are there, with their rows and by the server's version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def pending(tmp_path: Path, shop: Database) -> Path:
    """A migration that is pending, beside one that made the table; the table is the one of the shop."""
    shop.execute("ANALYZE users")
    made = tmp_path / "migrations"
    made.mkdir()
    (made / "0001_users.up.sql").write_text("CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);\n")
    (made / "0002_index.up.sql").write_text("CREATE INDEX users_email ON users (email);\n")
    return made / "0002_index.up.sql"


def test_times_are_those_of_its_rows(offline: Cli, shop: Database, pending: Path) -> None:
    done = offline("lint", pending, "--database", shop.url, "--json")
    assert done.code == 1
    said = {f["rule"]: f["message"] for f in done.json()["findings"]}
    assert said["index-not-concurrently"].endswith("about 1 ms for its 500 rows.")
    assert done.json()["files"] == ["migrations/0002_index.up.sql"]


def test_a_valid_check_in_the_database_is_known(offline: Cli, shop: Database, pending: Path) -> None:
    shop.execute("ALTER TABLE users ADD note text, ADD note2 text, ADD CHECK (note IS NOT NULL) NOT VALID")
    shop.execute("UPDATE users SET note = ''; ALTER TABLE users VALIDATE CONSTRAINT users_note_check")
    pending.write_text("ALTER TABLE users ALTER note SET NOT NULL;\nALTER TABLE users ALTER note2 SET NOT NULL;\n")
    done = offline("lint", pending, "--database", shop.url, "--json")
    assert [f["line"] for f in done.json()["findings"] if f["rule"] == "set-not-null"] == [2]


def test_the_way_down_can_be_looked_at_alone(offline: Cli, shop: Database, pending: Path) -> None:
    down = pending.with_name("0002_index.down.sql")
    down.write_text("CREATE INDEX users_id ON users (id);\n")
    done = offline("lint", down, "--database", shop.url, "--json")
    assert done.json()["files"] == ["migrations/0002_index.down.sql"]
    assert "index-not-concurrently" in {f["rule"] for f in done.json()["findings"]}


@pytest.mark.usefixtures("shop")
def test_a_database_is_asked_only_where_the_option_names_it(offline: Cli, pending: Path, tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text(f"database = '{NOWHERE}'\n")
    done = offline("lint", pending, env={"DATABASE_URL": NOWHERE})
    assert (done.code, "for each million rows" in done.stdout) == (1, True)


@pytest.mark.usefixtures("shop")
def test_one_that_cannot_be_reached_is_an_error(offline: Cli, pending: Path) -> None:
    done = offline("lint", pending, "--database", NOWHERE, "--json")
    assert (done.code, done.json()["error"]["code"]) == (1, "database_unreachable")


@pytest.mark.every_server
def test_users_of_a_type_are_known(offline: Cli, database: Database, tmp_path: Path) -> None:
    """Tables that no file names, but that have a column of a type that one changes."""
    database.execute(
        "CREATE DOMAIN posint AS int CHECK (VALUE > 0); CREATE DOMAIN small AS posint;"
        "CREATE TYPE pair AS (x int, y int); CREATE TABLE tc (id bigint PRIMARY KEY, p small);"
        "CREATE TABLE pairs OF pair;"
        "INSERT INTO tc SELECT g, g FROM generate_series(1, 300) g; ANALYZE tc"
    )
    file = tmp_path / "a.sql"
    file.write_text(
        "ALTER DOMAIN posint ADD CHECK (VALUE < 100000);\n"
        "ALTER TYPE pair ALTER ATTRIBUTE x TYPE bigint CASCADE;\n"
        "DROP DOMAIN posint CASCADE;\n"
        "ALTER TABLE IF EXISTS nosuch ADD CHECK (a > 0);\n"
        "ALTER DOMAIN nosuch ADD CHECK (VALUE > 1);\n"
    )
    done = offline("lint", file, "--database", database.url, "--json")
    said = {f["rule"]: f["message"] for f in done.json()["findings"] if f["rule"] != "lock-timeout-missing"}
    assert set(said) == {"domain-constraint", "attribute-type", "drop-cascade"}
    assert said["domain-constraint"].startswith("reads all rows of public.tc while")
    assert said["domain-constraint"].endswith("for its 300 rows.")
    assert "public.pairs" in said["attribute-type"]
    assert said["drop-cascade"].startswith("takes public.tc.p along")


def test_a_table_that_is_in_the_tablespace_already_is_not_copied(
    offline: Cli, database: Database, tmp_path: Path
) -> None:
    database.execute("CREATE TABLE here (id int)")
    file = tmp_path / "a.sql"
    file.write_text("ALTER TABLE here SET TABLESPACE pg_default;\nALTER TABLE here SET TABLESPACE fast;\n")
    done = offline("lint", file, "--database", database.url, "--json")
    assert [f["line"] for f in done.json()["findings"] if f["rule"] == "storage-change"] == [2]


def test_the_labels_of_an_enum_are_known(offline: Cli, database: Database, tmp_path: Path) -> None:
    """Also of one that no file makes."""
    database.execute("CREATE TYPE size AS ENUM ('S', 'M')")
    file = tmp_path / "a.sql"
    file.write_text(
        "CREATE TYPE size_new AS ENUM ('M');\nDROP TYPE size;\nALTER TYPE size_new RENAME TO size;\n", encoding="utf-8"
    )
    done = offline("lint", file, "--database", database.url, "--json")
    assert ("enum-rebuilt", 1) in {(f["rule"], f["line"]) for f in done.json()["findings"]}

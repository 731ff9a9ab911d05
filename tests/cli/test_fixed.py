"""What is fixed and what a migration reaches without naming it: `lint` and `import`, with a database and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

SETTINGS = 'fixed = ["legacy.*", "billing.invoices"]\n'
BEFORE = """
CREATE TABLE accounts (id int PRIMARY KEY, code text);
CREATE TABLE legacy.uses (id int REFERENCES accounts (id));
CREATE VIEW legacy.codes AS SELECT code FROM accounts;
CREATE VIEW names AS SELECT name FROM legacy.customers;
CREATE UNIQUE INDEX one_name ON billing.invoices (name);
"""
REACHING = """TRUNCATE accounts CASCADE;
UPDATE names SET name = 'x';
ALTER INDEX billing.one_name RENAME TO a_name;
DROP INDEX billing.a_name;
CREATE TABLE mine () INHERITS (legacy.customers);
DO $$ BEGIN ALTER TABLE accounts DROP COLUMN code CASCADE; END $$;
DROP VIEW names CASCADE;
"""
FOUND = {
    1: "deletes the rows of legacy.uses",
    2: "writes rows of legacy.customers",
    3: "changes billing.invoices",
    4: "changes billing.invoices",
    5: "changes legacy.customers",
    6: "in a DO block, drops legacy.codes",
}


def _found(document: object, key: str, file: str) -> dict[int, str]:
    assert isinstance(document, dict)
    listed = [one for one in document[key] if one["file"].endswith(file) and "under `fixed`" in one["message"]]
    return {one["line"]: one["message"].partition(", which the project")[0] for one in listed}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "0001_before.up.sql").write_text(BEFORE)
    (tmp_path / "db" / "0002_reach.up.sql").write_text(REACHING)
    (tmp_path / "db" / "0002_reach.down.sql").write_text("ALTER TABLE legacy.uses ADD x int;\n")
    return tmp_path / "db"


def test_lint_follows_what_the_files_have_made(cli: Cli, folder: Path) -> None:
    assert _found(cli("lint", "db", "--json").json(), "findings", "reach.up.sql") == FOUND


def test_lint_follows_what_is_in_the_database(database: Database, cli: Cli, folder: Path) -> None:
    database.execute("CREATE SCHEMA legacy")
    database.execute("CREATE TABLE legacy.customers (name text)")
    database.execute("CREATE SCHEMA billing")
    database.execute("CREATE TABLE billing.invoices (name text)")
    with database.connect(autocommit=True) as connection:
        connection.execute(BEFORE.encode())
    done = cli("lint", "db/0002_reach.up.sql", "--database", database.url, "--json")
    assert _found(done.json(), "findings", "reach.up.sql") == FOUND


def test_import_names_bodies_and_ways_back_too(cli: Cli, folder: Path) -> None:
    done = cli("import", "sql", "db", "--out", "plans", "--json")
    assert _found(done.json(), "problems", "reach.up.sql") == {
        line: message.removeprefix("in a DO block, ") for line, message in FOUND.items()
    }
    assert _found(done.json(), "problems", "reach.down.sql") == {1: "changes legacy.uses"}
    plan = (folder.parent / "plans" / "0002-reach.yaml").read_text()
    assert "DROP COLUMN code" not in plan
    assert "names" in plan

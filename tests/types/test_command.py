"""`crossfade types` from outside: what is printed, files that are stale, settings of other tools, and usage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..docs.pages import DOCS, fences

if TYPE_CHECKING:
    from pathlib import Path

    from ..fixtures.command import Cli
    from ..fixtures.database import Database

SHOWN = """
CREATE SCHEMA app;
CREATE TYPE app.status AS ENUM ('active', 'blocked');
COMMENT ON TYPE app.status IS 'What an account may be in.';
CREATE TABLE app.users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    status app.status NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    nickname text
);
"""
"""What docs/howto/types.md shows the types of."""
FOREIGN = """
CREATE SCHEMA legacy;
CREATE SCHEMA billing;
CREATE TABLE legacy.customers (id int PRIMARY KEY, name text);
CREATE TABLE billing.invoices (id int PRIMARY KEY);
CREATE TABLE billing.notes (id int PRIMARY KEY);
CREATE TABLE invoices (id int PRIMARY KEY, customer int);
"""
SETTINGS = 'fixed = ["legacy.*", "billing.invoices"]\n'


def test_the_page_shows_what_is_printed(database: Database, cli: Cli) -> None:
    database.execute(SHOWN)
    (text,) = fences(DOCS / "howto" / "types.md", "ts")
    done = cli("types", "--schema", "app")
    assert (done.code, done.stdout) == (0, text)


@pytest.mark.long
def test_a_stale_file_is_shown_with_the_command_that_prints_it(database: Database, cli: Cli, tmp_path: Path) -> None:
    database.execute(SHOWN)
    options = ("types", "--schema", "app", "--lang", "python")
    fresh = cli(*options).stdout
    file = tmp_path / "db.py"
    for ends in (fresh, fresh.replace("\n", "\r\n")):
        file.write_bytes(ends.encode())
        done = cli(*options, "--check", "db.py")
        assert (done.code, done.stdout, done.stderr) == (0, "", "")
    database.execute("ALTER TABLE app.users ADD COLUMN age int")
    done = cli(*options, "--check", "db.py")
    assert done.code == 1
    assert "+    age: int | None\n" in done.stdout
    assert "crossfade types --schema app --lang python > db.py" in done.stderr
    document = cli(*options, "--check", "db.py", "--json")
    assert (document.code, document.json()["stale"]) == (1, True)
    assert cli(*options, "--check", "none.py").code == 1
    file.write_text(cli(*options).stdout.rstrip("\n"))
    assert "\n\\ No newline at end of file\n" in cli(*options, "--check", "db.py").stdout


def test_the_document_has_the_text_and_no_password(database: Database, cli: Cli) -> None:
    database.execute(SHOWN)
    document = cli("types", "--json").json()
    assert document["relations"] == ["app.users"]
    assert document["text"] == cli("types").stdout
    assert "postgresql://" not in document["text"]


@pytest.mark.long
def test_the_phase_of_a_plan(database: Database, cli: Cli, tmp_path: Path) -> None:
    database.execute(SHOWN)
    plan = "crossfade: 1\nname: mail\nchanges:\n  - rename_column: {table: app.users, from: email, to: mail}\n"
    (tmp_path / "plan.yaml").write_text(plan)
    printed = {
        phase: cli("types", "--for", "plan.yaml", "--phase", phase).stdout
        for phase in ("expand", "backfill", "contract")
    }
    assert "# " not in printed["expand"]
    assert all(f"--for plan.yaml --phase {phase}\n" in text for phase, text in printed.items())
    assert ["  email: string;\n" in text for text in printed.values()] == [True, True, False]
    assert "  mail: string | null;\n" in printed["expand"]
    assert "  mail: string;\n" in printed["contract"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--schema", "ap"], "did you mean `app`?"),
        (["--phase", "expand"], "--phase says nothing without a plan"),
        (["--bigint", "number", "--lang", "python"], "--bigint is for TypeScript"),
        (["--stanza", "prisma"], "no table is fixed"),
        (["--stanza", "prisma", "--check", "db.ts"], "--check and --stanza do not go together"),
        (["--for", "none.yaml"], "none.yaml"),
    ],
)
def test_usage(database: Database, cli: Cli, arguments: list[str], words: str) -> None:
    database.execute("CREATE SCHEMA app")
    done = cli("types", *arguments)
    assert done.code == 2
    assert words in done.stderr


def test_stanzas_name_what_is_fixed(database: Database, cli: Cli, tmp_path: Path) -> None:
    database.execute(FOREIGN)
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    prisma = cli("types", "--stanza", "prisma").stdout
    (block,) = (b for b in fences(DOCS / "howto" / "types.md", "console") if "--stanza prisma" in b)
    assert prisma == block.partition("\n")[2]
    drizzle = cli("types", "--stanza", "drizzle").stdout
    assert drizzle.splitlines()[1:] == [
        "schemaFilter: [",
        '  "billing",',
        '  "public",',
        "],",
        "// public.invoices has the name of a fixed table, and Drizzle leaves it alone too",
        "tablesFilter: [",
        '  "*",',
        '  "!invoices",',
        "],",
    ]


CHANGES = {
    "rename_column: {table: legacy.customers, from: name, to: full_name}": "legacy.customers",
    "create_index: {table: billing.invoices, name: i, columns: [id]}": "billing.invoices",
    "move_table: {table: invoices, to_schema: legacy}": "legacy.invoices",
    "update_rows: {table: legacy.customers, set: {name: \"'x'\"}, where: name IS NULL}": "legacy.customers",
    "sql: {expand: [{run: CREATE TABLE legacy.more (id int), undo: DROP TABLE IF EXISTS legacy.more}]}": "legacy.more",
    "sql: {irreversible: true, reason: x, expand: ['DO $$ BEGIN DROP TABLE legacy.customers; END $$']}": (
        "legacy.customers"
    ),
}


@pytest.mark.long
@pytest.mark.parametrize(("change", "object_"), CHANGES.items(), ids=CHANGES)
def test_a_plan_that_changes_what_is_fixed_is_refused(
    database: Database, cli: Cli, tmp_path: Path, change: str, object_: str
) -> None:
    database.execute(FOREIGN)
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    (tmp_path / "plan.yaml").write_text(f"crossfade: 1\nname: theirs\nchanges:\n  - {change}\n")
    for command in ("check", "start", "advance"):
        done = cli(command, "plan.yaml", "--json")
        found = done.json()
        (refusals,) = [p["refusals"] for p in found.get("plans", [found["error"]])]
        assert done.code == 2
        assert [r["object"] for r in refusals if r["code"] == "fixed"] == [object_]


@pytest.mark.long
def test_a_run_that_has_not_begun_is_refused_once_its_table_is_fixed(
    database: Database, cli: Cli, tmp_path: Path
) -> None:
    database.execute(FOREIGN)
    plan = "crossfade: 1\nname: mine\nchanges:\n  - add_column: {table: billing.notes, name: a, type: text}\n"
    (tmp_path / "plan.yaml").write_text(plan)
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    assert cli("start", "plan.yaml").code == 0
    (tmp_path / "crossfade.toml").write_text('fixed = ["billing.*"]\n')
    done = cli("expand", "mine", "--json")
    assert done.json()["error"]["refusals"][0]["code"] == "fixed"


def test_what_only_points_there_is_no_change(database: Database, cli: Cli, tmp_path: Path) -> None:
    database.execute(FOREIGN)
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    key = "{table: invoices, name: k, columns: [customer], references: {table: legacy.customers, columns: [id]}}"
    (tmp_path / "plan.yaml").write_text(f"crossfade: 1\nname: mine\nchanges:\n  - add_foreign_key: {key}\n")
    done = cli("check", "plan.yaml")
    assert done.code == 0, done


def test_lint_has_an_error_for_a_statement_that_changes_what_is_fixed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "crossfade.toml").write_text(SETTINGS)
    (tmp_path / "0001.sql").write_text(
        "SET lock_timeout = '2s';\n"
        "ALTER TABLE legacy.customers ADD COLUMN age int;\n"
        "CREATE VIEW public.customers AS SELECT id FROM legacy.customers;\n"
        "DO $$ BEGIN DROP SCHEMA legacy CASCADE; END $$;\n"
    )
    done = cli("lint", "0001.sql", "--json")
    found = [(f["line"], f["severity"]) for f in done.json()["findings"] if f["rule"] == "fixed-schema"]
    assert (done.code, found) == (1, [(2, "error"), (4, "error")])

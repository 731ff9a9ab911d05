"""What `crossfade export` writes of the plans in plans/: clean under our own lint, and as good as a run under psql."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.cli.lint_schema import empty_schema, schema_of_database
from crossfade.lint.finding import Severity
from crossfade.operations.step import Phase
from crossfade.plan.load import load_plan
from crossfade.postgres.forecast.trees import one_statement
from crossfade.workflow.exports.block import unless_it_exists
from crossfade.workflow.exports.layouts import ExportedFile, Layout, Settings, Written, files_of, text_of
from crossfade.workflow.exports.linted import linted, projects
from crossfade.workflow.exports.parts import migrations_of
from crossfade.workflow.states import State

from ...fixtures.database import fresh_database
from ...fixtures.long import few_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...fixtures.command import Cli
    from ...fixtures.database import Database

ROOT = Path(__file__).parents[3]
PLANS = sorted((ROOT / "plans").glob("*.yaml"))
SETUP = ROOT / "tests" / "plans" / "setup"
PROVED = (
    "rename-column",
    "change-type-of-a-key",
    "set-not-null",
    "split-table",
    "detach-partition",
)
"""Plans whose files are applied and taken back: twins, keys, indexes, a second table, partitions."""
TRUE_OF_THE_TABLES = {("change-type-of-a-key", "foreign-key-without-index")}
"""What lint says of the tables of a plan, whoever changes them."""


def prepare(database: Database, plan: str) -> None:
    """The tables that the plan is for."""
    database.execute((SETUP / f"{plan}.sql").read_text(encoding="utf-8"))


def export(cli: Cli, plan: str, layout: str = "sql", *more: str, stamp: str = "20260131120000") -> Path:
    """The folder with the files; lint says nothing of them."""
    home = cli.directory / f"{plan}-{layout}"
    said = cli(
        "export", str(ROOT / "plans" / f"{plan}.yaml"), "--as", layout, "--out", str(home), "--stamp", stamp,
        "--json", *more,
    )  # fmt: skip
    assert said.code == 0, said
    told = {(plan, finding["rule"]) for finding in said.json()["findings"]}
    assert told <= TRUE_OF_THE_TABLES, said
    return home


@pytest.mark.parametrize("plan", few_of([path.stem for path in PLANS], PROVED))
def test_lint_has_nothing_against_the_files_of_any_plan(database: Database, plan: str) -> None:
    """As a pipeline sees them: without a database, folder by folder."""
    prepare(database, plan)
    with Engine(database.url) as engine:
        program, _ = engine.program(load_plan(ROOT / "plans" / f"{plan}.yaml"))
    settings = Settings(plan=plan, layout=Layout.SQL, begin=datetime(2026, 1, 31, tzinfo=UTC), lock_timeout="2s")
    files = tuple(files_of(migrations_of(program), settings))
    schema = schema_of_database(database.url, projects(files))
    made = linted(files, empty_schema(schema.server_version), schema)
    assert made.files
    told = {(plan, finding.rule) for finding in made.findings if finding.severity is not Severity.NOTE}
    assert told <= TRUE_OF_THE_TABLES, made.findings


def test_a_function_of_the_users_own_with_its_owners_rights_is_told() -> None:
    """No word of ours stands beside it that would be true of our functions only."""
    function = "CREATE FUNCTION {}() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN 1; END'"
    statements = tuple(Written(text=function.format(name)) for name in ("app.pay", "crossfade.pay"))
    file = ExportedFile(path="1-expand/1_a.up.sql", comments=(), statements=statements)
    made = linted((file,), empty_schema(180000), None)
    (told,) = (finding for finding in made.findings if finding.rule == "security-definer")
    assert "app.pay" in text_of(made.files[0]).splitlines()[told.position.line - 1]


def test_an_index_that_may_be_there_leaves_the_statement_as_it_was() -> None:
    statement = "CREATE INDEX i ON t (a)"
    assert "IF NOT EXISTS" in unless_it_exists(statement)
    assert one_statement(statement).if_not_exists is False


@pytest.mark.parametrize("layout", [Layout.SQL, Layout.PRISMA, Layout.DRIZZLE])
def test_the_command_lint_agrees(database: Database, cli: Cli, layout: Layout) -> None:
    prepare(database, "rename-column")
    home = export(cli, "rename-column", layout)
    outcome = cli("lint", home, "--fail-on", "warning", "--json")
    assert outcome.code == 0, outcome
    assert len(outcome.json()["files"]) == len(list(home.rglob("*.sql")))


def psql(database: Database, files: Iterable[Path]) -> None:
    """Each file by itself, as the README of an export says."""
    here = database.server.bin_dir / "psql"
    program = str(here) if here.exists() else shutil.which("psql") or "/usr/lib/postgresql/15/bin/psql"
    given = [f"--file={file}" for file in files]
    done = subprocess.run(
        [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url, *given],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PGOPTIONS": "-c lock_timeout=2s"},
    )
    assert done.returncode == 0, done.stderr


def up(home: Path) -> list[Path]:
    return sorted(home.rglob("*.up.sql"))


def down(home: Path) -> list[Path]:
    """The ways back, the last one first; what was dropped has none."""
    return sorted((f for f in home.rglob("*.down.sql") if f.parent.name != "4-drop"), reverse=True)


def contracted(database: Database, plan: str) -> str:
    """The schema after a run of the plan."""
    loaded = load_plan(ROOT / "plans" / f"{plan}.yaml").model_copy(
        update={"hold": timedelta(0), "retain": timedelta(0)}
    )
    with Engine(database.url) as engine:
        engine.start(loaded)
        engine.approve(loaded.name, Phase.CONTRACT, "alice")
        for app in loaded.apps or ():
            engine.heartbeat(app, "2.0.0", "pod-1")
        assert engine.advance(loaded).state is State.CONTRACTED
    return database.dump()


@pytest.mark.alike
@pytest.mark.parametrize("plan", few_of(PROVED, ("split-table",)))
def test_psql_makes_what_a_run_makes_and_takes_it_back(database: Database, cli: Cli, plan: str) -> None:
    """There, back and there again; then the ledger can still be installed."""
    prepare(database, plan)
    before = database.dump()
    home = export(cli, plan)
    psql(database, [file for file in up(home) if file.parent.name != "4-drop"])
    assert database.dump() != before
    psql(database, down(home))
    assert database.dump() == before
    assert database.execute("SELECT to_regnamespace('crossfade')") == [(None,)]
    psql(database, up(home))
    with fresh_database(database.server) as other:
        prepare(other, plan)
        assert database.dump() == contracted(other, plan)
    with Engine(database.url) as engine:
        assert "installed" in engine.init()[0]


def test_only_the_contract_phase_taken_back_can_be_applied_again(database: Database, cli: Cli) -> None:
    """Where a constraint took its index with it, the index is built again."""
    plan = "change-type-of-a-key"
    prepare(database, plan)
    home = export(cli, plan)
    psql(database, [file for file in up(home) if file.parent.name < "3"])
    filled = database.dump()
    contract = [file for file in up(home) if file.parent.name == "3-contract"]
    psql(database, contract)
    hidden = database.dump()
    psql(database, [file for file in down(home) if file.parent.name == "3-contract"])
    assert database.dump() != hidden
    psql(database, contract)
    assert database.dump() == hidden != filled


def test_a_row_that_a_writer_holds_is_met_by_a_later_pass(database: Database, cli: Cli) -> None:
    """The batch waits a moment only; in the end both shapes of every row hold the same."""
    prepare(database, "rename-column")
    home = export(cli, "rename-column")
    files = up(home)
    psql(database, [file for file in files if file.parent.name == "1-expand"])
    writer = database.connect(application_name="writer")
    writer.execute("UPDATE users SET name = name")
    rows = next(file for file in files if file.name.endswith("rename_column_rows.up.sql"))
    with subprocess.Popen(  # ends only after the writer has
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", database.url, f"--file={rows}"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/lib/postgresql/15/bin"},
    ) as backfill:
        asleep = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        while not database.execute(asleep):
            assert backfill.poll() is None, backfill.communicate()
        writer.rollback()
        _, said = backfill.communicate(timeout=60)
    assert backfill.returncode == 0, said
    assert database.execute("SELECT 1 FROM users WHERE email IS DISTINCT FROM email_address") == []


def test_a_difference_between_the_shapes_keeps_contract_from_being_applied(database: Database, cli: Cli) -> None:
    prepare(database, "rename-column")
    home = export(cli, "rename-column")
    psql(database, [file for file in up(home) if file.parent.name < "3"])
    database.execute("SET session_replication_role = replica; ALTER TABLE users DISABLE TRIGGER ALL")
    database.execute("UPDATE users SET email_address = 'other' WHERE id = (SELECT min(id) FROM users)")
    compare = next(file for file in up(home) if file.parent.name == "3-contract")
    with pytest.raises(AssertionError, match="do not hold the same in both shapes"):
        psql(database, [compare])


def test_what_was_dropped_has_no_way_back(database: Database, cli: Cli) -> None:
    prepare(database, "rename-column")
    home = export(cli, "rename-column")
    psql(database, up(home))
    (drop,) = (home / "4-drop").glob("*.down.sql")
    with pytest.raises(AssertionError, match="what was dropped is gone"):
        psql(database, [drop])


def test_a_run_is_exported_by_its_name(database: Database, cli: Cli) -> None:
    """As it was compiled when it began."""
    prepare(database, "rename-column")
    plan = load_plan(ROOT / "plans" / "rename-column.yaml")
    planned = export(cli, "rename-column")
    with Engine(database.url) as engine:
        engine.expand(plan)
    home = cli.directory / "run"
    assert cli("export", plan.name, "--as", "sql", "--out", str(home)).code == 0
    assert [f.name for f in up(home)] == [f.name for f in up(planned)]


def test_a_folder_with_files_is_not_written_over(database: Database, cli: Cli) -> None:
    prepare(database, "rename-column")
    home = export(cli, "rename-column")
    said = cli("export", str(ROOT / "plans" / "rename-column.yaml"), "--as", "sql", "--out", str(home))
    assert said.code == 2
    assert "not an empty folder" in said.stderr


def test_the_layouts_are_those_of_the_tools(database: Database, cli: Cli) -> None:
    prepare(database, "rename-column")
    prisma = export(cli, "rename-column", "prisma")
    names = [path.parent.name for path in sorted(prisma.rglob("migration.sql"))]
    assert names[:2] == ["20260131120000_support", "20260131120001_1_rename_column_add"]
    assert all((path.parent / "down.sql").is_file() for path in prisma.rglob("migration.sql"))
    drizzle = export(cli, "rename-column", "drizzle")
    assert sorted(p.name for p in (drizzle / "2-backfill").iterdir()) == ["1-psql", "2-drizzle"]
    assert not [p for p in drizzle.rglob("migration.sql") if "CONCURRENTLY" in p.read_text(encoding="utf-8")]
    assert "These folders have no `snapshot.json`" in (drizzle / "README.md").read_text(encoding="utf-8")

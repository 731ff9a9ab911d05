"""Whole histories of Prisma, Drizzle and golang-migrate: their plans leave the schema that psql leaves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crossfade.cli.import_origins import Start, origins
from crossfade.cli.lint_schema import empty_schema
from crossfade.migrations.imported import imported
from crossfade.migrations.imported.certain import Known
from crossfade.migrations.prisma_schema import prisma_schema
from crossfade.migrations.read import read
from crossfade.migrations.typed import Enums
from crossfade.plan.fixed import NOTHING_FIXED
from crossfade.workflow.whole_history import ReplayFailed, difference, passed_over, run_files, run_plans

from ..fixtures.database import fresh_database
from ..fixtures.long import few_of
from ..fixtures.shop_histories import PRISMA_SCHEMA, drizzle, prisma, up_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from crossfade.migrations.imported import Imported
    from crossfade.migrations.migration import Project

    from ..fixtures.database import Database
    from ..fixtures.servers import Server


def imports(folder: Path) -> tuple[Project, list[Imported]]:
    (project,) = read([folder])
    start = Start(schema=empty_schema(150000), enums=Enums(), fixed=NOTHING_FIXED)
    found, _ = origins(project, start)
    return project, list(imported(found, None, Known(prisma=prisma_schema(PRISMA_SCHEMA))))


@pytest.mark.parametrize("make", few_of([prisma, drizzle, up_down], {prisma}))
def test_the_plans_leave_what_the_files_leave(
    make: Callable[[Path], Path], server: Server, database: Database, tmp_path: Path
) -> None:
    project, found = imports(make(tmp_path / "shop"))
    assert not any(one.problems for one in found)
    run_plans(database.url, found)
    with fresh_database(server) as other:
        run_files(other.url, project)
        by_files = other.dump()
    assert by_files.count("CREATE TABLE") >= 2
    assert difference(by_files, database.dump()) == ""


TAKEN_BACK = """
BEGIN;
SAVEPOINT s;
DROP TABLE t;
ROLLBACK TO SAVEPOINT s;
ALTER TABLE t ADD COLUMN b int;
ROLLBACK TO SAVEPOINT s;
ALTER TABLE t ADD COLUMN c int;
RELEASE s;
COMMIT;
BEGIN;
UPDATE t SET a = 2;
ALTER TABLE t DROP COLUMN c;
ROLLBACK;
ALTER TABLE t ADD COLUMN IF NOT EXISTS c int;
"""
OPEN = "ALTER TABLE t ADD COLUMN b int;\n{};\nALTER TABLE t ADD COLUMN c int;\n"


def test_what_a_file_takes_back_is_in_no_plan(server: Server, database: Database, tmp_path: Path) -> None:
    for number, text in enumerate(["CREATE TABLE t (a int);", TAKEN_BACK], start=1):
        (tmp_path / f"{number}_x.up.sql").write_text(text, encoding="utf-8")
        (tmp_path / f"{number}_x.down.sql").write_text("", encoding="utf-8")
    project, found = imports(tmp_path)
    assert not any(one.problems for one in found)
    assert "update_rows" not in "".join(plan.text for one in found for plan in one.plans)
    run_plans(database.url, found)
    with fresh_database(server) as other:
        run_files(other.url, project)
        assert difference(other.dump(), database.dump()) == ""


@pytest.mark.parametrize(
    ("name", "by", "planned", "line"),
    [
        ("V1__x.sql", "ROLLBACK", ["c"], 2),
        ("V1__x.sql", "BEGIN", ["b", "c"], None),
        ("1.sql", "BEGIN", ["b"], 2),
        ("1.sql", "ROLLBACK", ["b", "c"], 2),
        ("1_x.up.sql", "ROLLBACK", ["c"], None),
        ("1_x.up.sql", "PREPARE TRANSACTION 'a'", ["c"], 2),
    ],
)
def test_where_it_is_not_known_what_stays_it_is_said(
    name: str, by: str, planned: list[str], line: int | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(OPEN.format(by), encoding="utf-8")
    (tmp_path / "1_x.down.sql").write_text("", encoding="utf-8")
    _, (found, *_) = imports(tmp_path / name)
    assert [entry["add_column"]["name"] for plan in found.plans for entry in plan.entries] == planned
    assert [problem.line for problem in found.problems] == ([] if line is None else [line])


def test_what_does_not_get_through_is_said_with_its_file(database: Database, tmp_path: Path) -> None:
    (tmp_path / "0001_x.up.sql").write_text("CREATE TABLE t (id int);\n\nCREATE TABLE t (id int);", encoding="utf-8")
    (tmp_path / "0001_x.down.sql").write_text("DROP TABLE t;", encoding="utf-8")
    project, _ = imports(tmp_path)
    with pytest.raises(ReplayFailed, match=r'0001_x\.up\.sql:3: PostgreSQL says: relation "t" already exists'):
        run_files(database.url, project)


def test_files_that_only_their_tool_can_send_are_not_run(tmp_path: Path) -> None:
    (tmp_path / "V1__x.sql").write_text('CREATE TABLE t (id int);\nCREATE ROLE "${x}";', encoding="utf-8")
    project, _ = imports(tmp_path)
    with pytest.raises(ReplayFailed, match=r"V1__x\.sql:2: only its tool can send it"):
        run_files("postgresql://nowhere.invalid/nothing", project)


def test_only_the_order_of_columns_is_passed_over() -> None:
    table = "CREATE TABLE t (\n    a integer,\n    b text\n);\nALTER TABLE t OWNER TO x;"
    assert difference(table, "CREATE TABLE t (\n    b text,\n    a integer\n);\nALTER TABLE t OWNER TO x;") == ""
    assert "+    b bigint" in difference(table, table.replace("b text", "b bigint"))
    assert "-ALTER TABLE" in difference(table, table.partition("ALTER")[0])
    assert passed_over(table, table) == ()


def test_what_a_plan_does_otherwise_on_purpose_is_told() -> None:
    narrow = "CREATE SEQUENCE public.a_id_seq\n    AS integer\n    START WITH 1;"
    wide = narrow.replace("    AS integer\n", "")
    assert difference(narrow, wide) == ""
    assert passed_over(narrow, wide) == (
        "sequence public.a_id_seq counts in bigint, as its column does; the migrations leave it narrower",
    )
    assert "+    AS integer" in difference(wide, narrow)
    assert difference(narrow, wide.replace("a_id_seq", "b_id_seq")) != ""
    table = 'CREATE TABLE "B" (\n    id integer CONSTRAINT "A_id_not_null" NOT NULL,\n    n text NOT NULL\n);'
    assert difference(table.replace(' CONSTRAINT "A_id_not_null"', ""), table) == ""
    assert len(passed_over(table.replace(' CONSTRAINT "A_id_not_null"', ""), table)) == 1
    assert difference(table.replace("A_id_not_null", "mine"), table) != ""


def test_a_storage_parameter_is_the_same_in_all_of_its_words() -> None:
    table = "CREATE TABLE t (\n    a integer\n)\nWITH (fillfactor='70', autovacuum_enabled=off);\n"
    index = "CREATE INDEX i ON t USING gin (a) WITH (fastupdate='on');"
    other = table.replace("fillfactor='70', autovacuum_enabled=off", "autovacuum_enabled='false', fillfactor='70'")
    assert difference(table + index, other + index.replace("'on'", "'1'")) == ""
    assert difference(table, table.replace("=off", "=yes")) != ""
    assert difference(table, table.replace("70", "80")) != ""
    assert difference("SELECT 'off'", "SELECT 'false'") != ""

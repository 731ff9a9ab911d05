"""Each tool's folder is recognised, and read in the tool's order, with its transactions, checksums and ways down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crossfade.migrations.migration import Tool, Transaction
from crossfade.migrations.read import read

from .folders import FIXTURES, downs, names, only, told, ups, write

ALWAYS, IF_SEVERAL, NEVER = Transaction.ALWAYS, Transaction.IF_SEVERAL, Transaction.NEVER
BODY = "DO $$\nBEGIN\n  RAISE NOTICE 'a';\nEND $$;"
A, B = "CREATE TABLE a (id int);", "CREATE TABLE b (id int);"
OPEN = "the statement here does not end in a line that ends in `;`"
NO_A, NO_B = "DROP TABLE a;", "DROP TABLE b;"


def journal(*tags: tuple[str, int], dialect: str = "postgresql") -> str:
    entries = [{"idx": n, "version": "7", "when": when, "tag": tag} for n, (tag, when) in enumerate(tags)]
    return json.dumps({"version": "7", "dialect": dialect, "entries": entries})


@dataclass(frozen=True, kw_only=True)
class Case:
    """Files, and the project that they are."""

    files: Mapping[str, str]
    tool: Tool
    names: list[str]
    transactions: list[Transaction]
    back: list[bool] = field(default_factory=list)
    """Which migrations have a way down; none by default."""
    problems: list[str] = field(default_factory=list)


CASES = {
    "prisma": Case(
        files={
            "migration_lock.toml": 'provider = "postgresql"\n',
            "20260102000000_b/migration.sql": B,
            "20260101000000_a/migration.sql": A,
            "20260101000000_a/down.sql": NO_A,
            "20260103000000_c/README.md": "nothing",
        },
        tool=Tool.PRISMA,
        names=["20260101000000_a", "20260102000000_b"],
        transactions=[IF_SEVERAL, IF_SEVERAL],
        back=[True, False],
        problems=["20260103000000_c: there is no migration.sql in it, and Prisma stops at such a folder"],
    ),
    "prisma without its lock file": Case(
        files={"20260101000000_a/migration.sql": A},
        tool=Tool.PRISMA,
        names=["20260101000000_a"],
        transactions=[IF_SEVERAL],
    ),
    "prisma for another database": Case(
        files={"migration_lock.toml": 'provider = "mysql"\n', "20260101000000_a/migration.sql": A},
        tool=Tool.PRISMA,
        names=[],
        transactions=[],
        problems=["migration_lock.toml: the migrations here are for mysql, not for PostgreSQL"],
    ),
    "drizzle 0.x in the order of its journal": Case(
        files={
            "meta/_journal.json": journal(("0001_b", 20), ("0000_a", 10), ("0002_gone", 30), ("../0003_out", 40)),
            "0000_a.sql": A,
            "0001_b.sql": f"{B}--> statement-breakpoint\nSELECT 1;",
            "0004_unlisted.sql": A,
        },
        tool=Tool.DRIZZLE,
        names=["0001_b", "0000_a"],
        transactions=[ALWAYS, ALWAYS],
        problems=[
            "_journal.json: the journal names 0002_gone.sql, and there is no such file",
            "_journal.json: the journal names ../0003_out.sql, which is outside the folder",
            "0004_unlisted.sql: meta/_journal.json does not list it, so Drizzle never runs it",
        ],
    ),
    "drizzle 0.x for another database": Case(
        files={"meta/_journal.json": journal(("0000_a", 10), dialect="sqlite"), "0000_a.sql": A},
        tool=Tool.DRIZZLE,
        names=[],
        transactions=[],
        problems=["_journal.json: the migrations here are for sqlite, not for PostgreSQL"],
    ),
    "drizzle 0.x with a journal that is none": Case(
        files={"meta/_journal.json": '{"entries": [{"tag": 1}]}', "0000_a.sql": A},
        tool=Tool.DRIZZLE,
        names=[],
        transactions=[],
        problems=["_journal.json: the journal has no `entries`, each with a `tag` and a `when`"],
    ),
    **{
        f"drizzle 0.x with a journal whose time is {when}": Case(
            files={"meta/_journal.json": f'{{"entries": [{{"tag": "0000_a", "when": {when}}}]}}', "0000_a.sql": A},
            tool=Tool.DRIZZLE,
            names=[],
            transactions=[],
            problems=["_journal.json: the journal has no `entries`, each with a `tag` and a `when`"],
        )
        for when in ("true", "-5", "10000000000000000000000000")
    },
    "drizzle 1.x": Case(
        files={
            "20260102000000_b/migration.sql": B,
            "20260102000000_b/snapshot.json": "{}",
            "20260101000000_a/migration.sql": A,
            "20260101000000_a/snapshot.json": "{}",
        },
        tool=Tool.DRIZZLE_1,
        names=["20260101000000_a", "20260102000000_b"],
        transactions=[ALWAYS, ALWAYS],
    ),
    "flyway": Case(
        files={
            "V10__ten.sql": A,
            "V2_1__two_one.sql": A,
            "V2__two.sql": A,
            "V2.0.1__two_nought_one.sql": A,
            "U2.0__back.sql": NO_A,
            "U7__of_nothing.sql": NO_A,
            "R__views.sql": "CREATE OR REPLACE VIEW v AS SELECT 1;",
            "V11__alone.sql": "CREATE INDEX CONCURRENTLY i ON a (id);",
            "V12__told.sql": A,
            "V12__told.sql.conf": "executeInTransaction=false\n",
            "B9__baseline.sql": A,
            "v2/V3__three.sql": "VACUUM a;",
        },
        tool=Tool.FLYWAY,
        names=[
            "V2__two",
            "V2.0.1__two_nought_one",
            "V2_1__two_one",
            "V3__three",
            "V10__ten",
            "V11__alone",
            "V12__told",
            "R__views",
        ],
        transactions=[ALWAYS, ALWAYS, ALWAYS, NEVER, ALWAYS, NEVER, NEVER, ALWAYS],
        back=[True, False, False, False, False, False, False, False],
        problems=["U7__of_nothing.sql: it takes U7__of_nothing back, and there is no file that makes U7__of_nothing"],
    ),
    "golang-migrate": Case(
        files={
            "10_b.up.sql": B,
            "010_no_b.down.sql": NO_B,
            "9_a.up.sql": A,
            "11_c.down.sql": NO_A,
        },
        tool=Tool.GOLANG_MIGRATE,
        names=["9_a", "10_b"],
        transactions=[IF_SEVERAL, IF_SEVERAL],
        back=[False, True],
        problems=["11_c.down.sql: it takes 11_c back, and there is no file that makes 11_c"],
    ),
    "dbmate": Case(
        files={
            "20260101_a.sql": f"-- a note\n-- migrate:up\n{A}\n\n-- migrate:down\n{NO_A}\n",
            "20260102_b.sql": (
                "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON a (id);\n-- migrate:down\n"
            ),
            "20260103_c.sql": A,
        },
        tool=Tool.DBMATE,
        names=["20260101_a", "20260102_b"],
        transactions=[ALWAYS, IF_SEVERAL],
        back=[True, True],
        problems=["20260103_c.sql: it has no line `-- migrate:up`, and dbmate stops at such a file"],
    ),
    "dbmate stops at": Case(
        files={
            "1_a.sql": f"-- migrate:up\n{A}\n",
            "2_a.sql": f"-- migrate:down\n{NO_A}\n-- migrate:up\n{A}\n",
            "3_a.sql": f"-- a note\n{A}\n-- migrate:up\n{B}\n-- migrate:down\n",
            "4_a.sql": f"-- migrate:up\n{A}\n-- migrate:down\n{NO_A}\n-- migrate:up\n{B}\n-- migrate:down\n{NO_B}\n",
            "5_a.sql": f"-- migrate:up\n{A}\n-- migrate:up\n{B}\n-- migrate:down\n",
            "6_a.sql": f"-- migrate:upper\n{A}\n-- migrate:down\n{NO_A}\n",
        },
        tool=Tool.DBMATE,
        names=["1_a"],
        transactions=[ALWAYS],
        problems=[
            f"{why}, and dbmate stops at such a file"
            for why in (
                "1_a.sql: it has no line `-- migrate:down`",
                "2_a.sql: its line `-- migrate:down` stands above `-- migrate:up`",
                "3_a.sql:2: there is SQL above its line `-- migrate:up`",
                "4_a.sql:5: there is a second `-- migrate:up`",
                "5_a.sql:3: there is a second `-- migrate:up`",
                "6_a.sql: it has no line `-- migrate:up`",
            )
        ],
    ),
    "goose": Case(
        files={
            "10_b.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{B}\n",
            "9_a.sql": f"-- +goose Up\n-- +goose StatementBegin\n{A}\n-- +goose StatementEnd\n-- +goose Down\n{NO_A}\n",
            "11_c.sql": A,
        },
        tool=Tool.GOOSE,
        names=["9_a", "10_b"],
        transactions=[ALWAYS, NEVER],
        back=[True, False],
        problems=["11_c.sql: it has no line `-- +goose Up`, and goose stops at such a file"],
    ),
    "goose stops at": Case(
        files={
            "1_a.sql": f"-- +goose up\n-- +goose StatementBegin\n{A}\n",
            "2_a.sql": f"{A}\n-- +goose Up\n{B}\n",
            "3_a.sql": f"-- +goose Down\n{NO_A}\n-- +goose Up\n{A}\n",
            "4_a.sql": f"-- +goose Up\n{A}\n-- +goose Up\n{B}\n",
            "5_a.sql": "-- +goose Up\nCREATE TABLE a (id int)\n-- +goose Down\n",
            "6_a.sql": f"-- +goose Up\n{A}\n-- see +goose docs\n",
            "7_a.sql": f"-- +goose Up\n-- +goose StatementBegin\n{A}\n-- +goose Down\n{NO_A}\n-- +goose StatementEnd\n",
            "8_a.sql": f"-- +goose Up\n{A}\n-- +goose StatementEnd\n",
            "9_a.sql": f"-- +goose StatementBegin\n-- +goose Up\n{A}\n-- +goose StatementEnd\n",
            "11_a.sql": f"-- +goose Up\n{A}\n-- +goose Down\nDROP TABLE a\n",
            "10_a.sql": f"-- +goose Up\n\n-- made by hand\n{A} -- all of it\n-- +GOOSE\n-- +goose down\n{NO_A}\n",
            "12_a.sql": f"-- +goose Up\n{A}\n{BODY}\n-- +goose StatementBegin\n{BODY}\n-- +goose StatementEnd\n",
        },
        tool=Tool.GOOSE,
        names=["10_a", "11_a", "12_a"],
        transactions=[ALWAYS, ALWAYS, ALWAYS],
        back=[True, True, False],
        problems=[
            f"11_a.sql:4: {OPEN}, and goose stops there on the way down",
            "12_a.sql:3: goose cuts the statement here behind the `;` of line 5, and stops at what is left of it",
            *(
                f"{why}, and goose stops at such a file"
                for why in (
                    "1_a.sql:2: the `-- +goose StatementBegin` here has no `-- +goose StatementEnd`",
                    "2_a.sql: there is SQL above its line `-- +goose Up`",
                    "3_a.sql: its line `-- +goose Down` stands above `-- +goose Up`",
                    "4_a.sql:3: there is a second `-- +goose Up`",
                    f"5_a.sql:2: {OPEN}",
                    "6_a.sql:3: goose does not know the line `-- see +goose docs`",
                    "7_a.sql:2: the `-- +goose StatementBegin` here has no `-- +goose StatementEnd`",
                    "8_a.sql:3: the `-- +goose StatementEnd` here has no `-- +goose StatementBegin`",
                    "9_a.sql: a `-- +goose StatementBegin` stands above its line `-- +goose Up`",
                )
            ),
        ],
    ),
    "sqitch": Case(
        files={
            "sqitch.plan": (
                "%syntax-version=1.0.0\n%project=shop\n\n"
                "schema/a 2026-01-01T00:00:00Z A <a@example.com> # first\n"
                "b [schema/a] 2026-01-02T00:00:00Z A <a@example.com>\n"
                "@v1 2026-01-03T00:00:00Z A <a@example.com> # out\n"
                "+ b [b@v1] 2026-01-04T00:00:00Z A <a@example.com> # again\n"
                "gone 2026-01-05T00:00:00Z A <a@example.com>\n"
                "../../etc/passwd 2026-01-06T00:00:00Z A <a@example.com>\n"
            ),
            "sqitch.conf": '[core]\n\tengine = pg\n\trevert_dir = back\n[engine "pg"]\n\ttarget = db:pg:\n',
            "deploy/schema/a.sql": f"BEGIN;\n{A}\nCOMMIT;\n",
            "back/schema/a.sql": NO_A,
            "deploy/b@v1.sql": B,
            "deploy/b.sql": "ALTER TABLE b ADD COLUMN c int;",
            "deploy/stray.sql": A,
            "verify/b.sql": "SELECT id FROM b WHERE false;",
        },
        tool=Tool.SQITCH,
        names=["schema/a", "b@v1", "b"],
        transactions=[NEVER, NEVER, NEVER],
        back=[True, False, False],
        problems=[
            "sqitch.plan:8: the plan has gone, and there is no deploy/gone.sql",
            "sqitch.plan:9: the plan names deploy/../../etc/passwd.sql, which is outside the folder",
            "stray.sql: sqitch.plan has no such change, so Sqitch never runs it",
        ],
    ),
    "diesel": Case(
        files={
            "2026-01-02-000000_b/up.sql": B,
            "2026-01-02-000000_b/metadata.toml": "run_in_transaction = false\n",
            "2026-01-01-000000_a/up.sql": A,
            "2026-01-01-000000_a/down.sql": NO_A,
            "2026-01-03-000000_c/down.sql": NO_A,
            "2026-01-04-000000_d/up.sql": A,
            "2026-01-04-000000_d/metadata.toml": "run_in_transaction = no",
        },
        tool=Tool.DIESEL,
        names=["2026-01-01-000000_a", "2026-01-02-000000_b", "2026-01-04-000000_d"],
        transactions=[ALWAYS, IF_SEVERAL, ALWAYS],
        back=[True, False, False],
        problems=[
            "down.sql: it takes 2026-01-03-000000_c back, and there is no file that makes 2026-01-03-000000_c",
            "metadata.toml: it is not TOML: Invalid value (at line 1, column 22); Diesel goes on as if it were empty",
        ],
    ),
    "folders of ways": Case(
        files={"10_b/up.sql": B, "2_a/up.sql": A, "2_a/down.sql": NO_A, "11_c/down.sql": NO_A},
        tool=Tool.UP_DOWN,
        names=["2_a", "10_b"],
        transactions=[NEVER, NEVER],
        back=[True, False],
        problems=["down.sql: it takes 11_c back, and there is no file that makes 11_c"],
    ),
    "node-pg-migrate": Case(
        files={
            "1767225600001_b.sql": f"-- Up Migration\n{B}\n-- Down Migration\n{NO_B}\n",
            "20260101000000000_a.sql": A,
            "1767225600002_c.sql": f"-- Down Migration\n{NO_A}\n--- up migration\n{A}\n",
        },
        tool=Tool.NODE_PG_MIGRATE,
        names=["20260101000000000_a", "1767225600001_b", "1767225600002_c"],
        transactions=[ALWAYS, ALWAYS, ALWAYS],
        back=[False, True, True],
    ),
    "pairs of names of no tool": Case(
        files={
            "2-b.up.sql": B,
            "2-b.down.sql": NO_B,
            "10_c_up.sql": A,
            "10_c_down.sql": NO_A,
            "3.do.d.sql": A,
            "3.undo.d.sql": NO_A,
            "1-sign_up.sql": A,
        },
        tool=Tool.UP_DOWN,
        names=["1-sign_up", "2-b", "3", "10_c"],
        transactions=[NEVER, NEVER, NEVER, NEVER],
        back=[False, True, True, True],
    ),
    "folders up and down": Case(
        files={"up/1.sql": A, "down/1.sql": NO_A, "up/2.sql": B},
        tool=Tool.UP_DOWN,
        names=["1", "2"],
        transactions=[NEVER, NEVER],
        back=[True, False],
    ),
    "folders deploy and revert without a plan": Case(
        files={"deploy/1.sql": A, "revert/1.sql": NO_A, "verify/1.sql": "SELECT 1;", "revert/2.sql": NO_B},
        tool=Tool.UP_DOWN,
        names=["1"],
        transactions=[NEVER],
        back=[True],
        problems=["2.sql: it takes 2 back, and there is no file that makes 2"],
    ),
    "parts of files of no tool": Case(
        files={"1.sql": f"-- +migrate Up\n{A}\n-- +migrate Down\n{NO_A}\n", "2.sql": f"-- UP\n{B}\n-- DOWN\n{NO_B}"},
        tool=Tool.UP_DOWN,
        names=["1", "2"],
        transactions=[NEVER, NEVER],
        back=[True, True],
    ),
    "plain files": Case(
        files={
            "10_b.sql": B,
            "9_a.SQL": A,
            "schema.sql": "--\n-- PostgreSQL database dump\n--\n\nCREATE TABLE a (id int);\n",
            "notes.md": "nothing",
        },
        tool=Tool.PLAIN,
        names=["9_a", "10_b"],
        transactions=[NEVER, NEVER],
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_folder_is_its_tools_project(tmp_path: Path, case: Case) -> None:
    project = only(tmp_path, case.files)

    assert project.tool is case.tool
    assert project.root == tmp_path
    assert names(project) == case.names
    assert [migration.transaction for migration in project.migrations] == case.transactions
    assert [migration.down is not None for migration in project.migrations] == (case.back or [False] * len(case.names))
    assert told(project) == case.problems
    assert project.asked is None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_orders_are_the_order(tmp_path: Path, case: Case) -> None:
    project = only(tmp_path, case.files)
    orders = [migration.order for migration in project.migrations]

    assert all(orders)
    if case.tool is not Tool.DRIZZLE:
        assert orders == sorted(orders)


def test_parts_of_a_file_have_their_own_statements_at_their_own_places(tmp_path: Path) -> None:
    goose = only(tmp_path / "goose", CASES["goose"].files)
    dbmate = only(tmp_path / "dbmate", CASES["dbmate"].files)

    assert ups(goose) == [["CREATE TABLE a (id int)"], ["CREATE TABLE b (id int)"]]
    assert downs(goose) == [["DROP TABLE a"], None]
    assert ups(dbmate) == [["CREATE TABLE a (id int)"], ["CREATE INDEX CONCURRENTLY i ON a (id)"]]
    assert downs(dbmate) == [["DROP TABLE a"], []]
    first = goose.migrations[0]
    assert first.down is not None
    assert (first.up.statements[0].position.line, first.down.statements[0].position.line) == (3, 6)


def test_a_down_part_before_the_up_part(tmp_path: Path) -> None:
    project = only(tmp_path, CASES["node-pg-migrate"].files)

    assert ups(project)[2] == ["CREATE TABLE a (id int)"]
    assert downs(project)[2] == ["DROP TABLE a"]


def test_ways_of_dbmate_have_transactions_of_their_own(tmp_path: Path) -> None:
    project = only(tmp_path, CASES["dbmate"].files)

    assert [migration.transaction_back for migration in project.migrations] == [ALWAYS, ALWAYS]


def test_flyway_reads_folders_below_a_folder_of_migrations(tmp_path: Path) -> None:
    project = only(tmp_path / "migration", {"v1/V1__a.sql": A, "v2/V2__b.sql": "VACUUM a;", "v2/deep/V1.5__c.sql": B})

    assert project.tool is Tool.FLYWAY
    assert names(project) == ["V1__a", "V1.5__c", "V2__b"]
    assert [migration.transaction for migration in project.migrations] == [ALWAYS, ALWAYS, NEVER]


def test_folders_for_other_databases_are_left_out(tmp_path: Path) -> None:
    files = {"migration/postgresql/V1__a.sql": A, "migration/mysql/V1__a.sql": "CREATE TABLE `a` (`id` int);"}
    write(tmp_path, {**files, "seeds/sqlite/1.sql": A})

    found = [(project.tool, project.root.relative_to(tmp_path).as_posix()) for project in read([tmp_path])]

    assert found == [(Tool.FLYWAY, "migration/postgresql"), (Tool.PLAIN, "seeds/sqlite")]


def test_flyway_keeps_files_of_one_name_apart(tmp_path: Path) -> None:
    project = only(tmp_path / "migration", {"one/V1__a.sql": A, "two/V1__a.sql": B})

    assert names(project) == ["V1__a", "V1__a"]
    assert ups(project) == [["CREATE TABLE a (id int)"], ["CREATE TABLE b (id int)"]]


def test_flyway_places_repeatable_migrations_last(tmp_path: Path) -> None:
    project = only(tmp_path, CASES["flyway"].files)

    assert [migration.repeatable for migration in project.migrations][-2:] == [False, True]


def test_flyway_checksums_are_of_the_lines_without_their_ends(tmp_path: Path) -> None:
    """The check value of CRC-32 is 0xCBF43926, which is negative as Java's int."""
    project = only(tmp_path, {"V1__a.sql": "1234\r\n\n56789\n", "V2__b.sql": "\ufeff123456789"})

    assert [migration.checksum for migration in project.migrations] == ["-873187034", "-873187034"]


@pytest.mark.parametrize(
    ("name", "tool", "checksum"),
    [
        ("prisma/migrations", Tool.PRISMA, "899a7772ac8ff7dc975a0e53166924a6ef4370af491382109606dc27b5b978eb"),
        ("drizzle", Tool.DRIZZLE, "1f192d73d357515b4ef379b3eabb484bbc32a59f83626768b1f4a5dd2696288e"),
        ("drizzle-1", Tool.DRIZZLE_1, "18fcba60da7ad1c4a3dcc10b9e55b9fc939970493cbc23ca15e3eb50b8be8480"),
    ],
)
def test_what_the_tools_themselves_wrote(name: str, tool: Tool, checksum: str) -> None:
    """The checksums are those of `sha256sum`, which the tools' history tables held."""
    (project,) = read([FIXTURES / name])
    (migration,) = project.migrations

    assert project.tool is tool
    assert project.problems == ()
    assert migration.checksum == checksum
    assert migration.up.unreadable == ()
    assert len(migration.up.statements) >= 4


def test_drizzle_is_ordered_by_when(tmp_path: Path) -> None:
    project = only(tmp_path, CASES["drizzle 0.x in the order of its journal"].files)

    assert [migration.order for migration in project.migrations] == [(20,), (10,)]


def test_sqitch_checksums_are_of_the_script(tmp_path: Path) -> None:
    project = only(tmp_path, {"sqitch.plan": "%project=p\na 2026-01-01T00:00:00Z A <a>\n", "deploy/a.sql": "abc"})

    assert project.migrations[0].checksum == "a9993e364706816aba3e25717850c26c9cd0d89d"


@pytest.mark.parametrize("tool", ["sqitch", "goose", "dbmate", "diesel", "golang-migrate", "node-pg-migrate"])
def test_tools_with_ways_down_are_reversible(tmp_path: Path, tool: str) -> None:
    assert only(tmp_path, CASES[tool].files).reversible


@pytest.mark.parametrize("tool", ["prisma", "drizzle 1.x", "plain files"])
def test_tools_without_are_not(tmp_path: Path, tool: str) -> None:
    assert not only(tmp_path, CASES[tool].files).reversible


def test_flyway_refuses_what_can_run_in_a_transaction_beside_what_cannot(tmp_path: Path) -> None:
    alone = "CREATE INDEX CONCURRENTLY i ON a (id);"
    files = {"V1__mixed.sql": f"{A}{alone}", "V2__alone.sql": alone, "V3__told.sql": f"{A}{alone}", "V4__a.sql": A}
    project = only(tmp_path, {**files, "V3__told.sql.conf": "executeInTransaction=false\n"})

    assert [m.name for m in project.migrations if m.is_mixed] == ["V1__mixed"]


def test_flyway_is_reversible_where_somebody_undoes(tmp_path: Path) -> None:
    assert only(tmp_path / "a", {"V1__a.sql": A, "U1__a.sql": NO_A}).reversible
    assert not only(tmp_path / "b", {"V1__a.sql": A}).reversible


def test_several_projects_below_one_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "billing/db/migration/V1__a.sql": A,
            "shop/prisma/migrations/20260101000000_a/migration.sql": A,
            "shop/prisma/migrations/seed.sql": "INSERT INTO a VALUES (1);",
            "scripts/x.sql": B,
            "node_modules/thing/1.sql": A,
            ".git/2.sql": A,
        },
    )

    found = [(project.tool, project.root.relative_to(tmp_path).as_posix()) for project in read([tmp_path])]

    assert found == [
        (Tool.FLYWAY, "billing/db/migration"),
        (Tool.PLAIN, "scripts"),
        (Tool.PRISMA, "shop/prisma/migrations"),
        (Tool.PLAIN, "shop/prisma/migrations"),
    ]


def test_placeholders_of_tools_are_read_as_names(tmp_path: Path) -> None:
    project = only(
        tmp_path, {"V1__a.sql": "CREATE TABLE ${schema}.users (note text DEFAULT '${x}');\nDROP TABLE t_${y};"}
    )
    script = project.migrations[0].up

    assert script.unreadable == ()
    assert script.statements[0].tree.relation.relname == "users"
    assert script.statements[0].text.startswith("CREATE TABLE ${schema}.users")
    assert script.statements[1].position.line == 2


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"V1__a.sql": "SELECT '${x}';\nSELECT 1;\nDO $$ BEGIN PERFORM '${x}'; END $$;"}, [1, 3]),
        ({"V1__a.sql": "SELECT '${x}';", "V1__a.sql.conf": "placeholderReplacement=false\n"}, []),
        (
            {
                "1_a.sql": "-- +goose Up\nSELECT '$X';\n-- +goose ENVSUB ON\nSELECT '${X}';\nSELECT '$X', $$a$$;\n"
                "-- +goose ENVSUB OFF\nSELECT '${X}';\n"
            },
            [4, 5],
        ),
        ({"001_a.sql": "SELECT '${x}', '$x';\nSELECT 1;\nCREATE TABLE ${x}.t ();\n\\i b\n"}, [3, 4]),
    ],
)
def test_statements_that_only_the_tool_can_send(tmp_path: Path, files: dict[str, str], told: list[int]) -> None:
    assert [part.position.line for part in only(tmp_path, files).migrations[0].up.unsent] == told

"""The plan key `migrations`: what a tool needs to know of a migration has to be there."""

from __future__ import annotations

import pytest

from crossfade.errors import InvalidPlan
from crossfade.plan.digest import plan_digest
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Plan

SUM = "0123456789abcdef" * 4
HEAD = "crossfade: 1\nname: mail\nchanges:\n  - rename_column: {table: users, from: email, to: mail}\n"


def plan(*migrations: str, more: str = "") -> Plan:
    listed = "".join(f"  - {one}\n" for one in migrations)
    return parse_plan(f"{HEAD}{more}migrations:\n{listed}", "p.yaml")


@pytest.mark.parametrize(
    "migration",
    [
        f"{{tool: prisma, name: 20260101000000_x, checksum: {SUM}, file: prisma/migrations/x/migration.sql}}",
        f"{{tool: drizzle, name: 0001_x, checksum: {SUM}, created_at: 1764000000000, after: 0000_init}}",
        f"{{tool: drizzle-1, name: 20260101000000_x, checksum: {SUM}}}",
        '{tool: flyway, name: V1_2__x, checksum: "-5", history: ops.flyway_schema_history}',
        '{tool: flyway, name: R__views, checksum: "5"}',
        '{tool: flyway, name: V3, checksum: "5"}',
        "{tool: golang-migrate, name: 2_x, after: 1_init, recorded: expand}",
        f"{{tool: dbmate, name: 2_x, checksum: {SUM}}}",
        "{tool: goose, name: 00002_x}",
        "{tool: diesel, name: 2026-01-01-000000_x}",
        "{tool: node-pg-migrate, name: 1764000000000_x}",
    ],
)
def test_a_migration_of_each_tool(migration: str) -> None:
    read = plan(migration)
    again = Plan.from_json(read.as_json())
    assert again == read
    assert plan_digest(again) == plan_digest(read)


@pytest.mark.parametrize(
    ("migration", "place", "message"),
    [
        ("{tool: prisma, name: 1_x}", "6:5", "prisma writes the checksum of `1_x`"),
        ("{tool: flyway, name: V1__x}", "6:5", "flyway writes the checksum of `V1__x`"),
        ("{tool: prisma, name: 1_x, checksum: abc}", "6:41", "expected 64 hexadecimal digits, a SHA-256; got `abc`"),
        (f"{{tool: flyway, name: V1__x, checksum: {SUM}}}", "6:43", "expected a CRC-32 as a signed number"),
        (f"{{tool: drizzle, name: 0_x, checksum: {SUM}}}", "6:5", "Drizzle 0.x tells migrations apart by their time"),
        ("{tool: goose, name: 1_x, created_at: 5}", "6:42", "goose has no such time"),
        ("{tool: goose, name: x}", "6:25", "`x` does not begin with a number"),
        ('{tool: flyway, name: x, checksum: "1"}', "6:26", "`x` is no name of Flyway's"),
        (f"{{tool: drizzle-1, name: x, checksum: {SUM}}}", "6:29", "`x` does not begin with a time"),
        ("{tool: sqitch, name: x}", "6:12", "crossfade does not write sqitch's registry"),
        ("{tool: rails, name: x}", "6:12", "expected `prisma`, `drizzle`"),
    ],
)
def test_what_its_tool_could_not_use_is_a_fault(migration: str, place: str, message: str) -> None:
    with pytest.raises(InvalidPlan) as error:
        plan(migration)
    [problem] = error.value.problems
    assert f"{problem.line}:{problem.column}" == place, problem
    assert problem.message.startswith(message)


def test_a_migration_stands_once() -> None:
    with pytest.raises(InvalidPlan, match="stands here twice"):
        plan("{tool: goose, name: 1_x}", "{tool: goose, name: 1_x}")
    plan("{tool: goose, name: 1_x}", "{tool: goose, name: 1_x, history: other.goose_db_version}")


def test_a_plan_with_a_schedule_records_nothing() -> None:
    text = 'changes:\n  - delete_rows: {table: t, where: "id < 5"}\nschedule: {cron: "0 3 * * *"}\n'
    with pytest.raises(InvalidPlan, match="a migration is recorded once"):
        parse_plan(f"crossfade: 1\nname: x\n{text}migrations:\n  - {{tool: goose, name: 1_x}}\n", "p.yaml")

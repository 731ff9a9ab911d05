"""What each tool would run, by the rows of its history; and the locks that tools were seen to hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.migrations.histories import HISTORIES, entries_of
from crossfade.migrations.histories.history import Entry, Place
from crossfade.migrations.read import read
from crossfade.plan.migrations import TOOLS
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def names(*found: str) -> list[Entry]:
    return [Entry(name=name, after=before) for name, before in zip(found, (None, *found), strict=False)]


def prisma(name: str, *, finished: bool = True, rolled_back: bool = False) -> dict[str, Any]:
    return {
        "migration_name": name,
        "finished_at": NOW if finished else None,
        "rolled_back_at": NOW if rolled_back else None,
    }


def flyway(version: str | None, checksum: int = 0, kind: str = "SQL", **more: Any) -> dict[str, Any]:
    row = {"version": version, "type": kind, "checksum": checksum, "success": True, "script": "V.sql"}
    return {**row, "description": "views", **more}


def times(*found: int) -> list[Entry]:
    return [Entry(name=f"{time:04}_m", created_at=time) for time in found]


PENDING: dict[str, tuple[str, list[Entry], list[dict[str, Any]], list[str]]] = {
    "prisma: no row, or none that is finished and stays": (
        "prisma",
        names("1_a", "2_b", "3_c"),
        [prisma("1_a"), prisma("2_b", rolled_back=True)],
        ["2_b", "3_c"],
    ),
    "drizzle 0.x: newer than the latest": (
        "drizzle",
        times(1, 2, 3),
        [{"created_at": 1}, {"created_at": 2}],
        ["0003_m"],
    ),
    "drizzle 0.x: all of an empty history": ("drizzle", times(1, 2), [], ["0001_m", "0002_m"]),
    "drizzle 1.x: by the name": ("drizzle-1", names("1_a", "2_b"), [{"name": "2_b"}, {"name": None}], ["1_a"]),
    "golang-migrate: above the number": (
        "golang-migrate",
        names("1_a", "2_b", "10_c"),
        [{"version": 2, "dirty": False}],
        ["10_c"],
    ),
    "golang-migrate: all of an empty history": ("golang-migrate", names("1_a", "2_b"), [], ["1_a", "2_b"]),
    "dbmate: by the digits": ("dbmate", names("1_a", "2_b"), [{"version": "2"}], ["1_a"]),
    "goose: by the last row of a number": (
        "goose",
        names("1_a", "2_b"),
        [{"version_id": n, "is_applied": a} for n, a in ((1, True), (2, True), (2, False))],
        ["2_b"],
    ),
    "diesel: without hyphens": (
        "diesel",
        names("2026-01-02-000000_a", "2026-01-03-000000_b"),
        [{"version": "20260102000000"}],
        ["2026-01-03-000000_b"],
    ),
    "node-pg-migrate: by the name": ("node-pg-migrate", names("1_a", "2_b"), [{"name": "1_a"}], ["2_b"]),
    "flyway: versions are numbers": ("flyway", names("V1__a", "V1_10__b"), [flyway("1.0")], ["V1_10__b"]),
    "flyway: a baseline has what is before it": (
        "flyway",
        names("V1__a", "V2__b", "V3__c"),
        [flyway("2", kind="BASELINE")],
        ["V3__c"],
    ),
    "flyway: what was undone": ("flyway", names("V1__a"), [flyway("1"), flyway("1", kind="UNDO_SQL")], ["V1__a"]),
    "flyway: a repeatable one that has changed": (
        "flyway",
        [Entry(name="R__views", checksum="7"), Entry(name="R__rows", checksum="9")],
        [flyway(None, 6), flyway(None, 7), flyway(None, 8, description="rows")],
        ["R__rows"],
    ),
}


@pytest.mark.parametrize("case", PENDING)
def test_what_a_tool_would_run(case: str) -> None:
    tool, entries, rows, wanted = PENDING[case]
    found = HISTORIES[tool].pending(entries, rows)
    assert [entry.name for entry in found.entries] == wanted
    assert found.hidden == ()
    assert found.halted is None


def test_drizzle_0_never_runs_what_is_older_than_the_latest() -> None:
    found = HISTORIES["drizzle"].pending(times(1, 2, 3), [{"created_at": 1}, {"created_at": 3}])
    assert found.entries == ()
    assert [entry.name for entry in found.hidden] == ["0002_m"]


@pytest.mark.parametrize(
    ("tool", "row", "why"),
    [
        ("prisma", prisma("1_a", finished=False), "1_a has begun and not ended (P3009)"),
        ("flyway", flyway("1", success=False), "V.sql has failed"),
        ("golang-migrate", {"version": 4, "dirty": True}, "4 has failed: the database is dirty"),
    ],
)
def test_a_tool_stops_at_what_has_failed(tool: str, row: dict[str, Any], why: str) -> None:
    assert HISTORIES[tool].pending([], [row]).halted == why


@pytest.mark.parametrize(
    ("tool", "entries", "rows", "why"),
    [
        ("goose", names("1_a", "2_b", "4_d"), [{"version_id": n, "is_applied": True} for n in (0, 1, 3)], "2_b is not"),
        ("node-pg-migrate", names("1_a", "2_b", "3_c"), [{"name": "1_a"}, {"name": "3_c"}], "its folder has 2_b where"),
        ("flyway", names("V1__a", "V1_9__b", "V3__c"), [flyway("1"), flyway("2")], "V1_9__b is not applied and comes"),
        ("flyway", names("V1__a", "V3__c"), [flyway("1"), flyway("4"), flyway("4", kind="UNDO_SQL")], None),
    ],
)
def test_a_tool_stops_at_one_that_was_passed_over(
    tool: str, entries: list[Entry], rows: list[dict[str, Any]], why: str | None
) -> None:
    halted = HISTORIES[tool].pending(entries, rows).halted
    assert halted is None if why is None else str(halted).startswith(why)


def test_a_row_of_prisma_that_was_rolled_back_stops_nothing() -> None:
    assert HISTORIES["prisma"].pending([], [prisma("1_a", finished=False, rolled_back=True)]).halted is None


@pytest.mark.parametrize(
    ("tool", "database", "table", "keys"),
    [
        # Seen in pg_locks while golang-migrate 4 and Flyway 11.8 were at work, called with a URL.
        ("golang-migrate", "g1", "schema_migrations", {1604123974}),
        ("flyway", "postgres", "flyway_schema_history", {77433833903597}),
        ("prisma", "x", "_prisma_migrations", {72707369}),
        ("node-pg-migrate", "x", "pgmigrations", {7241865325823964}),
    ],
)
def test_the_locks_are_those_of_the_tools(tool: str, database: str, table: str, keys: set[int]) -> None:
    place = Place(database=database, table=QualifiedName("public", table))
    assert keys <= set(HISTORIES[tool].locks(place))


def test_every_tool_of_a_plan_has_a_history() -> None:
    assert set(HISTORIES) == set(TOOLS)


def test_a_folder_gives_its_entries_in_order_with_what_the_history_tells_them_by(tmp_path: Path) -> None:
    for number, name in enumerate(("0000_init", "0001_more")):
        (tmp_path / f"{name}.sql").write_text(f"SELECT {number};", encoding="utf-8")
    (tmp_path / "meta").mkdir()
    listed = ", ".join(f'{{"tag": "{name}", "when": {when}}}' for name, when in (("0000_init", 5), ("0001_more", 9)))
    (tmp_path / "meta" / "_journal.json").write_text(f'{{"entries": [{listed}]}}', encoding="utf-8")
    [project] = read([tmp_path])
    first, second = entries_of(project)
    assert (first.name, first.created_at, first.after) == ("0000_init", 5, None)
    assert (second.name, second.created_at, second.after) == ("0001_more", 9, "0000_init")
    assert second.checksum == project.migrations[1].checksum

"""What the rows of a history say of files that are there, of files that have changed, and of files that are gone."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from crossfade.migrations.histories import HISTORIES, entries_of
from crossfade.migrations.histories.history import Entry
from crossfade.migrations.migration import Migration, Problem, Project, Tool
from crossfade.migrations.past import Past, Witness, of_history
from crossfade.migrations.script import Script, Source

NOW = object()


def prisma(name: str, checksum: str = "1", *, finished: bool = True, rolled_back: bool = False) -> dict[str, Any]:
    ends = {"finished_at": NOW if finished else None, "rolled_back_at": NOW if rolled_back else None}
    return {"migration_name": name, "checksum": checksum, **ends}


def flyway(version: str | None, checksum: int | None = 1, kind: str = "SQL", **more: Any) -> dict[str, Any]:
    row = {"version": version, "type": kind, "checksum": checksum, "success": True, "script": f"V{version}__a.sql"}
    return {**row, "description": "a", **more}


def drizzle(time: int, checksum: str = "1") -> dict[str, Any]:
    return {"created_at": time, "hash": checksum}


def keyed(column: str, *keys: object) -> list[dict[str, Any]]:
    return [{column: key} for key in keys]


SUMS: list[tuple[str, Entry, list[dict[str, Any]], set[str]]] = [
    ("prisma", Entry(name="1_a"), [prisma("1_a", "7"), prisma("1_a", "8", rolled_back=True), prisma("2", "9")], {"7"}),
    ("prisma", Entry(name="1_a"), [prisma("1_a", finished=False)], set()),
    ("drizzle", Entry(name="a", created_at=5), [drizzle(5, "7"), drizzle(6, "8")], {"7"}),
    ("drizzle-1", Entry(name="1_a"), [{"name": "1_a", "hash": "7"}, {"name": None, "hash": "8"}], {"7"}),
    ("flyway", Entry(name="V1_0__a"), [flyway("1", -7)], {"-7"}),
    ("flyway", Entry(name="V1__a"), [flyway("1", -7), flyway("1", None, "UNDO_SQL")], set()),
    ("flyway", Entry(name="V1__a"), [flyway("2", None, "BASELINE"), flyway("1", None)], set()),
    ("flyway", Entry(name="R__a"), [flyway(None, 7)], set()),
    ("goose", Entry(name="1_a"), [{"version_id": 1, "is_applied": True}], set()),
]


@pytest.mark.parametrize(("tool", "entry", "rows", "sums"), SUMS)
def test_the_checksums_that_rows_have(tool: str, entry: Entry, rows: list[dict[str, Any]], sums: set[str]) -> None:
    assert HISTORIES[tool].sums(entry, rows) == sums


ONE = [Entry(name="1_a", created_at=1, checksum="x")]
LOST: list[tuple[str, list[Entry], list[dict[str, Any]], tuple[str, ...]]] = [
    ("prisma", ONE, [prisma("1_a"), prisma("2_b"), prisma("3_c", rolled_back=True)], ("2_b",)),
    ("drizzle", ONE, [drizzle(1), drizzle(2), drizzle(3, "x")], ("created_at 2",)),
    ("drizzle-1", ONE, [{"name": "1_a"}, {"name": "2_b"}, {"name": None}], ("2_b",)),
    ("golang-migrate", ONE, [{"version": 1, "dirty": False}], ()),
    ("golang-migrate", ONE, [{"version": 2, "dirty": False}], ("version 2",)),
    ("golang-migrate", ONE, [{"version": -1, "dirty": False}], ()),
    ("dbmate", ONE, keyed("version", "1", "2"), ("2",)),
    ("diesel", ONE, keyed("version", "1", "2"), ("2",)),
    ("node-pg-migrate", ONE, keyed("name", "1_a", "2_b"), ("2_b",)),
    (
        "goose",
        ONE,
        [{"version_id": n, "is_applied": a} for n, a in ((0, True), (1, True), (2, True), (3, True), (3, False))],
        ("2",),
    ),
    (
        "flyway",
        [Entry(name="V1__a"), Entry(name="R__kept")],
        [
            flyway(None, None, "SCHEMA", script="<< Flyway Schema Creation >>"),
            flyway("0", None, "BASELINE"),
            flyway("1.0"),
            flyway("2"),
            flyway("2", kind="UNDO_SQL"),
            flyway("3"),
            flyway("3", kind="DELETE"),
            flyway("4", kind="JDBC"),
            flyway("5", success=False),
            flyway("6"),
            flyway(None, description="kept", script="R__kept.sql"),
            flyway(None, description="gone", script="R__gone.sql"),
        ],
        ("V6__a.sql", "R__gone.sql"),
    ),
]


@pytest.mark.parametrize(("tool", "entries", "rows", "lost"), LOST)
def test_what_rows_have_and_no_file_makes(
    tool: str, entries: list[Entry], rows: list[dict[str, Any]], lost: tuple[str, ...]
) -> None:
    assert HISTORIES[tool].lost(entries, rows) == lost


def project(*names: str, text: str = "SELECT 1;\n") -> Project:
    migrations = []
    for name in names:
        file = Path("db") / name / "migration.sql"
        up = Script(source=Source(file, text))
        checksum = sha256(text.encode()).hexdigest()
        migrations.append(Migration(name=name, file=file, up=up, order=(name,), checksum=checksum))
    return Project(tool=Tool.PRISMA, root=Path("db"), migrations=tuple(migrations))


def past(of: Project, *rows: dict[str, Any]) -> Past | None:
    return of_history(of, HISTORIES["prisma"], rows, "public.t", entries_of(of))


def test_a_history_that_fits_has_nothing_to_say() -> None:
    summed = sha256(b"SELECT 1;\r\n").hexdigest()
    found = past(project("1_a", "2_b", "3_c"), prisma("1_a", summed), prisma("2_b", sha256(b"SELECT 1;\n").hexdigest()))

    applied = frozenset(Path(f"db/{name}/migration.sql") for name in ("1_a", "2_b"))
    assert found == Past(witness=Witness.HISTORY, where="public.t", applied=applied)


def test_what_is_pending_before_what_is_applied() -> None:
    found = past(project("1_a", "2_b", "3_c", "4_d"), prisma("1_a"), prisma("3_c"))

    assert found is not None
    assert [(late.migration.name, late.other) for late in found.late] == [("2_b", "3_c")]
    assert [one.name for one in found.changed] == ["1_a", "3_c"]


def test_rows_of_another_project_say_nothing() -> None:
    assert past(project("1_a"), prisma("7_x")) is None


def test_what_is_gone_is_told_only_of_what_was_read_as_a_whole() -> None:
    whole = project("1_a")
    rows = (prisma("1_a"), prisma("7_x"))
    narrowed = replace(whole, asked=frozenset({Path("db/1_a/migration.sql")}))
    faulty = replace(whole, problems=(Problem(file=Path("db/7_x/migration.sql"), message="it is no text"),))

    assert [found.gone for of in (whole, narrowed, faulty) if (found := past(of, *rows))] == [("7_x",), (), ()]

"""What pending migrations do under each other's locks, where the tool runs all of them in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.lint.check import check
from crossfade.lint.finding import Severity
from crossfade.migrations.migration import Project, Tool
from crossfade.migrations.projects import narrowed

from ..migrations.folders import only
from .told import EMPTY

if TYPE_CHECKING:
    from pathlib import Path

ADD = "ALTER TABLE users ADD CONSTRAINT tid CHECK (id > 0) NOT VALID;"
VALIDATE = "ALTER TABLE users VALIDATE CONSTRAINT tid;"
NAMES = {
    Tool.DRIZZLE_1: "2026010{}000000_a/migration.sql",
    Tool.NODE_PG_MIGRATE: "176722560000{}_a.sql",
    Tool.GOOSE: "0000{}_a.sql",
}
HEADS = {Tool.NODE_PG_MIGRATE: "-- Up Migration\n", Tool.GOOSE: "-- +goose Up\n"}


def folder(root: Path, tool: Tool, *texts: str) -> Project:
    files = {NAMES[tool].format(n): HEADS.get(tool, "") + text for n, text in enumerate(texts, start=1)}
    if tool is Tool.DRIZZLE_1:
        files |= {name.replace("migration.sql", "snapshot.json"): "{}" for name in files}
    project = only(root, files)
    assert project.tool is tool
    return project


def told(project: Project) -> list[tuple[str, str]]:
    found = check([project], EMPTY).findings
    assert all(f.severity is Severity.WARNING for f in found if f.rule == "work-while-lock-held")
    return [(str(f.file.relative_to(project.root)), f.message) for f in found if f.rule == "work-while-lock-held"]


def asked(project: Project, *numbers: int) -> Project:
    made = narrowed(project, [project.migrations[n - 1].file for n in numbers])
    assert made is not None
    return made


@pytest.mark.parametrize(
    ("tool", "runs"),
    [
        (Tool.DRIZZLE_1, "Drizzle runs 20260102000000_a and this"),
        (Tool.NODE_PG_MIGRATE, "node-pg-migrate runs 1767225600002_a and this"),
        (Tool.GOOSE, None),
    ],
)
def test_a_table_is_read_under_the_lock_of_the_migration_before(tmp_path: Path, tool: Tool, runs: str | None) -> None:
    project = folder(tmp_path, tool, "SELECT 1;", ADD, VALIDATE)
    wanted = (
        "reads all rows of public.users while reads and writes of public.users wait, about 143 ms for each million "
        f"rows: where they are pending together, {runs} in one transaction, which keeps every lock to its end."
    )
    assert told(asked(project, 2, 3)) == ([(NAMES[tool].format(3), wanted)] if runs else [])


def test_only_what_is_known_to_be_pending_together(tmp_path: Path) -> None:
    """Nor does anybody wait for a table that is made with it, or for a lock that comes after the work."""
    project = folder(tmp_path, Tool.DRIZZLE_1, ADD, VALIDATE, "CREATE TABLE t (id int);", "CREATE INDEX ON t (id);")
    assert told(project) == []
    assert told(asked(project, 2)) == []
    assert told(asked(project, 3, 4)) == []
    assert told(asked(folder(tmp_path / "turned", Tool.DRIZZLE_1, VALIDATE, ADD), 1, 2)) == []

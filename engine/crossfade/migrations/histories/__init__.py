"""The histories of tools: which migrations a database has, by each tool's own rules. Pure; see `history`.

HISTORIES[tool]       the table and rules of a tool
entry_of(covered)     a migration of a plan
entries_of(project)   the migrations of a folder, in the tool's order
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.histories import (
    dbmate,
    diesel,
    drizzle,
    drizzle_1,
    flyway,
    golang_migrate,
    goose,
    node_pg_migrate,
    prisma,
)
from crossfade.migrations.histories.history import Entry
from crossfade.migrations.migration import Tool

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import History
    from crossfade.migrations.migration import Project
    from crossfade.plan.migrations import CoveredMigration

_ALL = (prisma, drizzle, drizzle_1, flyway, golang_migrate, dbmate, goose, diesel, node_pg_migrate)
HISTORIES: dict[str, History] = {module.HISTORY.tool.value: module.HISTORY for module in _ALL}
"""By the name of the tool."""


def entry_of(covered: CoveredMigration) -> Entry:
    """A migration that a plan covers."""
    return Entry(
        name=covered.name,
        file=covered.file,
        checksum=covered.checksum,
        created_at=covered.created_at,
        after=covered.after,
    )


def entries_of(project: Project) -> tuple[Entry, ...]:
    """A project's migrations, in the tool's order."""
    found: dict[str, Entry] = {}
    before: str | None = None
    for migration in project.migrations:
        if migration.name in found:
            continue
        when = migration.order[0] if project.tool is Tool.DRIZZLE else None
        found[migration.name] = Entry(
            name=migration.name,
            file=str(migration.file),
            checksum=migration.checksum,
            created_at=when if isinstance(when, int) else None,
            after=before,
        )
        before = migration.name
    return tuple(found.values())

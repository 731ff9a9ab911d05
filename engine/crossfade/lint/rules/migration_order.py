"""Migrations of which the tool applies only one, or none, because of their place in the order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool
from crossfade.migrations.past import Witness
from crossfade.migrations.versions import version_of

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.seen import SeenMigration, SeenProject
    from crossfade.migrations.migration import Migration, Project
    from crossfade.migrations.past import Beside, Past

_PASSED_OVER: Mapping[Tool, str] = {
    Tool.DRIZZLE: "Drizzle never runs it, and says nothing: it looks at the latest `when` only",
    Tool.GOLANG_MIGRATE: "golang-migrate never runs it, and says nothing: it remembers the last number only",
    Tool.FLYWAY: "Flyway stops at it, unless it may run out of order (outOfOrder)",
    Tool.GOOSE: "goose stops at it, unless it is called with -allow-missing",
    Tool.NODE_PG_MIGRATE: "node-pg-migrate stops at it, unless it is called with --no-check-order",
    Tool.SQITCH: "Sqitch stops, since what follows in the plan has another ID by it",
}
"""What the tool does about one that comes before one that is applied; others run it all the same."""
_LATER: Mapping[Tool, str] = {
    Tool.PRISMA: "Prisma runs it all the same",
    Tool.DRIZZLE_1: "Drizzle runs it all the same",
    Tool.DBMATE: "dbmate runs it all the same, unless it is called with --strict",
    Tool.DIESEL: "Diesel runs it all the same",
}


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    yield from _same_version(project)
    if project.project.tool is Tool.DRIZZLE:
        yield from _skipped_by_drizzle(project)


def _same_version(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    first: dict[object, Migration] = {}
    for seen in project.migrations:
        version = version_of(project.project.tool, seen.migration)
        other = first.setdefault(version, seen.migration)
        if version is not None and other.file != seen.migration.file:
            yield seen, _doubled(project.project.tool, seen.migration, other.name)


def _doubled(tool: Tool, migration: Migration, other: str) -> Said:
    return Said(
        message=f"{migration.name} has the version of {other}: {tool.spelled} tells them apart by nothing else, and "
        "refuses both, or applies only one of them.",
        instead="Another version, behind all that were applied.",
    )


def _skipped_by_drizzle(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    told = {late.migration.file for past in project.project.past for late in past.late}
    latest: Migration | None = None
    for seen in project.migrations:
        own = seen.migration
        if latest is not None and own.order and latest.order and own.order <= latest.order:
            if own.file not in told:
                yield seen, _skipped(own, latest)
        else:
            latest = own


def _skipped(own: Migration, latest: Migration) -> Said:
    return Said(
        message=f"{own.name} has a `when` in the journal that is not behind that of {latest.name}: where "
        f"{latest.name} is applied already, Drizzle skips {own.name} and says nothing.",
        instead=f'"when": {int(latest.order[0]) + 1}',
    )


def _past(project: Project) -> Iterator[tuple[Path, Said]]:
    told: set[Path] = set()
    for past in sorted(project.past, key=lambda past: past.witness is not Witness.HISTORY):
        for late in past.late:
            if late.migration.file not in told:
                told.add(late.migration.file)
                yield late.migration.file, _late(project.tool, past, late)
        for double in past.doubled:
            name = f"{double.other}, which {past.where} has by now"
            yield double.migration.file, _doubled(project.tool, double.migration, name)


def _late(tool: Tool, past: Past, late: Beside) -> Said:
    is_applied = past.witness is Witness.HISTORY
    place = f"{late.migration.name} comes before {late.other}, which {past.where} has"
    then = " as applied: " if is_applied else ": where that is applied, "
    does = _PASSED_OVER.get(tool)
    later = does or f"{_LATER.get(tool, 'it may be run')}, but behind {late.other}; a database made anew has it before"
    field = "`when`" if tool is Tool.DRIZZLE else "name"
    return Said(
        message=f"{place}{then}{later}.",
        instead=f"A place behind {late.other}, by its {'line in sqitch.plan' if tool is Tool.SQITCH else field}.",
        severity=None if does else Severity.WARNING,
    )


RULE = Rule(
    id="migration-order",
    severity=Severity.ERROR,
    summary="a migration that its tool never applies, or not in its place, because of its version",
    explanation="""
Two migrations of one version: golang-migrate, goose and Flyway refuse to start; dbmate and Diesel take the second for
applied, or fail on the key of their history.

Two branches that are merged leave a migration before one that is applied. Drizzle up to 0.x applies what has a `when`
above the highest one in its history, and golang-migrate what has a number above the last one: they skip it, in silence,
on every database that has the later one, and apply it on those that are made anew. Flyway, goose and node-pg-migrate
stop at it unless they are told not to. Prisma, Drizzle 1.x, dbmate and Diesel run it behind the others, so that
databases differ in the order; that is a warning.

Within a folder it is seen by versions that are the same, and by the journal of Drizzle. With --database it is told of
what is pending before a row of the tool's history; golang-migrate has no row to tell it by. With --git-diff REF it is
told of new files before those that REF has by now, and of those with a version that REF has given to another file.
""",
    project=_project,
    past=_past,
)

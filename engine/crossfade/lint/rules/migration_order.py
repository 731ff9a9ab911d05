"""Migrations of which the tool applies only one, or none, because of their place in the order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject
    from crossfade.migrations.migration import Migration

_WHOLE_ORDER = frozenset({Tool.GOLANG_MIGRATE, Tool.GOOSE, Tool.FLYWAY})
_DIGITS = re.compile(r"\d+")


def _version(tool: Tool, migration: Migration) -> object:
    """By what the tool's history tells one migration from another; None where it goes by the whole name."""
    if migration.repeatable or not migration.order:
        return None
    if tool in _WHOLE_ORDER:
        return migration.order
    if tool is Tool.DIESEL:
        return migration.order[0]
    if tool is Tool.DBMATE:
        digits = _DIGITS.match(migration.file.name)
        return digits[0] if digits is not None else None
    return None


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    yield from _same_version(project)
    if project.project.tool is Tool.DRIZZLE:
        yield from _skipped_by_drizzle(project)


def _same_version(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    first: dict[object, Migration] = {}
    for seen in project.migrations:
        version = _version(project.project.tool, seen.migration)
        other = first.setdefault(version, seen.migration)
        if version is not None and other.file != seen.migration.file:
            yield (
                seen,
                Said(
                    message=f"{seen.migration.name} has the version of {other.name}: {project.project.tool} tells them "
                    "apart by nothing else, and refuses both, or applies only one of them.",
                    instead="Another version, behind all that were applied.",
                    is_planned=False,
                ),
            )


def _skipped_by_drizzle(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    latest: Migration | None = None
    for seen in project.migrations:
        own = seen.migration
        if latest is not None and own.order and latest.order and own.order <= latest.order:
            yield (
                seen,
                Said(
                    message=f"{own.name} has a `when` in the journal that is not behind that of {latest.name}: where "
                    f"{latest.name} is applied already, Drizzle skips {own.name} and says nothing.",
                    instead=f'"when": {int(latest.order[0]) + 1}',
                    is_planned=False,
                ),
            )
        else:
            latest = own


RULE = Rule(
    id="migration-order",
    severity=Severity.ERROR,
    summary="a migration that its tool never applies, because of its version or place",
    explanation="""
Two migrations of one version: golang-migrate, goose and Flyway refuse to start; dbmate and Diesel take the second for
applied, or fail on the key of their history.

Drizzle up to 0.x applies what has a `when` above the highest one in its history. Two branches that were merged leave an
entry below one that is applied: it is skipped, in silence, on every database that has the later one, and applied on
those that are made anew.
""",
    project=_project,
)

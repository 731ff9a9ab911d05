"""All rules over all projects: findings in the order of the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from crossfade.large_stack import as_deep_as_it_takes
from crossfade.lint.finding import Finding, Severity
from crossfade.lint.naming import ANY_NAME, Naming
from crossfade.lint.plans import Plans
from crossfade.lint.rules import REST, RULES
from crossfade.lint.second_processor import both
from crossfade.lint.walk import walk
from crossfade.migrations.migration import Tool
from crossfade.migrations.script import Position
from crossfade.migrations.typed import Enums
from crossfade.plan.fixed import NOTHING_FIXED, Fixed

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.rule import Rule, Said
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement
    from crossfade.migrations.migration import Migration, Project
    from crossfade.migrations.script import Script
    from crossfade.postgres.forecast import Schema

_NO_ENUMS = Enums()
_SHARED = 200
"""So many statements are worth a second process."""


def _looking_at_statements(*rules: Rule) -> tuple[tuple[Rule, Callable[[SeenStatement], Iterator[Said]]], ...]:
    return tuple((rule, rule.statement) for rule in rules if rule.statement is not None)


_OF_STATEMENTS, _REST = _looking_at_statements(*RULES), _looking_at_statements(REST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was looked at, and what was found."""

    projects: tuple[Project, ...]
    findings: tuple[Finding, ...]


def check(
    projects: Iterable[Project],
    schema: Schema,
    fixed: Fixed = NOTHING_FIXED,
    naming: Naming = ANY_NAME,
    enums: Enums = _NO_ENUMS,
) -> Report:
    """Every project over the schema; loose files over the schema as those before them leave it.

    `fixed` is what none of them may change, `naming` how things are to be called, `enums` those that a database has.
    """
    return as_deep_as_it_takes(partial(_checked, tuple(projects), schema, fixed, naming, enums))


def _checked(projects: tuple[Project, ...], schema: Schema, fixed: Fixed, naming: Naming, enums: Enums) -> Report:
    found, loose = list[Finding](), schema
    for project in projects:
        if project.tool is Tool.PLAIN:
            seen, loose = walk(project, loose, fixed, naming)
        else:
            # A tool's folder is all that its database is made of.
            seen, _ = walk(project, schema, fixed, naming)
        found += _of_project(replace(seen, enums=enums))
    return Report(projects=projects, findings=tuple(found))


def _of_project(seen: SeenProject) -> Iterator[Finding]:
    plans = Plans(seen)
    yield from _of_migrations(seen, plans)
    for rule in RULES:
        for migration, said in rule.project(seen) if rule.project is not None else ():
            yield _about_file(rule, migration, said, plans)
        for file, said in rule.past(seen.project) if rule.past is not None else ():
            yield _about_past(rule, file, said)


def _of_migrations(seen: SeenProject, plans: Plans) -> Iterator[Finding]:
    def found(migrations: Sequence[SeenMigration]) -> list[Finding]:
        return [finding for migration in migrations for finding in _of_migration(migration, seen.project, plans)]

    pending = [one for one in seen.migrations if one.migration.file not in seen.project.applied]
    if sum(len(one.up) + len(one.down) for one in pending) < _SHARED:
        yield from found(pending)
        return
    middle = len(pending) // 2
    for half in both(partial(found, pending[:middle]), partial(found, pending[middle:])):
        yield from half


def _of_migration(migration: SeenMigration, project: Project, plans: Plans) -> Iterator[Finding]:
    yield from _unreadable(migration.migration)
    for statement in (*migration.up, *migration.down):
        if project.asks_for(statement.statement.source.path):
            plan = partial(plans.plan_for, migration, statement.statement)
            yield from _of_statement(statement, plan)
    for rule in RULES:
        for said in rule.migration(migration) if rule.migration is not None else ():
            yield _about_file(rule, migration, said, plans)


def _of_statement(seen: SeenStatement, plan: Callable[[], str | None]) -> Iterator[Finding]:
    found = [_planned(rule, seen, said, plan) for rule, look in _OF_STATEMENTS for said in look(seen)]
    if not any(f.severity is Severity.ERROR for f in found):
        found += [_planned(rule, seen, said, plan) for rule, look in _REST for said in look(seen)]
    yield from found


def _planned(rule: Rule, seen: SeenStatement, said: Said, plan: Callable[[], str | None]) -> Finding:
    """With the plan that does it without this; the way down is no plan's matter, nor is what a body does."""
    has_plan = said.is_planned and seen.inside is None and not seen.goes_back
    statement = seen.statement
    return Finding(
        rule=rule.id,
        severity=said.severity or rule.severity,
        file=statement.source.path,
        position=said.at or statement.position,
        end=statement.source.position(statement.end),
        message=said.message if seen.inside is None else f"in {seen.inside}, {said.message}",
        instead=said.instead,
        plan=plan() if has_plan else None,
    )


def _about_file(rule: Rule, seen: SeenMigration, said: Said, plans: Plans) -> Finding:
    if said.of is not None:
        return _planned(rule, said.of, said, partial(plans.plan_for, seen, said.of.statement))
    migration = seen.migration
    source = migration.up.source
    return Finding(
        rule=rule.id,
        severity=said.severity or rule.severity,
        file=source.path,
        position=said.at or source.position(migration.up.begin),
        message=said.message,
        instead=said.instead,
    )


def _about_past(rule: Rule, file: Path, said: Said) -> Finding:
    return Finding(
        rule=rule.id,
        severity=said.severity or rule.severity,
        file=file,
        position=said.at or Position(1, 1),
        message=said.message,
        instead=said.instead,
        about=said.about,
    )


def _unreadable(migration: Migration) -> Iterator[Finding]:
    scripts: tuple[Script | None, ...] = (migration.up, migration.down)
    for script in scripts:
        for part in script.unreadable if script is not None else ():
            yield Finding(
                rule="unreadable",
                severity=Severity.ERROR,
                file=part.source.path,
                position=part.position,
                message=f"PostgreSQL cannot read it: {part.message}.",
            )

"""All rules over all projects: findings in the order of the files."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from crossfade.large_stack import as_deep_as_it_takes
from crossfade.lint.finding import Finding, Severity
from crossfade.lint.naming import ANY_NAME, Naming
from crossfade.lint.plans import Plans
from crossfade.lint.rules import REST, RULES
from crossfade.lint.second_processor import both
from crossfade.lint.seen import SeenProject
from crossfade.lint.walk import walked
from crossfade.migrations.migration import Tool
from crossfade.migrations.script import Position
from crossfade.migrations.typed import Enums
from crossfade.plan.fixed import NOTHING_FIXED, Fixed

if TYPE_CHECKING:
    from pathlib import Path

    from crossfade.lint.rule import Rule, Said
    from crossfade.lint.seen import SeenMigration, SeenStatement
    from crossfade.migrations.migration import Migration, Project
    from crossfade.migrations.script import Script
    from crossfade.postgres.forecast import Schema

_NO_ENUMS = Enums()
_SHARED = 20_000
"""Characters of migrations that are worth a second process."""
_EARLY = 2 / 3
"""The part of them that it is given: who reads the rest meanwhile has less time for rules."""


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
    rules: Sequence[Rule] = RULES,
) -> Report:
    """Every project over the schema; loose files over the schema as those before them leave it.

    `fixed` is what none of them may change, `naming` how things are to be called, `enums` those that a database has,
    `rules` those to ask.
    """
    asked = _Asked(rules=rules, enums=enums)
    return as_deep_as_it_takes(partial(_checked, tuple(projects), schema, fixed, naming, asked))


def _checked(projects: tuple[Project, ...], schema: Schema, fixed: Fixed, naming: Naming, asked: _Asked) -> Report:
    found, loose = list[Finding](), schema
    for project in projects:
        # A tool's folder is all that its database is made of.
        begin = loose if project.tool is Tool.PLAIN else schema
        seen, findings = asked.of_project(project, walked(project, begin, fixed, naming))
        found += findings
        if project.tool is Tool.PLAIN and seen.migrations:
            loose = seen.migrations[-1].after
    return Report(projects=projects, findings=tuple(found))


def _early(project: Project) -> int:
    """How many migrations are worth a second process; none where there is little to do."""
    applied = project.applied
    sizes = tuple(accumulate(0 if one.file in applied else len(one.up.source.text) for one in project.migrations))
    return bisect_left(sizes, _EARLY * sizes[-1]) if sizes and sizes[-1] >= _SHARED else 0


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The rules that are asked."""

    rules: Sequence[Rule]
    enums: Enums
    """Those that are there before the first migration."""

    @cached_property
    def _of_statements(self) -> Sequence[tuple[Rule, Callable[[SeenStatement], Iterator[Said]]]]:
        return [(rule, rule.statement) for rule in self.rules if rule.statement is not None]

    def of_project(self, project: Project, steps: Iterator[SeenMigration]) -> tuple[SeenProject, list[Finding]]:
        """What of its migrations is early enough is looked at elsewhere while the rest is parsed."""
        early = tuple(islice(steps, _early(project)))

        def rest() -> tuple[SeenProject, list[Finding]]:
            seen = SeenProject(project=project, migrations=(*early, *steps), enums=self.enums)
            plans = Plans(seen)
            found = self._of_pending(seen.migrations[len(early) :], project, plans)
            return seen, [*found, *self._of_whole(seen, plans)]

        if not early:
            return rest()
        before = SeenProject(project=project, migrations=early, enums=self.enums)
        (seen, found), first = both(rest, lambda: self._of_pending(early, project, Plans(before)))
        return seen, [*first, *found]

    def _of_pending(self, migrations: Iterable[SeenMigration], project: Project, plans: Plans) -> list[Finding]:
        applied = project.applied
        pending = (one for one in migrations if one.migration.file not in applied)
        return [finding for migration in pending for finding in self._of_migration(migration, project, plans)]

    def _of_migration(self, migration: SeenMigration, project: Project, plans: Plans) -> Iterator[Finding]:
        yield from _unreadable(migration.migration)
        for statement in (*migration.up, *migration.down):
            if project.asks_for(statement.statement.source.path):
                yield from self._of_statement(statement, partial(plans.plan_for, migration, statement.statement))
        for rule in self.rules:
            for said in rule.migration(migration) if rule.migration is not None else ():
                yield _about_file(rule, migration, said, plans)

    def _of_statement(self, seen: SeenStatement, plan: Callable[[], str | None]) -> Iterator[Finding]:
        found = [(rule, said) for rule, look in self._of_statements for said in look(seen)]
        if REST.statement is not None and not any(rule.severity is Severity.ERROR for rule, _ in found):
            found += [(REST, said) for said in REST.statement(seen)]
        yield from (_planned(rule, seen, said, plan) for rule, said in found)

    def _of_whole(self, seen: SeenProject, plans: Plans) -> Iterator[Finding]:
        for rule in self.rules:
            for migration, said in rule.project(seen) if rule.project is not None else ():
                yield _about_file(rule, migration, said, plans)
            for file, said in rule.past(seen.project) if rule.past is not None else ():
                yield _about_past(rule, file, said)


def _planned(rule: Rule, seen: SeenStatement, said: Said, plan: Callable[[], str | None]) -> Finding:
    """With the plan that does it without this; the way down is no plan's matter, nor is what a body does.

    What does not run with the migration is a warning at most: nobody knows when it will, and over how many rows.
    """
    has_plan = said.is_planned and seen.inside is None and not seen.goes_back
    statement = seen.statement
    severity, message = said.severity or rule.severity, said.message
    if not seen.runs:
        severity, message = min(severity, Severity.WARNING), f"when {seen.inside} is called, {message}"
    elif seen.inside is not None:
        message = f"in {seen.inside}, {message}"
    return Finding(
        rule=rule.id,
        severity=severity,
        file=statement.source.path,
        position=said.at or statement.position,
        end=statement.source.position(statement.end),
        message=message,
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

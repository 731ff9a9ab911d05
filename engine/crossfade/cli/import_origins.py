"""Projects as what is imported of them: the migrations that the tool would run, each with what its statements find."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossfade.lint.rules import fixed_schema
from crossfade.lint.transactions import taken_back
from crossfade.lint.walk import walk
from crossfade.migrations.histories import entries_of
from crossfade.migrations.imported import Origin, Step
from crossfade.migrations.migration import Problem

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

    from crossfade.lint.seen import SeenStatement
    from crossfade.migrations.migration import Project
    from crossfade.migrations.script import SqlStatement
    from crossfade.migrations.typed import Enums
    from crossfade.plan.fixed import Fixed
    from crossfade.plan.names import TableName
    from crossfade.postgres.forecast import Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the first migration finds, and what none may change."""

    schema: Schema
    enums: Enums
    fixed: Fixed


def origins(
    project: Project, start: Start, history: TableName | None = None, wanted: Container[str] | None = None
) -> tuple[tuple[Origin, ...], Schema]:
    """The migrations of a project in its tool's order, and the schema as they leave it.

    `wanted` has the files of those that are imported, where they are not all; the others are taken to be applied.
    """
    asked = [m for m in project.migrations if wanted is None or str(m.file) in wanted]
    seen, schema = walk(replace(project, migrations=tuple(asked), asked=None), start.schema, start.fixed)
    by_file = {str(migration.migration.file): migration for migration in seen.migrations}
    found: list[Origin] = []
    enums = start.enums
    for entry in entries_of(project):
        one_seen = by_file.get(entry.file or "")
        if one_seen is not None:
            migration = one_seen.migration
            steps = [one for one in one_seen.up if one.inside is None]
            refused = {one.begin: problems for one, problems in _refused(one_seen.up)}
            unsent = {one.begin for one in migration.up.unsent}
            undone = tuple(taken_back(migration.up.statements, migration.transaction))
            out = unsent | refused.keys() | {s.begin for one in undone for s in one.statements}
            may = [one for one in steps if one.statement.begin not in out]
            origin = Origin(
                tool=project.tool,
                migration=migration,
                steps=tuple(Step(statement=one.statement, before=one.before) for one in may),
                entry=entry,
                enums=enums,
                history=history,
                refused=(
                    *(problem for problems in refused.values() for problem in problems),
                    *(_unknown(one.by, one.why_unknown) for one in undone if one.why_unknown is not None),
                    *(problem for _, problems in _refused(one_seen.down) for problem in problems),
                ),
            )
            found.append(origin)
            enums = origin.enums_after
    return tuple(found), schema


def _refused(way: Iterable[SeenStatement]) -> Iterator[tuple[SqlStatement, list[Problem]]]:
    """Statements that do what the project's settings say nobody may do, themselves or in a body that runs with them."""
    found: list[tuple[SqlStatement, list[Problem]]] = []
    for seen in way:
        if seen.inside is None:
            found.append((seen.statement, []))
        if seen.runs:
            found[-1][1].extend(_problems(seen))
    yield from ((statement, problems) for statement, problems in found if problems)


def _unknown(by: SqlStatement, why: str) -> Problem:
    """A statement that leaves it open whether others stay."""
    return Problem(
        file=by.source.path,
        message=f"it is not known what stays, since {why}: {by.text}",
        hint="The statements of that transaction are in no plan. Take it out of the file, or do it by hand.",
        line=by.position.line,
        column=by.position.column,
    )


def _problems(seen: SeenStatement) -> Iterator[Problem]:
    rule = fixed_schema.RULE.statement
    for said in rule(seen) if rule is not None else ():
        yield Problem(
            file=seen.statement.source.path,
            message=said.message,
            hint=said.instead,
            line=seen.statement.position.line,
            column=seen.statement.position.column,
        )

"""A migration without a way down in a project that has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject
    from crossfade.migrations.script import Script


def _is_there(script: Script | None) -> bool:
    return script is not None and bool(script.statements or script.unreadable)


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    migrations = [m for m in project.migrations if not m.migration.repeatable]
    if not project.project.reversible or not any(_is_there(m.migration.down) for m in migrations):
        return
    for seen in migrations:
        own = seen.migration
        if own.up.statements and not _is_there(own.down):
            has = "has no way down" if own.down is None else "has an empty way down"
            said = Said(
                message=f"{own.name} {has}, while other migrations of the project have one: rolled back to before it, "
                "the schema stays as it makes it.",
                instead="A way down; or, where none is possible, an allowance that says why.",
            )
            yield seen, said


RULE = Rule(
    id="no-way-down",
    severity=Severity.WARNING,
    summary="a way up without a way down",
    explanation="""
Who rolls a deployment back takes for granted that every step has its way back. The rule speaks in projects of tools
that have ways down, as soon as one migration of the project has one.
""",
    project=_project,
)

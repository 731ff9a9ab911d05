"""A body in PL/pgSQL that PostgreSQL's grammar does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.bodies import syntax_error
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_CHECK = "check_function_bodies"


def _migration(migration: SeenMigration) -> Iterator[Said]:
    for way in (migration.up, migration.down):
        is_checked = True
        for seen in way:
            if kind(seen.tree) == "VariableSetStmt" and seen.tree.name == _CHECK:
                # Functions may be made without a look at their bodies; a block is run at once.
                is_checked = False
            if seen.inside is None and (is_checked or kind(seen.tree) == "DoStmt"):
                yield from _told(seen)


def _told(seen: SeenStatement) -> Iterator[Said]:
    found = syntax_error(seen.statement)
    if found is not None:
        said, begin = found
        what = "DO block" if kind(seen.tree) == "DoStmt" else "function"
        yield Said(
            message=f"fails, since PostgreSQL cannot read the body of the {what}: {said}.",
            at=seen.statement.source.position(begin),
            of=seen,
        )


RULE = Rule(
    id="body-unreadable",
    severity=Severity.ERROR,
    summary="PostgreSQL's grammar does not take the body of a DO block or function in PL/pgSQL",
    explanation="""
The body is parsed by PostgreSQL's own parser, as the server does when the function is made or the block runs: a syntax
error in it fails there too. Only syntax errors are told. Whether variables, tables and types are there, the server
alone knows. Bodies with a placeholder such as ${schema}, which a tool fills in before, are left alone, and so are
functions behind SET check_function_bodies.
""",
    migration=_migration,
)

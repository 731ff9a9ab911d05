"""A name that is not as the project's settings want names of its kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.made_names import MadeName, made_names
from crossfade.lint.naming import fits
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenStatement

_CALLED = {"unique": "unique constraint", "check": "CHECK constraint", "exclude": "exclusion constraint"}
_LITERAL = re.compile(r"(?:\w|\\\W)+")


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if not seen.naming.patterns or not seen.goes_forward:
        return
    for made in made_names(seen):
        columns = None if made.columns is None else "_".join(made.columns)
        wanted = seen.naming.wanted(made.kind, {"table": made.table, "columns": columns, "referenced": made.referenced})
        if wanted is not None and not fits(made.name, wanted):
            yield _said(made, wanted)


def _said(made: MadeName, wanted: str) -> Said:
    what, name = _CALLED.get(made.kind, made.kind.replace("_", " ")), quoted(made.name)
    made_by = f"gives the {what} the name {name}"
    if not made.is_written:
        made_by = f"gives the {what} no name, so that PostgreSQL calls it {name}"
    return Said(
        at=made.at,
        message=f"{made_by}, and the project's names of that kind are as {_shown(wanted)}.",
        instead=_instead(made.kind, wanted),
    )


def _shown(wanted: str) -> str:
    return _plain(wanted) or f"/{wanted}/"


def _plain(wanted: str) -> str | None:
    """The only name that fits, where the pattern has but one."""
    return re.sub(r"\\(\W)", r"\1", wanted) if _LITERAL.fullmatch(wanted) else None


def _instead(kind: str, wanted: str) -> str:
    only = _plain(wanted)
    return f"The name {quoted(only)}." if only else f"A name by the pattern `{kind}` of the settings, [lint.naming]."


def _migration(migration: SeenMigration) -> Iterator[Said]:
    wanted = migration.naming.wanted("migration", {})
    name = migration.migration.name
    if wanted is not None and not fits(name, wanted):
        yield Said(
            message=f"the migration is called {name}, and the project's are as /{wanted}/.",
            instead=_instead("migration", wanted),
        )


RULE = Rule(
    id="name-pattern",
    severity=Severity.WARNING,
    summary="a name that does not fit the project's own pattern",
    explanation="""
The table [lint.naming] of the project's settings has a pattern for each kind of thing whose names are to be alike:
migration, table, view, type, column, index, primary_key, unique, foreign_key, check and exclude. Without it the rule
says nothing. A pattern is a regular expression for the whole name; {table}, {columns} (joined by _) and {referenced}
stand for the table, its columns and the table that a foreign key points at.

A name is cheap to change before anything uses it. Where a statement gives none, the one that PostgreSQL would choose is
held against the pattern. Over expressions, {columns} fits anything; temporary tables, ways down, and names of 63 bytes,
which may have been cut off, are passed over.
""",
    statement=_statement,
    migration=_migration,
)

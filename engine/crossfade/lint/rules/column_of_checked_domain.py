"""ADD COLUMN of a domain that checks something."""

from __future__ import annotations

from collections.abc import Container, Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

from crossfade.lint.added import NewColumn, named, new_column, new_columns
from crossfade.lint.commands import commands
from crossfade.lint.cost import WRITTEN, blocked_by, how_long
from crossfade.lint.declared import made_type
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import alter_table
from crossfade.postgres.forecast.trees import expression, kind
from crossfade.postgres.forecast.type_names import TypeName, find_domain, read_type, resolve

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement

#: Types of extensions that are in wide use, none of them a domain.
_OF_EXTENSIONS = frozenset(
    {
        *("citext", "cube", "geography", "geometry", "halfvec", "hstore"),
        *("lquery", "ltree", "ltxtquery", "seg", "sparsevec", "vector"),
    }
)


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        if new.column.domain_constrained and not new.is_numbered:
            yield Said(
                message=f"writes all rows anew, since the domain {new.column.type} looks at each value of "
                f"{named(new)}, while {blocked_by(new.command.forecast)}, {how_long(1 / WRITTEN, new.command.table)}.",
                instead=_instead(seen, new),
                at=new.at,
                is_planned=True,
            )


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    """Types of which nobody tells what they are, where no database does."""
    made = set(_OF_EXTENSIONS)
    for migration in project.migrations:
        for seen in migration.steps:
            made.update(made_type(seen.tree)[-1:])
            if kind(seen.tree) == "RenameStmt" and seen.tree.renameType.name == "OBJECT_TYPE":
                made.add(seen.tree.newname)
            if not seen.before.is_complete:
                yield from ((migration, said) for said in _unknown(seen, made))


def _unknown(seen: SeenStatement, made: Container[str]) -> Iterator[Said]:
    for command in commands(seen, "AddColumn"):
        wanted = read_type(command.node.def_.typeName)
        # What reads or writes the rows anyway is told already.
        if not _may_be_domain(seen, wanted, made) or command.works_behind_lock:
            continue
        new = new_column(seen, command)
        yield Said(
            of=seen,
            severity=Severity.WARNING,
            message=f"may write all rows anew while {blocked_by(command.forecast)}, "
            f"{how_long(1 / WRITTEN, command.table)}: the type {wanted.spelled} is not known here; a domain with "
            f"conditions looks at each value of {named(new)}.",
            at=new.at,
            is_planned=True,
        )


def _may_be_domain(seen: SeenStatement, wanted: TypeName, made: Container[str]) -> bool:
    if wanted.built_in or wanted.array or wanted.modifiers or wanted.name.name in made:
        return False
    is_row = seen.before.find(wanted.name.schema or None, wanted.name.name) is not None
    return not is_row and find_domain(wanted, seen.before.domains) is None


def _instead(seen: SeenStatement, new: NewColumn) -> str:
    """The column of the type below the domain."""
    base = resolve(read_type(new.command.node.def_.typeName), seen.before.domains).base
    changed = deepcopy(new.command.node)
    changed.def_.typeName = expression(f"NULL::{base.spelled}").typeName
    return (
        f"{alter_table(new.command.relation, changed)}\n"
        "-- and what the domain asks, as a CHECK of the table: ADD CONSTRAINT … CHECK (…) NOT VALID, then VALIDATE"
    )


RULE = Rule(
    id="column-of-checked-domain",
    severity=Severity.ERROR,
    summary="ADD COLUMN of a domain with conditions writes all rows while reads and writes wait",
    explanation="""
A domain with a CHECK or NOT NULL looks at every value, the NULL of a new column included. PostgreSQL writes the table
anew for it under an ACCESS EXCLUSIVE lock, even without a default. A column of the type below the domain costs a
moment; what the domain asks can be a CHECK of the table, added as NOT VALID and validated later.

A type that neither a file makes nor PostgreSQL has may be such a domain: that is a warning, unless it is one of an
extension that is known. With `--database`, or the file that makes the type, lint knows.
""",
    statement=_statement,
    project=_project,
)

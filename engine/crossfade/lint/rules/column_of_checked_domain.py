"""ADD COLUMN of a domain that checks something."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

from crossfade.lint.added import NewColumn, named, new_columns
from crossfade.lint.cost import WRITTEN, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import alter_table
from crossfade.postgres.forecast.trees import expression
from crossfade.postgres.forecast.type_names import read_type, resolve

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


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
""",
    statement=_statement,
)

"""ADD COLUMN … NOT NULL without a default."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.added import named, new_columns
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import filled

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        if not new.scans or new.column.generated is not None:
            continue
        fill = filled(new.command.relation, new.command.table, new.column.name, "…")
        yield Said(
            message=f"fails if {new.command.table.name} has a row: {named(new)} would be NULL there, and is NOT NULL.",
            instead="\n".join([new.plain("NOTNULL", "PRIMARY"), fill, *new.and_not_null()]),
            at=new.at,
            is_planned=True,
        )


RULE = Rule(
    id="required-column",
    severity=Severity.ERROR,
    summary="ADD COLUMN … NOT NULL without a default fails if there is a row",
    explanation="""
A new column is NULL in every row that is there. With NOT NULL and without a default PostgreSQL refuses it (23502), as
soon as the table has a row. A constant default costs nothing: it is kept once, not in each row. Where there is none
that fits, add the column without NOT NULL, fill it in batches, and then make it NOT NULL by way of a CHECK.

And a running old version of the app, which does not know the column, inserts rows without it: it needs the default, or
a trigger, for as long as it runs. The change `add_column` does all of this.
""",
    statement=_statement,
)

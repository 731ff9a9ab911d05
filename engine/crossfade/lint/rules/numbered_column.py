"""ADD COLUMN … serial, or AS IDENTITY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.added import NewColumn, named, new_columns, number_type
from crossfade.lint.cost import WRITTEN, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import filled
from crossfade.postgres.names import literal, quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        if new.is_numbered:
            yield Said(
                message=f"writes all rows anew to number them in {named(new)} while "
                f"{blocked_by(new.command.forecast)}, {how_long(1 / WRITTEN, new.command.table)}.",
                instead=_instead(new),
                at=new.at,
                is_planned=True,
            )


def _instead(new: NewColumn) -> str:
    """The same numbers from a sequence that the column owns."""
    table, column = new.command.table, quoted(new.column.name)
    schema = f"{quoted(new.command.relation.schemaname)}." if new.command.relation.schemaname else ""
    sequence = f"{schema}{quoted(f'{table.name.name}_{new.column.name}_seq')}"
    steps = [
        f"CREATE SEQUENCE {sequence} AS {number_type(new)};",
        f"ALTER TABLE {new.shown} ADD COLUMN {column} {number_type(new)};",
        f"ALTER SEQUENCE {sequence} OWNED BY {new.shown}.{column};",
        f"ALTER TABLE {new.shown} ALTER COLUMN {column} SET DEFAULT nextval({literal(sequence)});",
        filled(new.command.relation, table, new.column.name, "DEFAULT"),
        *new.and_not_null(),
    ]
    return "\n".join(steps)


RULE = Rule(
    id="numbered-column",
    severity=Severity.ERROR,
    summary="ADD COLUMN as serial or identity writes all rows while reads and writes wait",
    explanation="""
A new column of type serial, or GENERATED AS IDENTITY, gives every row that is there a number: the table and all of its
indexes are written anew under an ACCESS EXCLUSIVE lock. Add a plain column, let it draw from a sequence by SET DEFAULT,
which is for new rows only, and number the others in batches. Once all have a number it can be made NOT NULL and a key.
""",
    statement=_statement,
)

"""ADD COLUMN with a default that each row has to be given for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.added import named, new_columns
from crossfade.lint.cost import WRITTEN, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import filled
from crossfade.lint.written import quoted, shown
from crossfade.postgres.forecast.volatility import is_volatile

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        clause, schema = new.clauses.get("DEFAULT"), seen.before
        if clause is None or not is_volatile(clause.raw_expr, schema.volatile_functions, schema.search_path):
            continue
        default, column = shown(clause.raw_expr), quoted(new.column.name)
        steps = [
            new.plain("DEFAULT", "NOTNULL"),
            f"ALTER TABLE {new.shown} ALTER COLUMN {column} SET DEFAULT {default};",
            filled(new.command.relation, new.command.table, new.column.name, "DEFAULT"),
            *new.and_not_null(),
        ]
        yield Said(
            message=f"writes all rows anew, since {default} gives each row of {named(new)} its own value, while "
            f"{blocked_by(new.command.forecast)}, {how_long(1 / WRITTEN, new.command.table)}.",
            instead="\n".join(steps),
            at=new.at,
        )


RULE = Rule(
    id="volatile-default",
    severity=Severity.ERROR,
    summary="ADD COLUMN with a volatile default writes all rows while reads and writes wait",
    explanation="""
A constant default of a new column, and one such as now(), is kept once for all rows that are there. A volatile one,
such as gen_random_uuid() or clock_timestamp(), has to be asked for each row: the table and all of its indexes are
written anew under an ACCESS EXCLUSIVE lock. Add the column without it, then SET DEFAULT, which is for new rows only,
and fill the others in batches.

What counts is the expression as it is planned: a function in SQL with a constant body is put in place of its call, and
then nothing is rewritten, whatever it is declared as.
""",
    statement=_statement,
)

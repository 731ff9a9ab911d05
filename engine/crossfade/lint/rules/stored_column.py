"""ADD COLUMN … GENERATED ALWAYS AS (…) STORED, and another expression for one that is there."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from crossfade.lint.added import NewColumn, named, new_columns
from crossfade.lint.commands import commands
from crossfade.lint.cost import WRITTEN, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import filled
from crossfade.lint.written import shown
from crossfade.postgres.forecast.trees import below, kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_FIRST_VIRTUAL = 180000


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        if new.column.generated == "stored":
            expression = new.clauses["GENERATED"].raw_expr
            virtual = seen.before.server_version >= _FIRST_VIRTUAL
            yield Said(
                message=f"writes all rows anew to compute {named(new)} while {blocked_by(new.command.forecast)}, "
                f"{how_long(1 / WRITTEN, new.command.table)}.",
                instead=_as_virtual(new, expression) if virtual else _by_trigger(new, expression),
                at=new.at,
                is_planned=True,
            )
    for command in commands(seen, "SetExpression"):
        if command.works_behind_lock:
            yield Said(
                message=f"writes all rows anew to compute {command.table.name}.{quoted(command.node.name)} while "
                f"{blocked_by(command.forecast)}, {how_long(1 / WRITTEN, command.table)}.",
                instead="A new column with the new expression, filled in batches, and the app moved over to it.",
                is_planned=True,
            )


def _as_virtual(new: NewColumn, expression: Any) -> str:
    column = f"{quoted(new.column.name)} {new.column.type}"
    return (
        "-- computed when it is read:\n"
        f"ALTER TABLE {new.shown} ADD COLUMN {column} GENERATED ALWAYS AS ({shown(expression)}) VIRTUAL;"
    )


def _by_trigger(new: NewColumn, expression: Any) -> str:
    """A plain column that a trigger computes, and the rows that are there in batches."""
    column, table, value = quoted(new.column.name), new.command.table, shown(expression)
    function = quoted(f"{table.name.name}_{new.column.name}")
    return "\n".join(
        [
            new.plain("GENERATED", "NOTNULL"),
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS",
            f"  $$ BEGIN new.{column} := {shown(_of_new_row(expression))}; RETURN new; END $$;",
            f"CREATE TRIGGER {function} BEFORE INSERT OR UPDATE ON {new.shown}",
            f"  FOR EACH ROW EXECUTE FUNCTION {function}();",
            filled(new.command.relation, table, new.column.name, value, while_=f"IS DISTINCT FROM ({value})"),
            *new.and_not_null(),
        ]
    )


def _of_new_row(expression: Any) -> Any:
    """The expression over `new`."""
    from pglast.ast import String

    changed = deepcopy(expression)
    for node in below(changed):
        if kind(node) == "ColumnRef":
            node.fields = (String("new"), node.fields[-1])
    return changed


RULE = Rule(
    id="stored-column",
    severity=Severity.ERROR,
    summary="ADD COLUMN … GENERATED … STORED writes all rows while reads and writes wait",
    explanation="""
A stored generated column is computed for every row that is there: the table and all of its indexes are written anew
under an ACCESS EXCLUSIVE lock. So it is when SET EXPRESSION gives it another expression. Add a plain column, let a
trigger compute it for new rows, and fill the others in batches. From PostgreSQL 18 a VIRTUAL one, which is computed
when it is read, costs a moment.
""",
    statement=_statement,
)

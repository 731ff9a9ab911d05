"""ADD COLUMN with a default that each row has to be given for itself."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.added import NewColumn, named, new_column, new_columns
from crossfade.lint.commands import commands
from crossfade.lint.cost import WRITTEN, blocked_by, how_long
from crossfade.lint.finding import Severity
from crossfade.lint.known_functions import is_known
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import filled
from crossfade.lint.written import shown
from crossfade.postgres.forecast.trees import functions_of, kind, names
from crossfade.postgres.forecast.volatility import is_volatile
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenMigration, SeenProject, SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for new in new_columns(seen):
        clause, schema = new.clauses.get("DEFAULT"), seen.before
        if clause is None or not is_volatile(clause.raw_expr, schema.volatile_functions, schema.search_path):
            continue
        yield Said(
            message=f"writes all rows anew, since {shown(clause.raw_expr)} gives each row of {named(new)} its own "
            f"value, while {_long(new)}.",
            instead=_instead(new, clause.raw_expr),
            at=new.at,
            is_planned=True,
        )


def _project(project: SeenProject) -> Iterator[tuple[SeenMigration, Said]]:
    """Defaults with functions of which nobody tells what they are, where no database does."""
    made: set[str] = set()
    for migration in project.migrations:
        for seen in migration.steps:
            if kind(seen.tree) == "CreateFunctionStmt":
                made.add(names(seen.tree.funcname)[-1])
            elif not seen.before.is_complete:
                yield from ((migration, said) for said in _unknown(seen, made))


def _unknown(seen: SeenStatement, made: Container[str]) -> Iterator[Said]:
    for command in commands(seen, "AddColumn"):
        name = _stranger(command.node.def_, made)
        # What reads or writes the rows anyway is told already.
        if name is None or command.works_behind_lock:
            continue
        new = new_column(seen, command)
        yield Said(
            of=seen,
            severity=Severity.WARNING,
            message=f"writes all rows anew if {'.'.join(map(quoted, name))} is VOLATILE, as functions are that do "
            f"not say otherwise, and no file makes it; then {_long(new)}.",
            instead=_instead(new, new.clauses["DEFAULT"].raw_expr),
            at=new.at,
            is_planned=True,
        )


def _stranger(definition: Any, made: Container[str]) -> tuple[str, ...] | None:
    """The first function in the default of a new column of which nobody tells what it is."""
    defaults = (c.raw_expr for c in definition.constraints or () if c.contype.name == "CONSTR_DEFAULT")
    called = (name for default in defaults for name in functions_of(default))
    return next((name for name in called if not (is_known(name) or name[-1] in made)), None)


def _long(new: NewColumn) -> str:
    return f"{blocked_by(new.command.forecast)}, {how_long(1 / WRITTEN, new.command.table)}"


def _instead(new: NewColumn, default: Any) -> str:
    column = quoted(new.column.name)
    steps = [
        new.plain("DEFAULT", "NOTNULL"),
        f"ALTER TABLE {new.shown} ALTER COLUMN {column} SET DEFAULT {shown(default)};",
        filled(new.command.relation, new.command.table, new.column.name, "DEFAULT"),
        *new.and_not_null(),
    ]
    return "\n".join(steps)


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
then nothing is rewritten, whatever it is declared as. A function that neither a file makes nor PostgreSQL has is a
warning, unless it is one of an extension that is known: without STABLE or IMMUTABLE it is volatile. With --database
it is known what it is.
""",
    statement=_statement,
    project=_project,
)

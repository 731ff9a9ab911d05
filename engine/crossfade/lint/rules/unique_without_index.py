"""ADD UNIQUE and ADD PRIMARY KEY that build their index under the lock."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING, Any

from crossfade.lint.commands import Command, added_constraints
from crossfade.lint.cost import INDEXED, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE, add_constraint, not_null
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.proof import proves_not_null
from crossfade.postgres.forecast.trees import names
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in added_constraints(seen, "UNIQUE", "PRIMARY"):
        added, node = command.added_constraint, command.node.def_
        if added is None or node.indexname or not command.works_behind_lock:
            continue
        what = "primary key" if added.kind == "primary" else "unique constraint"
        yield Said(
            message=f"builds the index of the {what} {quoted(added.name)} while "
            f"{who_waits(LockMode.ACCESS_EXCLUSIVE, str(command.table.name))}, {how_long(1 / INDEXED, command.table)}.",
            instead=using_index(command, node, added.name, added.columns),
            at=seen.statement.at(node.location),
            is_planned=True,
        )


def using_index(command: Command, node: Any, name: str, columns: tuple[str, ...]) -> str:
    """The same with an index that is built before; on a partitioned table, where that cannot be, an index alone."""
    shown, listed = table_of(command.relation), ", ".join(map(quoted, columns))
    including = ", ".join(map(quoted, names(node.including)))
    rest = (f" INCLUDE ({including})" if including else "") + (" NULLS NOT DISTINCT" if node.nulls_not_distinct else "")
    if command.table.kind == "partitioned":
        return (
            f"CREATE UNIQUE INDEX {quoted(name)} ON ONLY {shown} ({listed}){rest};\n"
            f"-- for each partition, outside of a transaction: CREATE UNIQUE INDEX CONCURRENTLY … ({listed}){rest};\n"
            f"-- then: ALTER INDEX {quoted(name)} ATTACH PARTITION …;"
        )
    ready = copy(node)
    ready.keys, ready.including, ready.indexname, ready.conname = None, None, name, name
    ready.nulls_not_distinct = False
    nullable = [c for c in columns if node.contype.name == "CONSTR_PRIMARY" and not _is_not_null(command, c)]
    proofs = [not_null(command.relation, command.table.name.name, c) for c in nullable]
    build = f"{OUTSIDE}\nCREATE UNIQUE INDEX CONCURRENTLY {quoted(name)} ON {shown} ({listed}){rest};"
    return "\n".join([*proofs, build, add_constraint(command.relation, ready)])


def _is_not_null(command: Command, name: str) -> bool:
    return command.table.never_null(name) or proves_not_null(command.table, name)


RULE = Rule(
    id="unique-without-index",
    severity=Severity.ERROR,
    summary="ADD UNIQUE or PRIMARY KEY builds its index while reads and writes wait",
    explanation="""
A unique constraint and a primary key need an index. ADD CONSTRAINT builds it under an ACCESS EXCLUSIVE lock, so that
reads and writes wait until it is there. Build the index first, with CREATE UNIQUE INDEX CONCURRENTLY, which nobody
waits for; ADD CONSTRAINT … USING INDEX then takes the lock for a moment only.

The columns of a primary key have to be NOT NULL, or a valid CHECK has to say so: else all rows are read for that under
the lock. On a partitioned table USING INDEX is not possible; a unique index, built partition by partition, does as
well.
""",
    statement=_statement,
)

"""SET LOGGED, UNLOGGED, TABLESPACE and ACCESS METHOD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.commands import commands
from crossfade.lint.cost import INDEXED, WRITTEN, blocked_by, how_long, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_DONE = {
    "SetLogged": "writes all rows anew, to the file and to the log,",
    "SetUnLogged": "writes all rows anew",
    "SetTableSpace": "copies the table",
    "SetAccessMethod": "writes all rows anew",
}
_COPY = "A new table of that kind, kept equal by triggers and filled in batches, can take the old one's place."


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for command in commands(seen, *_DONE):
        if command.forecast.rewrites:
            done = _DONE[command.kind]
            yield Said(
                message=f"{done} while {blocked_by(command.forecast)}, {how_long(1 / WRITTEN, command.table)}.",
                instead=_COPY,
            )
    yield from _index(seen)
    if kind(seen.tree) == "AlterTableMoveAllStmt":
        yield Said(
            message="copies every table or index of the tablespace, each while reads and writes of it wait, and keeps "
            "the locks until all are copied.",
            instead="-- one at a time, with a lock_timeout",
        )


def _index(seen: SeenStatement) -> Iterator[Said]:
    """ALTER INDEX … SET TABLESPACE: a query that could use the index waits too."""
    node = seen.tree
    moves = [c for c in node.cmds if c.subtype.name == "AT_SetTableSpace"] if kind(node) == "AlterTableStmt" else []
    if not moves:
        return
    found = seen.before.find_index(node.relation.schemaname, node.relation.relname)
    if found is None or found[0].name not in seen.before.origins:
        return
    for command in moves:
        waits = who_waits(LockMode.ACCESS_EXCLUSIVE, str(found[0].name))
        space = quoted(command.name)
        yield Said(
            message=f"copies the index while {waits} as soon as they are planned, {how_long(1 / INDEXED, found[0])}.",
            instead=f"{OUTSIDE}\nREINDEX (TABLESPACE {space}) INDEX CONCURRENTLY {table_of(node.relation)};",
        )


RULE = Rule(
    id="storage-change",
    severity=Severity.ERROR,
    summary="SET LOGGED, UNLOGGED, TABLESPACE or ACCESS METHOD copies the table while reads and writes wait",
    explanation="""
ALTER TABLE … SET LOGGED, SET UNLOGGED, SET ACCESS METHOD and SET TABLESPACE copy the whole table under an ACCESS
EXCLUSIVE lock. Nothing does that in steps but a new table that takes the old one's place. With --database it is known
whether the table is in the tablespace already, and nothing is copied.

ALTER INDEX … SET TABLESPACE locks the index, and every query on its table looks at all indexes when it is planned. From
PostgreSQL 14 REINDEX CONCURRENTLY can build the index anew in another tablespace.
""",
    statement=_statement,
)

"""ALTER TYPE … ALTER ATTRIBUTE … TYPE … CASCADE: the tables made OF the type are written anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import WRITTEN, how_long, listed, table_named, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import table_of
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "AlterTableStmt" or node.objtype.name != "OBJECT_TYPE":
        return
    changed = [
        c.name for c in node.cmds if c.subtype.name == "AT_AlterColumnType" and c.behavior.name == "DROP_CASCADE"
    ]
    of_type = str(seen.before.qualify(node.relation.schemaname, node.relation.relname))
    typed = [t for t in seen.before.tables.values() if t.typed_of == of_type and t.name in seen.before.origins]
    rewritten = list(seen.forecast.rewrites)
    if not rewritten:
        # The attributes of a type are not known from files, and which tables are OF it only as far as files make them.
        rewritten = [str(t.name) for t in typed if not all(map(t.column, changed))]
    if not changed or not (rewritten or not (typed or seen.before.is_complete)):
        return
    which = listed(rewritten) if rewritten else f"every table OF {table_of(node.relation)}"
    table = table_named(seen.before, rewritten[0]) if rewritten else None
    yield Said(
        message=f"writes all rows of {which} anew for {listed(list(map(quoted, changed)))} while "
        f"{who_waits(LockMode.ACCESS_EXCLUSIVE, which)}, {how_long(1 / WRITTEN, table)}.",
        instead="ALTER TABLE … NOT OF makes a plain table of it at once; then its column can be changed by itself.",
    )


RULE = Rule(
    id="attribute-type",
    severity=Severity.ERROR,
    summary="ALTER ATTRIBUTE … TYPE … CASCADE writes all tables OF the type while reads and writes wait",
    explanation="""
A table that was made OF a composite type has the type's attributes for columns. ALTER TYPE … ALTER ATTRIBUTE … TYPE
with CASCADE changes the column of each of them as ALTER TABLE would: where the two types are not stored alike, all rows
are written anew under an ACCESS EXCLUSIVE lock.
""",
    statement=_statement,
)

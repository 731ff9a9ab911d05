"""REINDEX without CONCURRENTLY."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import TYPE_CHECKING

from crossfade.lint.cost import INDEXED, blocked_by, how_long, table_named, who_waits
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.stepwise import OUTSIDE
from crossfade.lint.written import statement, table_of
from crossfade.postgres.forecast.trees import is_on, kind
from crossfade.postgres.names import quoted
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Table

_OF_MANY = frozenset({"REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_DATABASE"})


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "ReindexStmt" or is_on(node.params, "concurrently"):
        return
    if node.kind.name == "REINDEX_OBJECT_SYSTEM":
        yield Said(
            message="builds the indexes of the system catalogs anew: whatever is begun in the database waits.",
            instead="REINDEX TABLE of the one catalog that needs it, in a window of its own.",
        )
        return
    waiting, table = _waiting(seen)
    if waiting is not None:
        yield Said(
            message=f"builds indexes anew while {waiting}, and reads that would use one of them, "
            f"{how_long(1 / INDEXED, table)}.",
            instead=f"{OUTSIDE}\n{_concurrently(seen)}",
            is_planned=True,
        )


def _waiting(seen: SeenStatement) -> tuple[str | None, Table | None]:
    """Who waits, and the first table of it; of a table or index that no file has made, all is taken to be there."""
    relation, what = seen.tree.relation, seen.tree.kind.name
    if what in _OF_MANY:
        inside = (n for n in seen.before.origins if what == "REINDEX_OBJECT_DATABASE" or n.schema == seen.tree.name)
        if seen.before.is_complete and not any(inside):
            return None, None
        where = f"the schema {quoted(seen.tree.name)}" if what == "REINDEX_OBJECT_SCHEMA" else "the database"
        return who_waits(LockMode.SHARE, f"one table of {where} after the other"), None
    if seen.forecast.scans:
        return blocked_by(seen.forecast), table_named(seen.before, seen.forecast.scans[0])
    table = seen.existing(relation) if what == "REINDEX_OBJECT_TABLE" else None
    if table is not None and not table.columns:
        return who_waits(LockMode.SHARE, str(table.name)), None
    if what == "REINDEX_OBJECT_INDEX" and seen.before.find_index(relation.schemaname, relation.relname) is None:
        return who_waits(LockMode.SHARE, f"the table of {table_of(relation)}"), None
    return None, None


def _concurrently(seen: SeenStatement) -> str:
    from pglast.ast import DefElem
    from pglast.enums import DefElemAction

    changed = copy(seen.tree)
    added = DefElem(defname="concurrently", defaction=DefElemAction.DEFELEM_UNSPEC)
    changed.params = (*(p for p in changed.params or () if p.defname != "concurrently"), added)
    return statement(changed)


RULE = Rule(
    id="reindex-not-concurrently",
    severity=Severity.ERROR,
    summary="REINDEX blocks writes until the indexes are built",
    explanation="""
REINDEX takes a SHARE lock on the table, which writes wait for, and an ACCESS EXCLUSIVE lock on the index, which every
query waits for that would look at it. With CONCURRENTLY a new index is built beside the old one, and they change
places; it takes longer and cannot run inside a transaction. If it is cut off, an invalid index with `_ccnew` in its
name remains.
""",
    statement=_statement,
)

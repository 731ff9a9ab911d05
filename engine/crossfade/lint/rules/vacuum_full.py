"""VACUUM FULL and CLUSTER."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.cost import WRITTEN, blocked_by, how_long, table_named
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import is_on, kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_INSTEAD = (
    "The extension pg_repack does the same while reads and writes go on. VACUUM without FULL gives the space back to "
    "the table itself."
)


def _takes_all(node: Any) -> bool:
    """Without a table it takes every one that there is; a model of some files does not know them all."""
    if kind(node) == "ClusterStmt":
        return node.relation is None
    return bool(kind(node) == "VacuumStmt" and node.is_vacuumcmd and is_on(node.options, "full") and not node.rels)


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if _takes_all(seen.tree):
        which = "that was clustered before " if kind(seen.tree) == "ClusterStmt" else ""
        yield Said(
            message=f"writes all rows of every table {which}anew, one after the other, each while reads and writes of "
            f"it wait, {how_long(1 / WRITTEN, None)}.",
            instead=_INSTEAD,
        )
    elif kind(seen.tree) in {"VacuumStmt", "ClusterStmt"} and seen.forecast.rewrites:
        table = table_named(seen.before, seen.forecast.rewrites[0])
        yield Said(
            message=f"writes all rows anew while {blocked_by(seen.forecast)}, {how_long(1 / WRITTEN, table)}.",
            instead=_INSTEAD,
        )


RULE = Rule(
    id="vacuum-full",
    severity=Severity.ERROR,
    summary="VACUUM FULL and CLUSTER write all rows while reads and writes wait",
    explanation="""
VACUUM FULL and CLUSTER write the table and all of its indexes anew under an ACCESS EXCLUSIVE lock. Plain VACUUM makes
room for new rows without one. Where the file has to get smaller, the extension pg_repack builds a copy beside the
table, keeps it up to date by a trigger, and takes the strong lock only to exchange the two.
""",
    statement=_statement,
)

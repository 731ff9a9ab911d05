"""CREATE TABLE … PARTITION OF a table that is in use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.cost import READ, blocked_by, how_long, listed, table_named
from crossfade.lint.finding import Severity
from crossfade.lint.partition_bound import check_of_bound, proved_first
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import shown, table_of
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "CreateStmt" or node.partbound is None or not seen.forecast.locks:
        return
    scanned = seen.forecast.scans
    if scanned:
        long = how_long(1 / READ, table_named(seen.before, scanned[0]))
        message = f"reads all rows of {listed(scanned)} while {blocked_by(seen.forecast)}, {long}."
    else:
        message = (
            f"{blocked_by(seen.forecast)}, and the statement itself waits for every transaction that uses "
            f"{table_of(node.inhRelations[0])}."
        )
    yield Said(
        message=message,
        instead=_instead(seen),
        severity=None if scanned else Severity.WARNING,
        is_planned=True,
    )


def _instead(seen: SeenStatement) -> str:
    """A table by itself, and ATTACH; with a CHECK on the default partition where its rows are read."""
    node, parent = seen.tree, seen.tree.inhRelations[0]
    own, above = table_of(node.relation), table_of(parent)
    table = seen.before.find(parent.schemaname, parent.relname)
    # A table with an identity of its own cannot be attached.
    numbered = " EXCLUDING IDENTITY" if table is not None and any(c.identity for c in table.columns) else ""
    steps, drops = [f"CREATE TABLE {own} (LIKE {above} INCLUDING ALL{numbered});"], list[str]()
    default = seen.before.default_partition(table) if table is not None else None
    if table is not None and default is not None and seen.forecast.scans:
        condition = check_of_bound(table, default, node.partbound, within=False)
        if condition is not None:
            add, drop = proved_first(default, condition)
            steps.append(add)
            drops.append(drop)
    return "\n".join([*steps, f"ALTER TABLE {above} ATTACH PARTITION {own} {shown(node.partbound)};", *drops])


RULE = Rule(
    id="create-partition",
    severity=Severity.ERROR,
    summary="CREATE TABLE … PARTITION OF locks the whole partitioned table",
    explanation="""
CREATE TABLE … PARTITION OF takes an ACCESS EXCLUSIVE lock on the partitioned table. It holds it for a moment; but to
get it, it waits for every transaction that uses the table, and whoever comes later waits behind it. ATTACH PARTITION of
a table that was made by itself takes a lock there that reads and writes do not wait for.

Where there is a default partition the statement also reads all of its rows under the lock, which makes this an error; a
valid CHECK on the default partition, that says that it has no row for the new one, spares that.
""",
    statement=_statement,
)

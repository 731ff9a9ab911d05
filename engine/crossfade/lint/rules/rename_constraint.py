"""RENAME of a constraint that statements of the app can name: ON CONFLICT ON CONSTRAINT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.postgres.catalog import Table

_NAMED = frozenset({"primary", "unique", "exclusion"})


def _renamed(seen: SeenStatement) -> tuple[Table, str] | None:
    """The table and the constraint of it that gets another name, by itself or with its index."""
    node = seen.tree
    if kind(node) != "RenameStmt" or node.relation is None:
        return None
    if node.renameType.name == "OBJECT_TABCONSTRAINT":
        table = seen.existing(node.relation)
        return (table, node.subname) if table is not None else None
    if node.renameType.name != "OBJECT_INDEX":
        return None
    found = seen.before.find_index(node.relation.schemaname, node.relation.relname)
    if found is None or found[1].constraint is None or found[0].name not in seen.before.origins:
        return None
    return found[0], found[1].constraint


def _statement(seen: SeenStatement) -> Iterator[Said]:
    found = _renamed(seen) if seen.goes_forward else None
    if found is None:
        return
    table, old = found
    constraint = next((c for c in table.constraints if c.name == old), None)
    was = seen.at_first.tables.get(seen.before.origins[table.name])
    if constraint is not None and constraint.kind in _NAMED and was is not None and constraint in was.constraints:
        yield Said(
            message=f"renames the constraint {quoted(old)} of {table.name}: a running version that says "
            f"ON CONFLICT ON CONSTRAINT {quoted(old)}, or tells errors apart by that name, no longer works.",
            instead=f"Name the columns in the app first: ON CONFLICT ({', '.join(map(quoted, constraint.columns))}).",
            is_planned=True,
        )


RULE = Rule(
    id="rename-constraint",
    severity=Severity.NOTE,
    summary="a renamed unique constraint is no longer found by ON CONFLICT ON CONSTRAINT",
    explanation="""
INSERT … ON CONFLICT ON CONSTRAINT names a primary key, unique or exclusion constraint; after the rename it fails. Apps
also tell one violation from another by the constraint's name in the error. Statements that name the columns, ON
CONFLICT (email), do not care. The change `rename_constraint` renames at contract, when the old version is gone.
""",
    statement=_statement,
)

"""What the planner means to do with a batch, read from EXPLAIN (FORMAT JSON); pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.backfill.keys import Key
    from crossfade.postgres.names import QualifiedName

LARGE = 10_000
"""Pages; a table of more should not be read from end to end for one batch."""


def plan_warnings(what: str, plan: Any, relation: QualifiedName, key: Key, pages: int) -> Iterator[str]:
    """What is wrong with the plan of a statement, which `what` names, over a relation of so many pages."""
    nodes = list(_nodes(plan))
    kinds = {n["Node Type"] for n in nodes if (n.get("Schema"), n.get("Relation Name")) == _parts(relation)}
    if pages > LARGE and "Seq Scan" in kinds:
        yield f"{what} reads all of its {pages:,} pages (Seq Scan)"
    if key.is_place:
        if "Tid Range Scan" not in kinds:
            yield f"{what} does not go by place (Tid Range Scan)"
    elif not any(_names(str(n.get("Index Cond", "")), key.columns[0]) for n in nodes):
        columns = ", ".join(quoted(c) for c in key.columns)
        yield f"{what} does not use the index of its key ({columns})"


def _parts(name: QualifiedName) -> tuple[str, str]:
    return name.schema, name.name


def _nodes(plan: Any) -> Iterator[dict[str, Any]]:
    """All nodes of a plan, at whatever depth."""
    if isinstance(plan, list):
        for part in plan:
            yield from _nodes(part)
    elif isinstance(plan, dict):
        if "Node Type" in plan:
            yield plan
        yield from _nodes([inner for inner in plan.values() if isinstance(inner, dict | list)])


def _names(condition: str, column: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(quoted(column))}(?![\w$])", condition) is not None

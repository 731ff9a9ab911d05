"""The labels of an enum behind ALTER TYPE. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def labels_after(labels: Sequence[str], node: Any) -> tuple[str, ...]:
    """As the statement, an AlterEnumStmt, leaves them."""
    after = list(labels)
    if node.oldVal is not None:
        after = [node.newVal if label == node.oldVal else label for label in after]
    elif node.newVal not in after:
        place = len(after)
        if node.newValNeighbor in after:
            place = after.index(node.newValNeighbor) + bool(node.newValIsAfter)
        after.insert(place, node.newVal)
    return tuple(after)

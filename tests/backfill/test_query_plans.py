"""What is wrong with the plan of a batch, from what EXPLAIN says of it."""

from __future__ import annotations

from typing import Any

import pytest

from crossfade.backfill.keys import Key
from crossfade.backfill.query_plans import plan_warnings
from crossfade.postgres.names import QualifiedName

USERS = QualifiedName("public", "users")
BY_ID = Key(columns=("id",), types=("integer",))


def scan(kind: str, **facts: Any) -> dict[str, Any]:
    return {"Node Type": kind, "Schema": "public", "Relation Name": "users", **facts}


def over(node: dict[str, Any]) -> list[dict[str, Any]]:
    """As EXPLAIN gives it: the scan below the UPDATE of a WITH, below the count."""
    update = {"Node Type": "ModifyTable", "Schema": "public", "Relation Name": "users", "Plans": [node]}
    return [{"Plan": {"Node Type": "Aggregate", "Plans": [update]}}]


BITMAP = scan("Bitmap Heap Scan", Plans=[{"Node Type": "Bitmap Index Scan", "Index Cond": "(users.id > 5)"}])


@pytest.mark.parametrize(
    ("node", "key", "pages", "wrong"),
    [
        (scan("Index Scan", **{"Index Cond": "((users.id > 5) AND (users.id <= 10))"}), BY_ID, 20_000, []),
        (BITMAP, BY_ID, 20_000, []),
        (scan("Tid Range Scan"), Key(), 20_000, []),
        (
            scan("Index Scan", **{"Index Cond": "(users.state = 'x')"}),
            BY_ID,
            5,
            ["does not use the index of its key (id)"],
        ),
        (
            scan("Index Scan", **{"Index Cond": "(users.idle > 5)"}),
            BY_ID,
            5,
            ["does not use the index of its key (id)"],
        ),
        (
            scan("Seq Scan"),
            BY_ID,
            20_000,
            ["reads all of its 20,000 pages (Seq Scan)", "does not use the index of its key (id)"],
        ),
        (scan("Seq Scan"), BY_ID, 9_999, ["does not use the index of its key (id)"]),
        (scan("Seq Scan"), Key(), 5, ["does not go by place (Tid Range Scan)"]),
    ],
)
def test_warnings(node: dict[str, Any], key: Key, pages: int, wrong: list[str]) -> None:
    assert list(plan_warnings("the batch", over(node), USERS, key, pages)) == [f"the batch {w}" for w in wrong]

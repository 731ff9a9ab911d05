"""Names as PostgreSQL chooses them where nobody gives one: for the indexes of partitions.

What is made here piece by piece has to be called as plain DDL would have called it. The rules are the server's
(`makeObjectName`, `ChooseRelationName`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.chosen_names import numbered, object_name
from crossfade.postgres.forecast.column_names import index_column_name
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.plan.changes.index_fields import IndexKey


def relation_name(table: QualifiedName, columns: Iterable[str], label: str, taken: Container[QualifiedName]) -> str:
    """The first free name for an index of the table: `orders_customer_day_idx`, then `orders_customer_day_idx1`."""
    second = "_".join(columns)
    number = 0
    while True:
        name = object_name(table.name, second, f"{label}{number or ''}")
        if QualifiedName(table.schema, name) not in taken:
            return name
        number += 1


def key_names(keys: Iterable[IndexKey], included: Iterable[str] = ()) -> tuple[str, ...]:
    """What the columns of an index are called; one that is there already gets a number."""
    return numbered((*map(_key_name, keys), *included))


def _key_name(key: IndexKey) -> str:
    if key.column is not None:
        return key.column
    from pglast import parse_sql

    assert key.expression is not None
    select: Any = parse_sql(f"SELECT {key.expression.sql}")[0].stmt
    return index_column_name(select.targetList[0].val)

"""Names as PostgreSQL chooses them where nobody gives one: for the indexes and constraints of partitions.

What is made here piece by piece has to be called as plain DDL would have called it. The rules are the server's
(`makeObjectName`, `ChooseRelationName`, `FigureIndexColname`); the usual kinds of expression are known here, and one
that is not is called `expr`, which differs in the name only.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import TYPE_CHECKING, Any

from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.plan.changes.index_fields import IndexKey

_LONGEST = 63
_BY_KIND = {"CoalesceExpr": "coalesce", "CaseExpr": "case", "A_ArrayExpr": "array", "RowExpr": "row"}


def relation_name(table: QualifiedName, columns: Iterable[str], label: str, taken: Container[QualifiedName]) -> str:
    """The first free name for an index of the table: `orders_customer_day_idx`, then `orders_customer_day_idx1`."""
    second = "_".join(columns)
    number = 0
    while True:
        name = _object_name(table.name, second, f"{label}{number or ''}")
        if QualifiedName(table.schema, name) not in taken:
            return name
        number += 1


def constraint_name(table: str, columns: Iterable[str], label: str, taken: Container[str]) -> str:
    """The first free name for a constraint of the table."""
    second = "_".join(columns)
    number = 0
    while True:
        name = _object_name(table, second, f"{label}{number or ''}")
        if name not in taken:
            return name
        number += 1


def _object_name(first: str, second: str, label: str) -> str:
    """The parts with `_` between them; of the longer one as much is cut as is too much."""
    one, two = first.encode(), second.encode()
    room = _LONGEST - len(label.encode()) - 1 - (1 if two else 0)
    while len(one) + len(two) > room:
        one, two = (_cut(one), two) if len(one) > len(two) else (one, _cut(two))
    return "_".join(part for part in (one.decode(), two.decode(), label) if part)


def _cut(text: bytes) -> bytes:
    """One character less."""
    return text.decode()[:-1].encode()


def key_names(keys: Iterable[IndexKey], included: Iterable[str] = ()) -> tuple[str, ...]:
    """What the columns of an index are called; one that is there already gets a number."""
    names: list[str] = []
    for wanted in (*(_key_name(key) for key in keys), *included):
        number = 0
        while (name := f"{wanted}{number or ''}") in names:
            number += 1
        names.append(name)
    return tuple(names)


def _key_name(key: IndexKey) -> str:
    if key.column is not None:
        return key.column
    from pglast import parse_sql

    assert key.expression is not None
    select: Any = parse_sql(f"SELECT {key.expression.sql}")[0].stmt
    return _figured(select.targetList[0].val) or "expr"


def _figured(node: Any) -> str | None:
    kind = type(node).__name__
    if kind == "FuncCall":
        return str(node.funcname[-1].sval)
    if kind == "TypeCast":
        return _figured(node.arg) or str(node.typeName.names[-1].sval)
    if kind == "ColumnRef":
        return str(node.fields[-1].sval)
    if kind == "CollateClause":
        return _figured(node.arg)
    if kind == "MinMaxExpr":
        return "greatest" if node.op.name == "IS_GREATEST" else "least"
    return _BY_KIND.get(kind)

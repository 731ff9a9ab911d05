"""The names that PostgreSQL chooses for constraints and indexes that a statement does not name. Pure."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.column_names import index_column_name
from crossfade.postgres.forecast.trees import columns_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_LONGEST = 63


def chosen_name(table: str, columns: Iterable[str], label: str, taken: Container[str]) -> str:
    """`table_column_label`, shortened to 63 bytes, with a number behind the label where the name is taken."""
    addition = "_".join(columns)
    for number in count():
        name = object_name(table, addition, f"{label}{number or ''}")
        if name not in taken:
            return name
    raise AssertionError("a count has no end")


def object_name(table: str, addition: str, label: str) -> str:
    """The parts with `_` between them; of the longer one as many bytes are cut as are too many (`makeObjectName`)."""
    room = _LONGEST - len(label) - 1 - (1 if addition else 0)
    first, second = len(table.encode()), len(addition.encode())
    while first + second > room:
        if first > second:
            first -= 1
        else:
            second -= 1
    parts = (_clipped(table, first), _clipped(addition, second), label)
    return "_".join(part for part in parts if part)


def _clipped(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def key_names(elements: Iterable[Any]) -> tuple[str, ...]:
    """What the columns of an index are called, which its name is made of: IndexElems, those of INCLUDE too."""
    return numbered(element.name or index_column_name(element.expr) for element in elements)


def numbered(wanted: Iterable[str]) -> tuple[str, ...]:
    """Names of columns, each that is there already with a number."""
    found: list[str] = []
    for name in wanted:
        found.append(next(n for n in (f"{name}{number or ''}" for number in count()) if n not in found))
    return tuple(found)


def check_columns(expression: Any) -> tuple[str, ...]:
    """What the name of a CHECK has of its columns: the only one, or none of several."""
    columns = columns_of(expression)
    return columns if len(columns) == 1 else ()

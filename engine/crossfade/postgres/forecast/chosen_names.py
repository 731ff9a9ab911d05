"""The names that PostgreSQL chooses for constraints and indexes that a statement does not name. Pure."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_LONGEST = 63


def chosen_name(table: str, columns: tuple[str, ...], label: str, taken: Collection[str]) -> str:
    """`table_column_label`, shortened to 63 bytes, with a number behind the label where the name is taken."""
    addition = "_".join(columns)
    for number in count():
        name = _fitted(table, addition, f"{label}{number or ''}")
        if name not in taken:
            return name
    raise AssertionError("a count has no end")


def _fitted(table: str, addition: str, label: str) -> str:
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

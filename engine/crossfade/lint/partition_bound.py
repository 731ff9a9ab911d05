"""Partition bounds as CHECKs that PostgreSQL takes as a proof, so that it reads no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.lint.stepwise import LATER
from crossfade.lint.written import quoted, shown
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table

_ENDLESS = frozenset({"minvalue", "maxvalue"})


def check_of_bound(parent: Table, member: Table, bound: Any, *, within: bool) -> str | None:
    """What a CHECK of the member has to say: that it is within the bound, or outside; None where it is unclear."""
    if len(parent.partition_key_columns) != 1 or bound.is_default:
        return None
    (key,) = parent.partition_key_columns
    name, column = quoted(key), member.column(key)
    if bound.strategy == "l":
        values = ", ".join(shown(value) for value in bound.listdatums or ())
        said = f"{name} IN ({values})" if within else f"{name} NOT IN ({values})"
    elif bound.strategy == "r":
        lower, upper = _end(bound.lowerdatums[0]), _end(bound.upperdatums[0])
        signs = (">=", "<", " AND ") if within else ("<", ">=", " OR ")
        ends = [f"{name} {sign} {end}" for sign, end in zip(signs, (lower, upper), strict=False) if end is not None]
        said = signs[2].join(ends)
    else:
        return None
    needs_value = within and (column is None or not column.not_null)
    parts = [f"{name} IS NOT NULL"] if needs_value else []
    return " AND ".join([*parts, said] if said else parts) or None


def proved_first(table: Table, condition: str) -> tuple[str, str]:
    """Adding such a CHECK without reading rows under a strong lock, and dropping it afterwards."""
    name = quoted(f"{table.name.name}_bound")
    add = (
        f"ALTER TABLE {table.name} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID;\n"
        f"{LATER}\nALTER TABLE {table.name} VALIDATE CONSTRAINT {name};"
    )
    return add, f"ALTER TABLE {table.name} DROP CONSTRAINT {name};"


def _end(datum: Any) -> str | None:
    """A value; None for an end that is open."""
    text = shown(datum)
    return None if kind(datum) != "A_Const" and text.lower() in _ENDLESS else text

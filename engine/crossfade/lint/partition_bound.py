"""Partition bounds as CHECKs that PostgreSQL takes as a proof, so that it reads no rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.lint.stepwise import LATER
from crossfade.lint.written import shown
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table

_ENDLESS = frozenset({"minvalue", "maxvalue"})


def check_of_bound(parent: Table, member: Table, bound: Any, *, within: bool) -> str | None:
    """What a CHECK of the member has to say: that it is within the bound, or outside; None where it is unclear."""
    if len(parent.partition_key_columns) != 1 or bound.is_default:
        return None
    (key,) = parent.partition_key_columns
    name = quoted(key)
    takes_null = False
    if bound.strategy == "l":
        values = [shown(value) for value in bound.listdatums if not _is_null(value)]
        takes_null = len(values) < len(bound.listdatums)
        said = f"{name} {'IN' if within else 'NOT IN'} ({', '.join(values)})" if values else ""
    elif bound.strategy == "r":
        lower, upper = _end(bound.lowerdatums[0]), _end(bound.upperdatums[0])
        signs = (">=", "<", " AND ") if within else ("<", ">=", " OR ")
        ends = [f"{name} {sign} {end}" for sign, end in zip(signs, (lower, upper), strict=False) if end is not None]
        said = signs[2].join(ends)
    else:
        return None
    if takes_null and within:
        return " OR ".join(filter(None, [f"{name} IS NULL", said]))
    needs_value = takes_null or (within and not member.never_null(key))
    parts = [f"{name} IS NOT NULL"] if needs_value else []
    return " AND ".join([*parts, said] if said else parts) or None


def _is_null(datum: Any) -> bool:
    return kind(datum) == "A_Const" and bool(datum.isnull)


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

"""What is known of conversions between types without asking a database: which cannot fail, and which lose nothing.

From the documentation of PostgreSQL ("Numeric Types", "Character Types"); what is not here is taken to fail at times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.postgres.names import QualifiedName

_INTEGERS = ("int2", "int4", "int8")
_WIDER = {
    *((small, large) for n, small in enumerate(_INTEGERS) for large in _INTEGERS[n:]),
    ("varchar", "text"),
    ("bpchar", "text"),
    ("name", "text"),
    ("float4", "float8"),
}
"""Every value of the first has its own in the second, by assignment."""
_NEVER_FAILS = _WIDER | {(integer, "numeric") for integer in _INTEGERS} | {("text", "varchar"), ("json", "jsonb")}


def never_fails(source: QualifiedName, target: QualifiedName, *, modified: bool) -> bool:
    """Whether every value of one base type can be assigned to the other; `modified` where the target has a length."""
    pair = (source.name, target.name)
    return (
        {source.schema, target.schema} == {"pg_catalog"}
        and not modified
        and (pair in _NEVER_FAILS or source.name == target.name)
    )


def loses_nothing(source: QualifiedName, target: QualifiedName, *, modified: bool) -> bool:
    """Whether, besides, each value becomes one that means the same and no other does."""
    pair = (source.name, target.name)
    return never_fails(source, target, modified=modified) and (pair in _WIDER or source.name == target.name)

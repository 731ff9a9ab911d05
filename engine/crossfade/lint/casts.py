"""Which of PostgreSQL's own types it turns into which others by itself, when a column changes its type. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crossfade.postgres.forecast.type_names import TypeName

#: Whatever there is becomes one of these by itself.
_TEXTS = frozenset({"text", "varchar", "bpchar", "name"})
#: Their casts among each other and to numbers are left out; nothing is said of them.
_OIDS = frozenset({"oid", "regclass", "regtype", "regproc", "regrole", "regnamespace"})
_NUMBERS = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric"})
#: `pg_cast` with the contexts "implicit" and "assignment", the same in 14 to 18; those to texts left out.
_BY_ITSELF = {
    "bit": {"varbit"},
    "box": {"polygon"},
    "bpchar": {"char"},
    "cidr": {"inet"},
    "date": {"timestamp", "timestamptz"},
    "float4": _NUMBERS,
    "float8": _NUMBERS,
    "inet": {"cidr"},
    "int2": _NUMBERS,
    "int4": _NUMBERS | {"money"},
    "int8": _NUMBERS | {"money"},
    "interval": {"time"},
    "json": {"jsonb"},
    "jsonb": {"json"},
    "macaddr": {"macaddr8"},
    "macaddr8": {"macaddr"},
    "money": {"numeric"},
    "numeric": _NUMBERS | {"money"},
    "path": {"polygon"},
    "point": {"box"},
    "polygon": {"path"},
    "text": {"char"},
    "time": {"interval", "timetz"},
    "timestamp": {"date", "time", "timestamptz"},
    "timestamptz": {"date", "time", "timestamp", "timetz"},
    "timetz": {"time"},
    "varbit": {"bit"},
    "varchar": {"char"},
}


def is_refused(was: TypeName, now: TypeName) -> bool:
    """Whether PostgreSQL wants to be told by USING how the one becomes the other; of users' types that is not known."""
    if was.built_in is None or now.built_in is None or {was.built_in, now.built_in} & _OIDS:
        return False
    if was.same_type(now) or (now.built_in in _TEXTS and now.array <= was.array):
        return False
    return was.array != now.array or now.built_in not in _becomes(was.built_in)


def _becomes(was: str) -> frozenset[str]:
    texts = _TEXTS if was in _TEXTS else frozenset[str]()
    return frozenset(_BY_ITSELF.get(was, ())) | texts

"""PostgreSQL's types and defaults as a schema.ts writes them, and the imports that they need. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crossfade.migrations.app_models.defaults import Called, Number, constant
from crossfade.migrations.app_models.edits import ByHand

if TYPE_CHECKING:
    from crossfade.plan.expressions import Expression
    from crossfade.plan.types import SqlType

_TYPES: dict[str, tuple[str, str]] = {
    "text": ("text", ""),
    "varchar": ("varchar", ""),
    "bpchar": ("char", ""),
    "int4": ("integer", ""),
    "int8": ("bigint", "{ mode: 'bigint' }"),
    "int2": ("smallint", ""),
    "bool": ("boolean", ""),
    "float8": ("doublePrecision", ""),
    "float4": ("real", ""),
    "numeric": ("numeric", ""),
    "uuid": ("uuid", ""),
    "jsonb": ("jsonb", ""),
    "json": ("json", ""),
    "date": ("date", ""),
    "time": ("time", ""),
    "timestamp": ("timestamp", ""),
    "timestamptz": ("timestamp", "{ withTimezone: true }"),
}
"""The function of a type, and what it takes besides the column's name."""
_MODIFIERS = {"varchar": ("length",), "bpchar": ("length",), "numeric": ("precision", "scale")}
NUMBERS = frozenset({"integer", "smallint", "doublePrecision", "real", "serial", "smallserial"})
STRINGS = frozenset({"text", "varchar", "char", "uuid", "numeric", "date", "time"})
_COUNTED = {"integer": "serial", "bigint": "bigserial", "smallint": "smallserial"}
_CORE = re.compile(r"""import\s*\{(?P<names>[^}]*)\}\s*from\s*(?P<quote>["'])drizzle-orm/pg-core(?P=quote)""")
_SQL = re.compile(r"""import\s*\{[^}]*\bsql\b[^}]*\}\s*from\s*["']drizzle-orm["']""")


def call_of(text: str, column: str, type_: SqlType, *, counted: bool = False) -> tuple[str, str]:
    """The function of a column's type and the call of it; `counted` for one that has a sequence. Raises ByHand."""
    sorry = ByHand(f"write the column {column}, whose type is {type_}")
    if type_.sql.endswith("[]"):
        raise sorry
    if type_.name not in _TYPES:
        enum = re.search(rf"""\b(\w+)\s*=\s*(?:pgEnum|\w+\.enum)\(\s*["']{re.escape(type_.name)}["']""", text)
        if enum is None:
            raise sorry
        return enum[1], f"{enum[1]}({column!r})"
    name, options = _TYPES[type_.name]
    if counted:
        if name not in _COUNTED:
            raise sorry
        name = _COUNTED[name]
    if type_.has_modifiers:
        values = type_.sql.removeprefix(type_.bare).strip("() ").split(",")
        keys = _MODIFIERS.get(type_.name)
        if keys is None:
            raise sorry
        said = ", ".join(f"{key}: {value.strip()}" for key, value in zip(keys, values, strict=False))
        options = f"{{ {said} }}"
    return name, f"{name}({column!r}, {options})" if options else f"{name}({column!r})"


def default_of(function: str, value: Expression) -> tuple[str, bool]:
    """What says the default of a column of this function, and whether it needs `sql`. Raises ByHand."""
    match constant(value):
        case Called.NOW if function in {"timestamp", "date", "time"}:
            return ".defaultNow()", False
        case Called.UUID if function == "uuid":
            return ".defaultRandom()", False
        case bool() as found if function == "boolean":
            return f".default({str(found).lower()})", False
        case Number(text=said) if function in NUMBERS:
            return f".default({said})", False
        case str() as found if function in STRINGS and not {"\\", "\n", "'"} & set(found):
            return f".default('{found}')", False
    if "`" in value.sql or "${" in value.sql or "\\" in value.sql:
        raise ByHand(f"write the default {value}")
    return f".default(sql`{value.sql}`)", True


def imported(text: str, name: str) -> str:
    """The file, in which this function is called, with an import of it.

    Raises ByHand where there is no list of imports, and no other call that tells that there is such a function.
    """
    found = _CORE.search(text)
    if found is None and len(re.findall(rf"\b{name}\(", text)) > 1:
        return text
    if found is None:
        raise ByHand(f"import {name} from drizzle-orm/pg-core")
    names = found["names"]
    if name in {one.strip().split(" as ")[-1].strip() for one in names.split(",")}:
        return text
    bare = names.rstrip()
    tail = names[len(bare) :]
    more = f"{bare.removesuffix(',')}, {name}{',' if bare.endswith(',') else ''}{tail}"
    return text[: found.start("names")] + more + text[found.end("names") :]


def with_sql(text: str) -> str:
    """The file with an import of `sql`."""
    return text if _SQL.search(text) else f"import {{ sql }} from 'drizzle-orm';\n{text}"

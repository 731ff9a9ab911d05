"""A data type as a plan writes it: `bigint`, `numeric(12,2)`, `"Shop".status`, `text[]`.

It is parsed when the plan is read, and what is sent is printed anew from its parse tree. Whether the type exists, and
which one a bare name means, only a database knows: preflight asks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic_core import CoreSchema, core_schema

from crossfade.plan.faults import fault
from crossfade.plan.words import shown

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue

LONGEST = 300
"""Characters."""
_SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})


@dataclass(frozen=True, slots=True)
class SqlType:
    """One type; two that mean the same text are equal."""

    text: str = field(compare=False)
    """As the plan has it."""
    sql: str
    """As it is sent: printed from the parse tree."""
    bare: str = field(compare=False)
    """The same without modifiers: `numeric`."""
    schema: str | None = field(compare=False)
    """Its schema, if one is written; that of the server's own types is."""
    name: str = field(compare=False)
    """Its name alone; of an array, its elements'."""

    @classmethod
    def parse(cls, text: str) -> SqlType:
        """Read one type; raises a plan's fault where it is none."""
        return _parsed(text.strip())

    @property
    def has_modifiers(self) -> bool:
        """Whether it is written with some: `numeric(12,2)`."""
        return self.sql != self.bare

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A text in the file, this value in the model, a text again in JSON."""
        return core_schema.chain_schema(
            [core_schema.str_schema(strict=True), core_schema.no_info_plain_validator_function(cls.parse)],
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A string."""
        return {"type": "string", "minLength": 1, "maxLength": LONGEST}


@lru_cache(maxsize=256)
def _parsed(text: str) -> SqlType:
    node = _node(text)
    name = str(node.names[-1].sval)
    if len(node.names) == 1 and name in _SERIAL:
        integer = {"bigserial": "bigint", "serial8": "bigint"}.get(name, "integer")
        raise fault(
            f"{shown(name)} is no type but a default with a sequence",
            f"write `{integer}`, and `identity` for the numbers",
        )
    if node.pct_type or node.setof:
        raise fault(f"{shown(text)} names no type of its own", "write the type itself")
    if len(node.names) > 2:
        raise fault(
            f"{shown(text)} has {len(node.names)} parts; a type is `name` or `schema.name`",
            "put a part that contains a dot in double quotes: '\"my.schema\".status'",
        )
    sql = _printed(node)
    node.typmods = None
    schema = str(node.names[-2].sval) if len(node.names) > 1 else None
    return SqlType(text=text, sql=sql, bare=_printed(node), schema=schema, name=name)


def _node(text: str) -> Any:
    from pglast.parser import ParseError, parse_sql

    if not text:
        raise fault("an empty type", "write the type's name, such as `bigint` or `numeric(12,2)`")
    if len(text) > LONGEST:
        raise fault(f"a type of more than {LONGEST} characters", "write the type's name")
    try:
        (statement,) = parse_sql(f"SELECT CAST(NULL AS {text})")
        value: Any = statement.stmt.targetList[0].val  # type: ignore[union-attr]
        again: Any = parse_sql(f"CREATE TABLE t (c {text})")[0].stmt
        columns = again.tableElts
    except (ParseError, UnicodeError, ValueError, RecursionError):
        raise _no_type(text) from None
    is_type = type(value).__name__ == "TypeCast" and len(columns) == 1 and columns[0].typeName == value.typeName
    if not is_type or columns[0].constraints or columns[0].collClause:
        raise _no_type(text)
    return value.typeName


def _no_type(text: str) -> Exception:
    return fault(f"{shown(text)} is not a data type", "write its name, such as `bigint`, `numeric(12,2)` or `text[]`")


def _printed(node: Any) -> str:
    from pglast.stream import RawStream

    text: str = RawStream()(node)
    return text

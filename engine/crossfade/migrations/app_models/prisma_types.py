"""PostgreSQL's types and defaults as schema.prisma writes them. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from crossfade.migrations.app_models.defaults import Called, Number, constant
from crossfade.migrations.app_models.edits import ByHand

if TYPE_CHECKING:
    from crossfade.migrations.prisma_schema import PrismaSchema
    from crossfade.plan.expressions import Expression
    from crossfade.plan.types import SqlType

_TYPES = {
    "text": "String",
    "varchar": "String @db.VarChar",
    "bpchar": "String @db.Char",
    "int4": "Int",
    "int8": "BigInt",
    "int2": "Int @db.SmallInt",
    "bool": "Boolean",
    "float8": "Float",
    "float4": "Float @db.Real",
    "numeric": "Decimal @db.Decimal",
    "uuid": "String @db.Uuid",
    "jsonb": "Json",
    "json": "Json @db.Json",
    "bytea": "Bytes",
    "date": "DateTime @db.Date",
    "time": "DateTime @db.Time",
    "timestamp": "DateTime @db.Timestamp",
    "timestamptz": "DateTime @db.Timestamptz",
}
_NUMBERS = frozenset({"Int", "BigInt", "Float", "Decimal"})
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def type_of(column: str, type_: SqlType, schema: PrismaSchema) -> tuple[str, str]:
    """The type of a field, and its native type or nothing. Raises ByHand for one that Prisma has no word for."""
    enum = next((one for one in schema.enums if one.type == type_.name), None)
    written = _TYPES.get(type_.name) if enum is None else enum.name
    if written is None or type_.sql.endswith("[]"):
        raise ByHand(f"write the field of the column {column}, whose type is {type_}")
    kind, _, native = written.partition(" ")
    if type_.has_modifiers:
        # Prisma's own types that need no native one take no modifiers either.
        if not native:
            raise ByHand(f"write the field of the column {column}, whose type is {type_}")
        native += type_.sql.removeprefix(type_.bare).replace(" ", "")
    return kind, native


def default_of(kind: str, value: Expression, schema: PrismaSchema) -> str:
    """The attribute that says the default of a field of this type."""
    said = _word(kind, value, schema)
    return f"@default({said})" if said is not None else f"@default(dbgenerated({json.dumps(value.sql)}))"


def _word(kind: str, value: Expression, schema: PrismaSchema) -> str | None:
    found = constant(value)
    enum = next((one for one in schema.enums if one.name == kind), None)
    if enum is not None:
        return next((name for name, label in enum.values if label == found), None)
    match found:
        case Called.NOW if kind == "DateTime":
            return "now()"
        case bool() if kind == "Boolean":
            return str(found).lower()
        case Number(text=text) if kind in _NUMBERS:
            return text
        case str() if kind in _NUMBERS and _NUMBER.fullmatch(found):
            return found
        case str() if kind in {"String", "Json"}:
            return json.dumps(found, ensure_ascii=False)
    return None

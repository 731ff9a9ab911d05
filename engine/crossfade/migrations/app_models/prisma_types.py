"""PostgreSQL's types and defaults as schema.prisma writes them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crossfade.migrations.app_models.defaults import Called, Number, constant
from crossfade.migrations.app_models.edits import ByHand
from crossfade.migrations.app_models.prisma_lines import quoted

if TYPE_CHECKING:
    from crossfade.migrations.prisma_schema import Field, PrismaSchema
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
    "timetz": "DateTime @db.Timetz",
    "bit": "String @db.Bit",
    "varbit": "String @db.VarBit",
    "money": "Decimal @db.Money",
    "inet": "String @db.Inet",
    "citext": "String @db.Citext",
    "xml": "String @db.Xml",
    "oid": "Int @db.Oid",
}
_WHOLE = re.compile(r"-?\d+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMBERS = {"Int": _WHOLE, "BigInt": _WHOLE, "Float": _NUMBER, "Decimal": _NUMBER}
_MODIFIERS = re.compile(r"\(([^)]*)\)")


def type_of(column: str, type_: SqlType, schema: PrismaSchema) -> tuple[str, str | None]:
    """The type of a field, and the attribute of its native type. Raises ByHand for one that Prisma has no word for."""
    sorry = ByHand(f"write the field of the column {column}, whose type is {type_}")
    enum = schema.of_type(type_.name, type_.schema)
    written = _TYPES.get(type_.name) if enum is None else enum.name
    if written is None or type_.sql.endswith("[]"):
        raise sorry
    kind, _, native = written.replace("@db.", f"@{schema.source}.").partition(" ")
    if type_.has_modifiers:
        found = _MODIFIERS.search(type_.sql)
        # Prisma's own types that need no native one take no modifiers either.
        if not native or found is None:
            raise sorry
        native += f"({','.join(map(str, _modifiers(type_, found[1], sorry)))})"
    return kind, native or None


def _modifiers(type_: SqlType, said: str, sorry: ByHand) -> list[int]:
    values = [int(value) for value in said.split(",")]
    if type_.name == "numeric":
        # Prisma wants both, and knows only what PostgreSQL 14 does.
        precision, scale = (*values, 0)[:2]
        if not 0 <= scale <= precision:
            raise sorry
        return [precision, scale]
    return values


def default_of(field: Field, value: Expression, schema: PrismaSchema) -> str:
    """The attribute that says the default of a field."""
    said = _word(field, value, schema)
    return f"@default({said})" if said is not None else f"@default(dbgenerated({quoted(value.sql)}))"


def _word(field: Field, value: Expression, schema: PrismaSchema) -> str | None:
    found, kind = constant(value), field.type
    if field.is_list:
        return "[]" if found == "{}" else None
    enum = next((one for one in schema.enums if one.name == kind), None)
    if enum is not None:
        return next((value.name for value in enum.values if value.label == found), None)
    match found:
        case Called.NOW if kind == "DateTime":
            return "now()"
        case bool() if kind == "Boolean":
            return str(found).lower()
        case Number(text=text) | (str() as text) if kind in _NUMBERS:
            return text if _NUMBERS[kind].fullmatch(text) else None
        case str() if kind in {"String", "Json"}:
            return quoted(found)
    return None

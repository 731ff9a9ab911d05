"""Edits of the enums of a schema.prisma. Values keep their names; `@map` says the label. Pure."""

from __future__ import annotations

import re

from crossfade.migrations.app_models.edits import (
    AlreadySo,
    ByHand,
    EnumAdded,
    OfValue,
    ValueAdded,
    ValueGone,
    ValueRenamed,
)
from crossfade.migrations.app_models.names import NAME, RESERVED, word_for
from crossfade.migrations.app_models.prisma_lines import map_to, mapped
from crossfade.migrations.prisma_schema import Enumeration, EnumValue, PrismaSchema, prisma_schema

_TYPES = frozenset({"BigInt", "Boolean", "Bytes", "DateTime", "Decimal", "Float", "Int", "Json", "String"})
_RESERVED = RESERVED | _TYPES | {"PrismaClient"}
"""What no enum can be called."""


def edited(text: str, edit: EnumAdded | OfValue) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded):
        return _added(text, edit)
    schema = prisma_schema(text)
    enum = schema.of_type(edit.type.name, edit.type.schema)
    if enum is None:
        raise ByHand(_none_or_many(schema, edit))
    lines = text.splitlines(keepends=True)
    labels = {value.label for value in enum.values}
    match edit:
        case ValueAdded(value=value) if value in labels:
            raise AlreadySo(f"the value {value} of {enum.name}")
        case ValueRenamed(value=value, to=to) if value not in labels and to in labels:
            raise AlreadySo(f"the value {to} of {enum.name}")
        case ValueAdded(value=value, before=before, after=after):
            if before is not None:
                place = _value(enum, before).line
            elif after is not None:
                place = _value(enum, after).line + 1
            else:
                place = max((one.line for one in enum.values), default=enum.begin) + 1
            lines.insert(place, _written(value, {one.name for one in enum.values}))
        case ValueRenamed(value=value, to=to):
            found = _value(enum, value)
            lines[found.line] = mapped(lines[found.line], None if found.name == to else to)
        case ValueGone(value=value):
            found = _value(enum, value)
            fields = (field for model in schema.models for field in model.fields if field.type == enum.name)
            if any(re.search(rf"@default\([^)]*\b{found.name}\b", lines[field.line]) for field in fields):
                raise ByHand(f"remove the value {found.name} of {enum.name}, which is the default of a field")
            if len(enum.values) == 1:
                raise ByHand(f"remove the value {found.name} of {enum.name}, which has no other")
            del lines[found.line]
    return "".join(lines)


def _value(enum: Enumeration, label: str) -> EnumValue:
    value = next((value for value in enum.values if value.label == label), None)
    if value is None:
        raise ByHand(f"there is no value {label}")
    return value


def _none_or_many(schema: PrismaSchema, edit: OfValue) -> str:
    if any(enum.type == edit.type.name for enum in schema.enums) and edit.type.schema is None:
        return f"there is more than one enum of the type {edit.type}"
    folded = (enum.type for enum in schema.enums if enum.type.lower() == edit.type.name != enum.type)
    near = next((f"; a plan names {name} as '\"{name}\"'" for name in folded), "")
    return f"there is no enum of the type {edit.type.name if near else edit.type}{near}"


def _added(text: str, edit: EnumAdded) -> str:
    name, schema = edit.type.name, prisma_schema(text)
    if schema.of_type(name, edit.type.schema) is not None:
        raise AlreadySo(f"an enum of the type {edit.type}")
    is_name = NAME.fullmatch(name) and name not in _RESERVED
    if "@@schema(" in text or not is_name or re.search(rf"^\s*\w+\s+{name}\s*\{{", text, re.MULTILINE):
        raise ByHand(f"add an enum of the type {edit.type} with {', '.join(edit.values)}")
    taken: set[str] = set()
    lines = []
    for value in edit.values:
        lines.append(_written(value, taken))
        taken.add(lines[-1].split()[0])
    between = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{between}\nenum {name} {{\n{''.join(lines)}}}\n"


def _written(label: str, taken: set[str]) -> str:
    """The line of a value, by a name that Prisma takes."""
    name = word_for(label, "value")
    if name in taken:
        raise ByHand(f"add a value of the label {label}")
    return f"  {name}\n" if name == label else f"  {name} {map_to(label)}\n"

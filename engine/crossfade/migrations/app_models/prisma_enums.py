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
from crossfade.migrations.app_models.prisma_lines import closing, mapped
from crossfade.migrations.prisma_schema import Enumeration, prisma_schema

_BLOCK = re.compile(r"^\s*enum\s+\w+\s*\{\s*$")
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_NO_WORD = re.compile(r"\W", re.ASCII)


def edited(text: str, edit: EnumAdded | OfValue) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded):
        return _added(text, edit)
    lines = text.splitlines(keepends=True)
    begin, end, enum = _enum(lines, edit.type.name)
    labels = {label for _, label in enum.values}
    match edit:
        case ValueAdded(value=value) if value in labels:
            raise AlreadySo(f"the value {value} of {enum.name}")
        case ValueRenamed(value=value, to=to) if value not in labels and to in labels:
            raise AlreadySo(f"the value {to} of {enum.name}")
        case ValueAdded(value=value, before=before, after=after):
            if before is not None:
                place = _line(lines, begin, end, before)
            else:
                last = max(n for n in range(begin, end) if n == begin or _label(lines[n]) is not None)
                place = (_line(lines, begin, end, after) if after is not None else last) + 1
            lines.insert(place, _value(value, {name for name, _ in enum.values}))
        case ValueRenamed(value=value, to=to):
            number = _line(lines, begin, end, value)
            name = lines[number].split()[0]
            lines[number] = mapped(lines[number], None if name == to else to)
        case ValueGone(value=value):
            number = _line(lines, begin, end, value)
            name = lines[number].split()[0]
            if any(f"@default({name})" in line for line in lines if re.search(rf"\b{enum.name}\b", line)):
                raise ByHand(f"remove the value {name} of {enum.name}, which is the default of a field")
            del lines[number]
    return "".join(lines)


def _added(text: str, edit: EnumAdded) -> str:
    name = edit.type.name
    if any(enum.type == name for enum in prisma_schema(text).enums):
        raise AlreadySo(f"an enum of the type {edit.type}")
    if "@@schema(" in text or not _NAME.fullmatch(name) or re.search(rf"^\s*\w+\s+{name}\s*\{{", text, re.MULTILINE):
        raise ByHand(f"add an enum of the type {edit.type} with {', '.join(edit.values)}")
    taken: set[str] = set()
    lines = []
    for value in edit.values:
        lines.append(_value(value, taken))
        taken.add(lines[-1].split()[0])
    between = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{between}\nenum {name} {{\n{''.join(lines)}}}\n"


def _enum(lines: list[str], type_: str) -> tuple[int, int, Enumeration]:
    for begin, line in enumerate(lines):
        if _BLOCK.match(line):
            end = closing(lines, begin)
            (enum,) = prisma_schema("".join(lines[begin : end + 1])).enums
            if enum.type == type_:
                return begin, end, enum
    raise ByHand(f"there is no enum of the type {type_}")


def _label(line: str) -> str | None:
    (enum,) = prisma_schema(f"enum _ {{\n{line}\n}}").enums
    return enum.values[0][1] if enum.values else None


def _line(lines: list[str], begin: int, end: int, label: str) -> int:
    for number in range(begin + 1, end):
        if _label(lines[number]) == label:
            return number
    raise ByHand(f"there is no value {label}")


def _value(label: str, taken: set[str]) -> str:
    """The line of a value, by a name that Prisma takes."""
    if _NAME.fullmatch(label) and label not in taken:
        return f"  {label}\n"
    name = _NO_WORD.sub("_", label)
    name = name if _NAME.fullmatch(name) else f"value_{name}"
    if name in taken or '"' in label or "\\" in label:
        raise ByHand(f"add a value of the label {label}")
    return f'  {name} @map("{label}")\n'

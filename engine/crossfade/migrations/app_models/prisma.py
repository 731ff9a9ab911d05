"""Edits of a schema.prisma. Fields and models keep their names, so the code that uses them does; `@map` says the rest.

Lines that are not concerned stay as they are. Pure.
"""

from __future__ import annotations

import re
from typing import assert_never

from crossfade.migrations.app_models import prisma_enums
from crossfade.migrations.app_models.edits import (
    AlreadySo,
    ByHand,
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    ColumnTyped,
    DefaultSet,
    Edit,
    EnumAdded,
    IndexAdded,
    NullAllowed,
    OfColumn,
    OfTable,
    TableGone,
    TableRenamed,
    ValueAdded,
    ValueGone,
    ValueRenamed,
)
from crossfade.migrations.app_models.prisma_lines import closing, mapped, with_attribute
from crossfade.migrations.app_models.prisma_types import default_of, type_of
from crossfade.migrations.prisma_schema import Field, PrismaSchema, prisma_schema

_BLOCK = re.compile(r"^\s*model\s+(\w+)\s*\{\s*$")
_BLOCK_MAP = re.compile(r'@@map\(\s*(?:name:\s*)?"(?:[^"\\]|\\.)*"\s*\)')
_TYPE = re.compile(r"^(?P<name>\s*\w+\s+)(?P<type>\w+)(?P<optional>\??)")
_NATIVE = re.compile(r"\s*@db\.\w+(?:\([^)]*\))?")
_DEFAULT = re.compile(r'\s*@default\((?:[^()"]|"(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\))*\)')
_LISTED = re.compile(r"(\w+:\s*)?\[([^\]]*)\]")
_WORD = re.compile(r"\w+")


def edited(text: str, edit: Edit) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded | ValueAdded | ValueRenamed | ValueGone):
        return prisma_enums.edited(text, edit)
    _refuse_new_shape(prisma_schema(text), edit)
    lines = text.splitlines(keepends=True)
    begin, end = _model(lines, edit.table.name)
    match edit:
        case TableRenamed(to=to):
            _rename_table(lines, begin, end, to)
        case TableGone():
            _remove(lines, begin, end)
        case ColumnAdded(column=column, type=type_):
            kind, native = type_of(column, type_, prisma_schema(text))
            lines.insert(_last_field(lines, begin, end) + 1, f"  {f'{column} {kind}? {native}'.rstrip()}\n")
        case IndexAdded():
            _index(lines, begin, end, edit)
        case _:
            _edit(lines, begin, end, edit)
    return "".join(lines)


def _refuse_new_shape(schema: PrismaSchema, edit: OfTable) -> None:
    """Raises AlreadySo; ByHand where something else has the name that a field would get."""
    model = schema.of_table(edit.table.name)
    match edit:
        case TableRenamed(to=to) if model is None and schema.of_table(to) is not None:
            raise AlreadySo(f"a model of the table {to}")
        case ColumnRenamed(column=column, to=to) if model is not None and model.of_column(column) is None:
            if model.of_column(to) is not None:
                raise AlreadySo(f"a field of the column {to} of {edit.table}")
        case ColumnAdded(column=column, type=type_) if model is not None:
            if model.of_column(column) is not None:
                raise AlreadySo(f"a field of the column {column} of {edit.table}")
            if any(field.name == column for field in model.fields):
                raise ByHand(f"write the field of the column {column}, whose type is {type_}, by another name")


def _edit(lines: list[str], begin: int, end: int, edit: OfColumn) -> None:
    number, field = _field(lines, begin, end, edit.column)
    match edit:
        case ColumnRenamed(to=to):
            lines[number] = mapped(lines[number], None if field.name == to else to)
        case ColumnGone():
            if _is_named(lines, begin, end, field.name):
                raise ByHand(f"remove the field of the column {edit.column}, and what names it")
            del lines[number]
        case ColumnTyped():
            _retype(lines, number, field, edit, begin, end)
        case NullAllowed(allowed=allowed):
            lines[number] = _TYPE.sub(r"\g<name>\g<type>" + ("?" if allowed else ""), lines[number], count=1)
        case DefaultSet(value=value):
            bare = _DEFAULT.sub("", lines[number], count=1)
            said = None if value is None else default_of(field.type, value, prisma_schema("".join(lines)))
            lines[number] = with_attribute(bare, said)
        case _:
            assert_never(edit)


def _retype(lines: list[str], number: int, field: Field, edit: ColumnTyped, begin: int, end: int) -> None:
    kind, native = type_of(edit.column, edit.type, prisma_schema("".join(lines)))
    line = lines[number]
    if field.is_list or _TYPE.match(line) is None:
        raise ByHand(f"write the field of the column {edit.column}, whose type is {edit.type}")
    if kind != field.type and _is_related(lines, begin, end, field.name):
        raise ByHand(f"give the field of {edit.column}, and those of its relations, the type {kind}")
    default = _DEFAULT.search(line)
    numbers = {"Int", "BigInt"}
    if default is not None and kind != field.type and not {kind, field.type} <= numbers:
        raise ByHand(f"write the field of {edit.column}, whose type is {edit.type} and whose default is of another")
    line = _TYPE.sub(rf"\g<name>{kind}\g<optional>", line, count=1)
    lines[number] = with_attribute(_NATIVE.sub("", line, count=1), native or None)


def _model(lines: list[str], table: str) -> tuple[int, int]:
    """The first and the last line of the model of a table."""
    for begin, line in enumerate(lines):
        if _BLOCK.match(line):
            end = closing(lines, begin)
            if prisma_schema("".join(lines[begin : end + 1])).of_table(table) is not None:
                return begin, end
    raise ByHand(f"there is no model of the table {table}")


def _in_line(line: str) -> Field | None:
    model = prisma_schema(f"model _ {{\n{line}\n}}").models[0]
    return model.fields[0] if model.fields else None


def _field(lines: list[str], begin: int, end: int, column: str) -> tuple[int, Field]:
    for number in range(begin + 1, end):
        field = _in_line(lines[number])
        if field is not None and field.column == column:
            return number, field
    raise ByHand(f"there is no field of the column {column}")


def _last_field(lines: list[str], begin: int, end: int) -> int:
    return max((n for n in range(begin + 1, end) if _in_line(lines[n]) is not None), default=begin)


def _is_named(lines: list[str], begin: int, end: int, field: str) -> bool:
    """Whether an index, a key or a relation of the model, or one of another model to it, names the field."""
    blocks = (line for line in lines[begin:end] if line.lstrip().startswith("@@"))
    own = (word for line in blocks for _, found in _LISTED.findall(line) for word in _WORD.findall(found))
    return field in own or _is_related(lines, begin, end, field)


def _is_related(lines: list[str], begin: int, end: int, field: str) -> bool:
    """Whether a relation of the model is over the field, or one of another model refers to it."""
    head = _BLOCK.match(lines[begin])
    assert head is not None
    for number, line in enumerate(lines):
        target = _in_line(line) if "@relation(" in line else None
        if target is None:
            continue
        keys = {"fields:"} if begin < number < end else set()
        keys |= {"references:"} if target.type == head[1] else set()
        if any(key.strip() in keys and field in _WORD.findall(found) for key, found in _LISTED.findall(line)):
            return True
    return False


def _remove(lines: list[str], begin: int, end: int) -> None:
    head = _BLOCK.match(lines[begin])
    assert head is not None
    others = prisma_schema("".join(lines[:begin] + lines[end + 1 :])).models
    if any(field.type == head[1] for model in others for field in model.fields):
        raise ByHand(f"remove the model {head[1]}, and the fields of others that refer to it")
    while end + 1 < len(lines) and not lines[end + 1].strip():
        end += 1
    del lines[begin : end + 1]


def _index(lines: list[str], begin: int, end: int, edit: IndexAdded) -> None:
    fields = ", ".join(_field(lines, begin, end, column)[1].name for column in edit.columns)
    word = "@@unique" if edit.unique else "@@index"
    said = f'  {word}([{fields}], map: "{edit.name}")\n'
    is_first = not any(line.lstrip().startswith("@@") for line in lines[begin:end])
    lines[end:end] = ["\n", said] if is_first else [said]


def _rename_table(lines: list[str], begin: int, end: int, to: str) -> None:
    for number in range(begin + 1, end):
        if _BLOCK_MAP.search(lines[number]):
            lines[number] = _BLOCK_MAP.sub(lambda _: f'@@map("{to}")', lines[number])
            return
    lines[end:end] = ["\n", f'  @@map("{to}")\n']

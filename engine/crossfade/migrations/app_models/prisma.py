"""Edits of a schema.prisma. Fields and models keep their names, so the code that uses them does; `@map` says the rest.

Lines that are not concerned stay as they are. Pure.
"""

from __future__ import annotations

import re

from crossfade.migrations.app_models.edits import (
    ByHand,
    ColumnAdded,
    ColumnGone,
    ColumnRenamed,
    Edit,
    NullAllowed,
    TableRenamed,
)
from crossfade.migrations.prisma_schema import Field, prisma_schema

_BLOCK = re.compile(r"^\s*model\s+\w+\s*\{\s*$")
_MAP = re.compile(r'\s*(?<!@)@map\(\s*(?:name:\s*)?"(?:[^"\\]|\\.)*"\s*\)')
_BLOCK_MAP = re.compile(r'@@map\(\s*(?:name:\s*)?"(?:[^"\\]|\\.)*"\s*\)')
_TYPE = re.compile(r"^(\s*\w+\s+\w+)\??")
_COMMENT = re.compile(r'^(?P<code>(?:"(?:[^"\\]|\\.)*"|(?!//)[^"])*?)(?P<rest>\s*(?://.*)?)$')
_TYPES = {
    "text": "String",
    "varchar": "String @db.VarChar",
    "int4": "Int",
    "int8": "BigInt",
    "int2": "Int @db.SmallInt",
    "bool": "Boolean",
    "float8": "Float",
    "numeric": "Decimal @db.Decimal",
    "uuid": "String @db.Uuid",
    "jsonb": "Json",
    "date": "DateTime @db.Date",
    "timestamptz": "DateTime @db.Timestamptz",
}


def edited(text: str, edit: Edit) -> str:
    """The file with one edit. Raises ByHand."""
    lines = text.splitlines(keepends=True)
    begin, end = _model(lines, edit.table.name)
    match edit:
        case TableRenamed(to=to):
            _rename_table(lines, begin, end, to)
        case ColumnAdded():
            lines.insert(_last_field(lines, begin, end) + 1, f"  {_added(edit)}\n")
        case ColumnRenamed(column=column, to=to):
            number, field = _field(lines, begin, end, column)
            lines[number] = _mapped(lines[number], None if field.name == to else to)
        case ColumnGone(column=column):
            number, _ = _field(lines, begin, end, column)
            del lines[number]
        case NullAllowed(column=column, allowed=allowed):
            number, field = _field(lines, begin, end, column)
            lines[number] = _TYPE.sub(r"\1?" if allowed else r"\1", lines[number], count=1)
    return "".join(lines)


def _model(lines: list[str], table: str) -> tuple[int, int]:
    """The first and the last line of the model of a table."""
    for begin, line in enumerate(lines):
        if _BLOCK.match(line):
            end = next((n for n in range(begin, len(lines)) if lines[n].strip() == "}"), begin)
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


def _mapped(line: str, column: str | None) -> str:
    bare = _MAP.sub("", line.rstrip("\r\n"))
    found = _COMMENT.match(bare)
    if column is None or found is None:
        return f"{bare}\n"
    return f'{found["code"].rstrip()} @map("{column}"){found["rest"]}\n'


def _rename_table(lines: list[str], begin: int, end: int, to: str) -> None:
    for number in range(begin + 1, end):
        if _BLOCK_MAP.search(lines[number]):
            lines[number] = _BLOCK_MAP.sub(lambda _: f'@@map("{to}")', lines[number])
            return
    lines[end:end] = ["\n", f'  @@map("{to}")\n']


def _added(edit: ColumnAdded) -> str:
    written = None if edit.type.sql.endswith("[]") else _TYPES.get(edit.type.name)
    if written is None:
        raise ByHand(f"add a field of the column {edit.column}, whose type is {edit.type}")
    kind, _, native = written.partition(" ")
    if edit.type.has_modifiers:
        # Prisma's own types that need no native one take no modifiers either.
        if not native:
            raise ByHand(f"add a field of the column {edit.column}, whose type is {edit.type}")
        native += edit.type.sql.removeprefix(edit.type.bare)
    return f"{edit.column} {kind}? {native}".rstrip()

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
from crossfade.migrations.app_models.names import word_for
from crossfade.migrations.app_models.prisma_keys import (
    attributes,
    has_index,
    is_named,
    is_needed,
    is_related,
    with_optional,
    with_type,
)
from crossfade.migrations.app_models.prisma_lines import map_to, mapped, quoted, with_attribute, without
from crossfade.migrations.app_models.prisma_types import default_of, type_of
from crossfade.migrations.prisma_schema import BLOCK_MAP, NATIVE, Field, Model, PrismaSchema, prisma_schema

_NATIVE = re.compile(rf"\s*{NATIVE.pattern}")
_DEFAULT = re.compile(r'\s*@default\s*\((?:[^()"]|"(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\))*\)')


def edited(text: str, edit: Edit) -> str:
    """The file with one edit. Raises ByHand, and AlreadySo."""
    if isinstance(edit, EnumAdded | ValueAdded | ValueRenamed | ValueGone):
        return prisma_enums.edited(text, edit)
    schema = prisma_schema(text)
    _refuse_new_shape(text, schema, edit)
    model = schema.of_table(edit.table.name, edit.table.schema)
    if model is None:
        many = edit.table.schema is None and any(one.table == edit.table.name for one in schema.models)
        raise ByHand(f"there is {'more than one' if many else 'no'} model of the table {edit.table}")
    lines = text.splitlines(keepends=True)
    match edit:
        case TableRenamed(to=to):
            _rename_table(lines, model, to)
        case TableGone():
            _remove(lines, model, schema)
        case ColumnAdded(column=column, type=type_):
            _add(lines, model, *type_of(column, type_, schema), column)
        case IndexAdded():
            _index(lines, model, edit)
        case _:
            _edit(lines, model, schema, edit)
    return "".join(lines)


def _refuse_new_shape(text: str, schema: PrismaSchema, edit: OfTable) -> None:
    """Raises AlreadySo; ByHand where something else has the name that a field would get."""
    model = schema.of_table(edit.table.name, edit.table.schema)
    match edit:
        case TableRenamed(to=to) if schema.of_table(to, edit.table.schema) is not None:
            if model is None:
                raise AlreadySo(f"a model of the table {to}")
            raise ByHand(f"give the model {model.name} the table {to}, once no other model has it")
        case ColumnRenamed(column=column, to=to) if model is not None and model.of_column(to) is not None:
            if model.of_column(column) is None:
                raise AlreadySo(f"a field of the column {to} of {edit.table}")
            raise ByHand(f"give the field of the column {column} the column {to}, once no other field has it")
        case ColumnAdded(column=column, type=type_) if model is not None:
            if model.of_column(column) is not None:
                raise AlreadySo(f"a field of the column {column} of {edit.table}")
            if any(field.name == word_for(column, "field") for field in model.fields):
                raise ByHand(f"write the field of the column {column}, whose type is {type_}, by another name")
        case IndexAdded(name=name, unique=False) if model is not None and has_index(text.splitlines(), model, name):
            raise AlreadySo(f"the index {name}")


def _edit(lines: list[str], model: Model, schema: PrismaSchema, edit: OfColumn) -> None:
    field = _field(model, edit.column)
    line = lines[field.line]
    match edit:
        case ColumnRenamed(to=to):
            lines[field.line] = mapped(line, None if field.name == to else to)
        case ColumnGone():
            if is_named(lines, model, schema, field):
                raise ByHand(f"remove the field of the column {edit.column}, and what names it")
            if is_needed(lines, model, field):
                raise ByHand(f"remove the field of the column {edit.column}, and give the model another key")
            del lines[field.line]
        case ColumnTyped():
            lines[field.line] = _retyped(lines, model, schema, field, edit)
        case NullAllowed(allowed=allowed) if not field.is_list:
            if allowed and is_needed(lines, model, field):
                raise ByHand(f"let {edit.column} have no value, and give the model another key")
            for number, relation in with_optional(lines, model, field, allowed=allowed).items():
                lines[number] = relation
            lines[field.line] = with_type(line, field.type, "?" if allowed else "")
        case NullAllowed():
            pass  # A list is none or empty alike: Prisma has no optional ones.
        case DefaultSet(value=value):
            said = None if value is None else default_of(field, value, schema)
            lines[field.line] = with_attribute(without(line, _DEFAULT), said)
        case _:
            assert_never(edit)


def _retyped(lines: list[str], model: Model, schema: PrismaSchema, field: Field, edit: ColumnTyped) -> str:
    kind, native = type_of(edit.column, edit.type, schema)
    line = lines[field.line]
    if field.is_list:
        raise ByHand(f"write the field of the column {edit.column}, whose type is {edit.type}")
    if kind != field.type and is_related(lines, model, schema, field):
        raise ByHand(f"give the field of {edit.column}, and those of its relations, the type {kind}")
    numbers = {"Int", "BigInt"}
    if _DEFAULT.search(line) and kind != field.type and not {kind, field.type} <= numbers:
        raise ByHand(f"write the field of {edit.column}, whose type is {edit.type} and whose default is of another")
    line = with_type(line, kind, "?" if field.is_optional else "")
    return with_attribute(without(line, _NATIVE), native)


def _field(model: Model, column: str) -> Field:
    field = model.of_column(column)
    if field is None:
        raise ByHand(f"there is no field of the column {column}")
    return field


def _add(lines: list[str], model: Model, kind: str, native: str | None, column: str) -> None:
    name = word_for(column, "field")
    said = (name, f"{kind}?", None if name == column else map_to(column), native)
    last = max((field.line for field in model.fields), default=model.begin)
    lines.insert(last + 1, f"  {' '.join(one for one in said if one is not None)}\n")


def _remove(lines: list[str], model: Model, schema: PrismaSchema) -> None:
    others = (other for other in schema.models if other is not model)
    if any(field.type == model.name for other in others for field in other.fields):
        raise ByHand(f"remove the model {model.name}, and the fields of others that refer to it")
    end = model.end + 1
    while end < len(lines) and not lines[end].strip():
        end += 1
    del lines[model.begin : end]


def _index(lines: list[str], model: Model, edit: IndexAdded) -> None:
    fields = ", ".join(_field(model, column).name for column in edit.columns)
    if has_index(lines, model, edit.name):
        return
    word = "@@unique" if edit.unique else "@@index"
    between = [] if attributes(lines, model) else ["\n"]
    lines[model.end : model.end] = [*between, f"  {word}([{fields}], map: {quoted(edit.name)})\n"]


def _rename_table(lines: list[str], model: Model, to: str) -> None:
    said = f"@{map_to(to)}"
    for number in attributes(lines, model):
        if BLOCK_MAP.search(lines[number]):
            lines[number] = BLOCK_MAP.sub(lambda _: said, lines[number])
            return
    lines[model.end : model.end] = ["\n", f"  {said}\n"]

"""schema.prisma: models and enums with the names that the database has for them, and the lines where they stand.

    prisma_schema(text)     the models and enums of one file, or of several put together

Lines have their places in `text.splitlines()`.

What a schema says beyond names and types (relations, indexes, generators) is passed over; a line that is none of what
is known is too, since Prisma itself has refused it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
_BLOCK = re.compile(r"^\s*(model|enum|view|type)\s+(\w+)\s*\{\s*$")
_SOURCE = re.compile(r"^\s*datasource\s+(\w+)", re.MULTILINE)
FIELD = re.compile(
    r"^\s*(?P<name>\w+)\s+(?P<type>Unsupported\(\"[^\"]*\"\)|\w+)(?:\s*(?P<many>\[\]))?(?:\s*(?P<optional>\?))?"
)
_VALUE = re.compile(r"^\s*(?P<name>\w+)")
_STRING = r'"(?P<to>(?:[^"\\]|\\.)*)"'
MAP = re.compile(rf"(?<!@)@map\s*\(\s*(?:name\s*:\s*)?{_STRING}\s*\)")
BLOCK_MAP = re.compile(rf"@@map\s*\(\s*(?:name\s*:\s*)?{_STRING}\s*\)")
_SCHEMA = re.compile(rf"@@schema\s*\(\s*{_STRING}\s*\)")
NATIVE = re.compile(r"@\w+\.(?P<type>\w+(?:\s*\([^)]*\))?)")
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//.*|/\*(?:.|\n)*?\*/')


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a model."""

    name: str
    type: str
    """As the schema has it: `Int`, `Role`, `Post`."""
    column: str
    """Its column, unless its type is another model."""
    is_list: bool = False
    is_optional: bool = False
    native: str | None = None
    """The type of PostgreSQL that it names: `VarChar(50)`."""
    is_relation: bool = False
    """It has no column: its type is another model."""
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model, or a view."""

    name: str
    table: str
    schema: str | None
    fields: tuple[Field, ...]
    begin: int
    """Its first line."""
    end: int
    """The line with its brace."""

    def of_column(self, column: str) -> Field | None:
        """The field that a column is."""
        return next((f for f in self.fields if f.column == column and not f.is_relation), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue:
    """A value of an enum."""

    name: str
    label: str
    """Its name in the database."""
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    """An enum."""

    name: str
    type: str
    """The type's name in the database."""
    values: tuple[EnumValue, ...]
    schema: str | None
    begin: int
    """Its first line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrismaSchema:
    """What a schema has."""

    models: tuple[Model, ...]
    enums: tuple[Enumeration, ...]
    source: str
    """The datasource's name, with which native types begin."""

    def of_table(self, table: str, schema: str | None = None) -> Model | None:
        """The model of a table; None as well where there are several of which no schema is said."""
        return _only([model for model in self.models if model.table == table and _is_in(model, schema)])

    def of_type(self, type_: str, schema: str | None = None) -> Enumeration | None:
        """The enum of a type, by the same rule."""
        return _only([enum for enum in self.enums if enum.type == type_ and _is_in(enum, schema)])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A block as it stands in the text, without comments and empty lines."""

    kind: str
    name: str
    begin: int
    end: int
    lines: dict[int, str]

    def said(self, what: re.Pattern[str]) -> str | None:
        """What an attribute of the block says."""
        return next((to for line in self.lines.values() if (to := _said(what, line)) is not None), None)

    def named(self, what: re.Pattern[str]) -> Iterator[tuple[int, str, re.Match[str]]]:
        """The lines that are no attributes of the block."""
        for number, line in self.lines.items():
            found = None if line.lstrip().startswith("@@") else what.match(line)
            if found is not None:
                yield number, line, found


def _is_in(one: Model | Enumeration, schema: str | None) -> bool:
    return schema is None or one.schema in {None, schema}


def _only(found: list[_T]) -> _T | None:
    return found[0] if len(found) == 1 else None


def prisma_schema(text: str) -> PrismaSchema:
    """The models and enums of a schema."""
    text = _without_comments(text)
    source = _SOURCE.search(text)
    blocks = list(_blocks(text))
    models = [block for block in blocks if block.kind in {"model", "view"}]
    tables = {block.name for block in models}
    return PrismaSchema(
        models=tuple(_model(block, tables) for block in models),
        enums=tuple(_enum(block) for block in blocks if block.kind == "enum"),
        source="db" if source is None else source[1],
    )


def _blocks(text: str) -> Iterator[_Block]:
    begun: re.Match[str] | None = None
    begin, inside = 0, dict[int, str]()
    for number, line in enumerate(text.splitlines()):
        found = _BLOCK.match(line)
        if found is not None:
            begun, begin, inside = found, number, {}
        elif begun is not None and line.strip() == "}":
            yield _Block(kind=begun[1], name=begun[2], begin=begin, end=number, lines=inside)
            begun = None
        elif line.strip():
            inside[number] = line


def _without_comments(text: str) -> str:
    """The text with spaces in the place of comments, so that its lines stay where they are."""
    return _TEXT.sub(lambda found: found[0] if found[0].startswith('"') else re.sub(r"\S", " ", found[0]), text)


def _model(block: _Block, tables: set[str]) -> Model:
    return Model(
        name=block.name,
        table=block.said(BLOCK_MAP) or block.name,
        schema=block.said(_SCHEMA),
        fields=tuple(_fields(block, tables)),
        begin=block.begin,
        end=block.end,
    )


def _fields(block: _Block, tables: set[str]) -> Iterator[Field]:
    for number, line, found in block.named(FIELD):
        native = NATIVE.search(line)
        yield Field(
            name=found["name"],
            type=found["type"],
            column=_said(MAP, line) or found["name"],
            is_list=found["many"] is not None,
            is_optional=found["optional"] == "?",
            native=None if native is None else native["type"],
            # The other model may be in another file.
            is_relation=found["type"] in tables or "@relation" in line,
            line=number,
        )


def _enum(block: _Block) -> Enumeration:
    values = (
        EnumValue(name=found["name"], label=_said(MAP, line) or found["name"], line=number)
        for number, line, found in block.named(_VALUE)
    )
    return Enumeration(
        name=block.name,
        type=block.said(BLOCK_MAP) or block.name,
        values=tuple(values),
        schema=block.said(_SCHEMA),
        begin=block.begin,
    )


def _said(what: re.Pattern[str], line: str) -> str | None:
    found = what.search(line)
    return None if found is None else re.sub(r"\\(.)", r"\1", found["to"])

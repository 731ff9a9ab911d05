"""schema.prisma: models and enums with the names that the database has for them.

    prisma_schema(text)     the models and enums of one file, or of several put together

What a schema says beyond names and types (relations, indexes, generators) is passed over; a line that is none of what
is known is too, since Prisma itself has refused it. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(r"^\s*(model|enum|view|type)\s+(\w+)\s*\{\s*$")
_FIELD = re.compile(r"^\s*(?P<name>\w+)\s+(?P<type>Unsupported\(\"[^\"]*\"\)|\w+)(?P<many>\[\])?(?P<optional>\?)?")
_VALUE = re.compile(r"^\s*(?P<name>\w+)")
_STRING = r'"(?P<to>(?:[^"\\]|\\.)*)"'
_MAP = re.compile(rf"(?<!@)@map\(\s*(?:name:\s*)?{_STRING}\s*\)")
_BLOCK_MAP = re.compile(rf"@@map\(\s*(?:name:\s*)?{_STRING}\s*\)")
_SCHEMA = re.compile(rf"@@schema\(\s*{_STRING}\s*\)")
_NATIVE = re.compile(r"@db\.(?P<type>\w+(?:\([^)]*\))?)")
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|//.*')


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model, or a view."""

    name: str
    table: str
    schema: str | None
    fields: tuple[Field, ...]

    def of_column(self, column: str) -> Field | None:
        """The field that a column is."""
        return next((f for f in self.fields if f.column == column and not f.is_relation), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumeration:
    """An enum."""

    name: str
    type: str
    """The type's name in the database."""
    values: tuple[tuple[str, str], ...]
    """Each value's name, and its label in the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrismaSchema:
    """What a schema has."""

    models: tuple[Model, ...]
    enums: tuple[Enumeration, ...]

    def of_table(self, table: str) -> Model | None:
        """The model of a table, by its name without a schema."""
        return next((model for model in self.models if model.table == table), None)


def prisma_schema(text: str) -> PrismaSchema:
    """The models and enums of a schema."""
    blocks = list(_blocks(text))
    tables = {name for kind, name, _ in blocks if kind in {"model", "view"}}
    return PrismaSchema(
        models=tuple(_model(name, lines, tables) for kind, name, lines in blocks if kind in {"model", "view"}),
        enums=tuple(_enum(name, lines) for kind, name, lines in blocks if kind == "enum"),
    )


def _blocks(text: str) -> Iterator[tuple[str, str, list[str]]]:
    inside: tuple[str, str, list[str]] | None = None
    for line in map(_without_comment, text.splitlines()):
        begun = _BLOCK.match(line)
        if begun is not None:
            inside = (begun[1], begun[2], [])
        elif inside is not None and line.strip() == "}":
            yield inside
            inside = None
        elif inside is not None and line.strip():
            inside[2].append(line)


def _without_comment(line: str) -> str:
    return _TEXT.sub(lambda found: "" if found[0].startswith("//") else found[0], line)


def _model(name: str, lines: list[str], tables: set[str]) -> Model:
    return Model(
        name=name,
        table=_said(_BLOCK_MAP, lines) or name,
        schema=_said(_SCHEMA, lines),
        fields=tuple(_fields(lines, tables)),
    )


def _fields(lines: list[str], tables: set[str]) -> Iterator[Field]:
    for line in lines:
        found = _FIELD.match(line)
        if found is not None and not line.lstrip().startswith("@@"):
            native = _NATIVE.search(line)
            yield Field(
                name=found["name"],
                type=found["type"],
                column=_said(_MAP, [line]) or found["name"],
                is_list=found["many"] is not None,
                is_optional=found["optional"] is not None,
                native=None if native is None else native["type"],
                is_relation=found["type"] in tables,
            )


def _enum(name: str, lines: list[str]) -> Enumeration:
    values = (
        (found["name"], _said(_MAP, [line]) or found["name"])
        for line in lines
        if not line.lstrip().startswith("@@") and (found := _VALUE.match(line)) is not None
    )
    return Enumeration(name=name, type=_said(_BLOCK_MAP, lines) or name, values=tuple(values))


def _said(what: re.Pattern[str], lines: list[str]) -> str | None:
    found = next((match for line in lines if (match := what.search(line)) is not None), None)
    return None if found is None else re.sub(r"\\(.)", r"\1", found["to"])

"""The model in TypeScript, with the values that node-postgres (`pg`) gives and takes. Pure.

Of each table the shape of a row as it is read, of one that is inserted, and of what an update may set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from crossfade.types.names import Wanted, chosen
from crossfade.types.values import ArrayOf, CompositeOf, DomainOf, EnumOf, Scalar, Value
from crossfade.types.words import lines_of

if TYPE_CHECKING:
    from crossfade.types.model import DomainType, Field, Model, Relation


class BigInt(StrEnum):
    """What the app's driver gives for `bigint`; node-postgres a string, unless it is told otherwise."""

    BIGINT = "bigint"
    NUMBER = "number"
    STRING = "string"


_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_SHAPES = ("Row", "Insert", "Update")
_TAKEN = frozenset({"Array", "Buffer", "Circle", "Date", "Interval", "JsonInput", "JsonValue", "Point"})
"""Names that the text uses."""
_READ = {
    **dict.fromkeys(("int2", "int4", "oid", "float4", "float8"), "number"),
    "bool": "boolean",
    "bytea": "Buffer",
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "Date"),
    "interval": "Interval",
    "json": "JsonValue",
    "jsonb": "JsonValue",
    "point": "Point",
    "circle": "Circle",
    "unknown": "unknown",
}
"""Everything else comes as text."""
_IN_JSON = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "float4", "float8", "numeric"), "number"),
    "bool": "boolean",
    "json": "JsonValue",
    "jsonb": "JsonValue",
}
"""Inside of a row that to_json() has made."""
_WRITTEN = {
    **dict.fromkeys(("date", "timestamp", "timestamptz"), "Date | string"),
    "numeric": "string | number",
    "interval": "Interval | string",
    "json": "JsonInput",
    "jsonb": "JsonInput",
    "point": "string",
    "circle": "string",
}
"""What is taken otherwise than it is given."""
_WRITTEN_BIGINT = {
    BigInt.STRING: "string | number | bigint",
    BigInt.NUMBER: "number",
    BigInt.BIGINT: "bigint",
}
_ARRAYS_TEXT = """
    bool bpchar bytea cidr date float4 float8 inet int2 int4 int8 interval json jsonb macaddr money numeric numrange oid
    point regproc text time timestamp timestamptz timetz uuid varchar
"""
_ARRAYS = frozenset(_ARRAYS_TEXT.split())
"""Those whose arrays node-postgres takes apart."""
_READ_IN_ARRAYS = {"numeric": "number", "int8": "string"}
"""What node-postgres gives in an array otherwise than alone; its parser for `bigint` is not asked there."""
_GIVEN = {
    "JsonValue": "export type JsonValue = string | number | boolean | null | JsonValue[] | "
    "{ [key: string]: JsonValue };",
    "JsonInput": "/** What node-postgres takes for JSON: a string is a text in JSON, which an array needs. */\n"
    "export type JsonInput = string | number | boolean | { [key: string]: JsonValue };",
    "Interval": "/** An interval, as node-postgres gives it. */\n"
    "export interface Interval {\n"
    + "".join(
        f"  {part}?: number;\n" for part in ("years", "months", "days", "hours", "minutes", "seconds", "milliseconds")
    )
    + "  toPostgres(): string;\n  toISOString(): string;\n}",
    "Point": "export interface Point {\n  x: number;\n  y: number;\n}",
    "Circle": "export interface Circle {\n  x: number;\n  y: number;\n  radius: number;\n}",
}
"""What is printed where something uses it."""


def typescript(model: Model, bigint: BigInt, command: str) -> str:
    """The module; `command` is the line that prints it."""
    printer = _Printer(model=model, bigint=bigint, names=_names(model))
    blocks = list(printer.blocks())
    body = "\n\n".join(blocks)
    given = [text for name, text in _GIVEN.items() if re.search(rf"\b{name}\b", body)]
    head = f"// Printed by crossfade; print it anew instead of changing it:\n// {command}"
    return "\n\n".join([head, *given, *blocks, *([] if blocks else ["export {};"])]) + "\n"


def _names(model: Model) -> dict[Wanted, str]:
    wanted = [Wanted(r.name, _SHAPES) for r in model.relations]
    wanted += [Wanted(name) for name in model.type_names]
    return dict(chosen(wanted, _TAKEN))


_NULL = {True: " | null", False: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Printer:
    model: Model
    bigint: BigInt
    names: dict[Wanted, str]

    def blocks(self) -> Iterator[str]:
        """One for each type, in the order of the model."""
        for enum in self.model.enums:
            labels = " | ".join(map(_literal, enum.labels)) or "never"
            yield f"{_doc([enum.comment], '')}export type {self.names[Wanted(enum.name)]} = {labels};"
        for domain in self.model.domains:
            yield self._domain(domain)
        for composite in self.model.composites:
            name = self.names[Wanted(composite.name)]
            note = f"The type {composite.name}, as to_json() gives it; node-postgres gives it as text."
            fields = [_property(f, self._in_json(f.value) + _NULL[f.nullable], ()) for f in composite.fields]
            yield _interface(name, fields, [composite.comment, note])
        for relation in self.model.relations:
            yield from self._relation(relation)

    def _domain(self, domain: DomainType) -> str:
        name = self.names[Wanted(domain.name)]
        return f"{_doc([domain.comment], '')}export type {name} = {self._read(domain.over)};"

    def _relation(self, relation: Relation) -> Iterator[str]:
        name = self.names[Wanted(relation.name, _SHAPES)]
        of = f"A row of {relation.name}, {_a(relation.kind)}."
        rows = [self._field(f, self._read(f.value) + _NULL[f.nullable]) for f in relation.fields]
        yield _interface(f"{name}Row", rows, [relation.comment, of])
        if relation.inserts:
            fields = [
                self._field(f, self._taken(f), optional=f.on_insert == "optional")
                for f in relation.fields
                if f.on_insert != "never"
            ]
            yield _interface(f"{name}Insert", fields, [f"What an INSERT into {relation.name} takes."])
        if relation.updates:
            fields = [self._field(f, self._taken(f), optional=True) for f in relation.fields if f.on_update]
            yield _interface(f"{name}Update", fields, [f"What an UPDATE of {relation.name} may set."])

    def _taken(self, field: Field) -> str:
        return self._written(field.value) + _NULL[field.takes_null]

    def _field(self, field: Field, shown: str, *, optional: bool = False) -> str:
        return _property(field, shown, (*field.notes, *self._notes(field.value)), optional=optional)

    def _notes(self, value: Value) -> Iterator[str]:
        inner = _without_domains(value)
        if isinstance(inner, CompositeOf):
            yield f"A row of {inner.name} as text; {self.names[Wanted(inner.name)]} is its shape in JSON."
        if isinstance(inner, ArrayOf):
            yield "Elements may be NULL."
            element = inner.element
            if not (isinstance(element, Scalar) and element.built_in in _ARRAYS):
                yield "node-postgres gives the array as text until a parser is set for its type."

    def _read(self, value: Value) -> str:
        match value:
            case ArrayOf(element=Scalar(built_in=str(name))) if name in _READ_IN_ARRAYS:
                return f"{_READ_IN_ARRAYS[name]}[]"
            case ArrayOf(element=element):
                return _array(self._read(element))
            case EnumOf(name=name) | DomainOf(name=name):
                return self.names[Wanted(name)]
            case Scalar(built_in="int8"):
                return self.bigint.value
            case Scalar(built_in=str(name)):
                return _READ.get(name, "string")
            case _:
                return "string"

    def _in_json(self, value: Value) -> str:
        match value:
            case ArrayOf(element=element):
                return _array(self._in_json(element))
            case DomainOf(over=over):
                return self._in_json(over)
            case EnumOf(name=name) | CompositeOf(name=name):
                return self.names[Wanted(name)]
            case Scalar(built_in=str(name)):
                return _IN_JSON.get(name, "string")
            case _:
                return "string"

    def _written(self, value: Value) -> str:
        match value:
            case ArrayOf(element=Scalar(built_in="int8")):
                return _array(_WRITTEN_BIGINT[BigInt.STRING])
            case ArrayOf(element=element):
                return _array(self._written(element))
            case Scalar(built_in="int8"):
                return _WRITTEN_BIGINT[self.bigint]
            case Scalar(built_in=str(name)) if name in _WRITTEN:
                return _WRITTEN[name]
            case DomainOf(over=over) if self._written(over) != self._read(over):
                return self._written(over)
            case _:
                return self._read(value)


def _property(field: Field, shown: str, notes: Iterable[str], *, optional: bool = False) -> str:
    name = field.name if _PLAIN.fullmatch(field.name) else _literal(field.name)
    return f"{_doc(notes, '  ')}  {name}{'?' if optional else ''}: {shown};"


def _without_domains(value: Value) -> Value:
    while isinstance(value, DomainOf):
        value = value.over
    return value


def _array(element: str) -> str:
    return f"({element})[]" if " | " in element else f"{element}[]"


def _a(kind: str) -> str:
    return {"table": "a table", "partitioned": "a partitioned table", "foreign": "a foreign table"}.get(
        kind, f"a {kind}"
    )


def _interface(name: str, fields: Iterable[str], notes: Iterable[str | None]) -> str:
    body = "".join(f"{field}\n" for field in fields)
    return f"{_doc(notes, '')}export interface {name} {{\n{body}}}"


def _doc(notes: Iterable[str | None], indent: str) -> str:
    lines = [line for note in notes if note for line in lines_of(note)]
    lines = [line.replace("*/", "*\\/") for line in lines]
    if not lines:
        return ""
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    return f"{indent}/**\n" + "".join(f"{indent} * {line}".rstrip() + "\n" for line in lines) + f"{indent} */\n"


def _literal(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in written)

"""The model in Python: a TypedDict for each shape, with the values that psycopg 3 gives. Pure.

A column whose name cannot stand in a class body makes its TypedDict one that is written as a call.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crossfade.postgres.names import QualifiedName
from crossfade.types.names import Wanted, chosen
from crossfade.types.values import ArrayOf, CompositeOf, DomainOf, EnumOf, RangeOf, Scalar, Value
from crossfade.types.words import lines_of

if TYPE_CHECKING:
    from crossfade.types.model import Field, Model, Relation

_SHAPES = ("Row", "Insert", "Update")
_NETWORK = "IPv4Network | IPv6Network"
_ADDRESS = "IPv4Address | IPv6Address | IPv4Interface | IPv6Interface"
_VALUES = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "int"),
    **dict.fromkeys(("float4", "float8"), "float"),
    "numeric": "Decimal",
    "bool": "bool",
    "bytea": "bytes",
    "date": "datetime.date",
    "time": "datetime.time",
    "timetz": "datetime.time",
    "timestamp": "datetime.datetime",
    "timestamptz": "datetime.datetime",
    "interval": "datetime.timedelta",
    "uuid": "UUID",
    "json": "JsonValue",
    "jsonb": "JsonValue",
    "inet": _ADDRESS,
    "cidr": _NETWORK,
    "unknown": "object",
}
"""Everything else comes as text."""
_IN_JSON = {
    **dict.fromkeys(("int2", "int4", "int8", "oid"), "int"),
    **dict.fromkeys(("float4", "float8", "numeric"), "float"),
    "bool": "bool",
    "json": "JsonValue",
    "jsonb": "JsonValue",
}
"""Inside of a row that to_json() has made."""
_AS_JSON = Scalar(QualifiedName("pg_catalog", "json"))
_RANGES_TEXT = "int4range int8range numrange daterange tsrange tstzrange"
_RANGES = frozenset(_RANGES_TEXT.split()) | frozenset(f.replace("range", "multirange") for f in _RANGES_TEXT.split())
_MODULES = {
    "datetime": ("datetime",),
    "decimal": ("Decimal",),
    "ipaddress": (
        "IPv4Address",
        "IPv4Interface",
        "IPv4Network",
        "IPv6Address",
        "IPv6Interface",
        "IPv6Network",
    ),
    "typing": ("Literal", "Never", "NotRequired", "TypeAlias", "TypedDict"),
    "uuid": ("UUID",),
    "psycopg.types.json": ("Json", "Jsonb"),
    "psycopg.types.multirange": ("Multirange",),
    "psycopg.types.range": ("Range",),
}
"""Where the names come from that the text uses."""
_WRITTEN = {"json": "Json | Jsonb", "jsonb": "Json | Jsonb"}
"""What is taken otherwise than it is given."""
_JSON = 'JsonValue: TypeAlias = "str | int | float | bool | None | list[JsonValue] | dict[str, JsonValue]"'
_BUILT_IN = frozenset({"None", "bool", "bytes", "dict", "float", "int", "list", "object", "str"})
_TAKEN = frozenset({*(name for names in _MODULES.values() for name in names), *_BUILT_IN, "JsonValue"})
"""Names that the text uses."""


def python(model: Model, command: str) -> str:
    """The module; `command` is the line that prints it."""
    names = _names(model)
    used = frozenset(name + end for wanted, name in names.items() for end in wanted.ends)
    printer = _Printer(model=model, names=names, all_names=used)
    blocks = list(printer.blocks())
    body = "\n".join(blocks)
    if re.search(r"\bJsonValue\b", body):
        blocks.insert(0, _JSON)
    head = [f"# Printed by crossfade; print it anew instead of changing it:\n# {command}\n"]
    head += ["from __future__ import annotations", *_imports("\n".join(blocks))]
    return "\n".join(head).rstrip() + "\n" + "".join(f"\n\n{block}\n" for block in blocks)


def _imports(body: str) -> Iterator[str]:
    used = set(_used(ast.parse(body)))
    found = {module: sorted(used.intersection(names)) for module, names in _MODULES.items()}
    lines = [f"from {module} import {', '.join(names)}" for module, names in found.items() if names]
    lines = ["import datetime" if line == "from datetime import datetime" else line for line in lines]
    for group in ([x for x in lines if "psycopg" not in x], [x for x in lines if "psycopg" in x]):
        if group:
            yield ""
            yield from group


def _used(node: ast.AST) -> Iterator[str]:
    """Every name that the code uses, in annotations that are texts too; labels and names of columns are none."""
    match node:
        case ast.Subscript(value=ast.Name(id="Literal")):
            yield "Literal"
        case ast.Name(id=name):
            yield name
        case ast.AnnAssign(annotation=annotation, value=ast.Constant(value=str(text))):
            yield from (*_used(annotation), *_used(ast.parse(text, mode="eval")))
        case ast.Dict(values=values):
            for value in values:
                yield from _used(ast.parse(ast.literal_eval(value), mode="eval"))
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _used(child)


def _names(model: Model) -> dict[Wanted, str]:
    wanted = [Wanted(r.name, _SHAPES) for r in model.relations]
    wanted += [Wanted(name) for name in model.type_names]
    return dict(chosen(wanted, _TAKEN | frozenset(keyword.kwlist)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Printer:
    model: Model
    names: dict[Wanted, str]
    all_names: frozenset[str]
    """With their ends."""

    def blocks(self) -> Iterator[str]:
        """One for each type, in the order of the model."""
        for enum in self.model.enums:
            labels = f"Literal[{', '.join(map(_literal, enum.labels))}]" if enum.labels else "Never"
            yield f"{_remarks([enum.comment], '')}{self.names[Wanted(enum.name)]}: TypeAlias = {labels}"
        for domain in self.model.domains:
            name, over = self.names[Wanted(domain.name)], self._value(domain.over)
            yield f"{_remarks([domain.comment], '')}{name}: TypeAlias = {over}"
        for composite in self.model.composites:
            note = f"The type {composite.name}, as to_json() gives it; psycopg gives it as text until it is registered."
            fields = [
                (replace(f, value=_AS_JSON), self._in_json(f.value) + (" | None" if f.nullable else ""))
                for f in composite.fields
            ]
            yield self._typed_dict(self.names[Wanted(composite.name)], fields, [composite.comment, note])
        for relation in self.model.relations:
            yield from self._relation(relation)

    def _relation(self, relation: Relation) -> Iterator[str]:
        name = self.names[Wanted(relation.name, _SHAPES)]
        rows = [(f, self._shown(f)) for f in relation.fields]
        yield self._typed_dict(f"{name}Row", rows, [relation.comment, f"A row of {relation.name}."])
        if relation.inserts:
            fields = [
                (f, f"NotRequired[{self._taken(f)}]" if f.on_insert == "optional" else self._taken(f))
                for f in relation.fields
                if f.on_insert != "never"
            ]
            yield self._typed_dict(f"{name}Insert", fields, [f"What an INSERT into {relation.name} takes."])
        if relation.updates:
            fields = [(f, f"NotRequired[{self._taken(f)}]") for f in relation.fields if f.on_update]
            yield self._typed_dict(f"{name}Update", fields, [f"What an UPDATE of {relation.name} may set."])

    def _typed_dict(self, name: str, fields: list[tuple[Field, str]], notes: Iterable[str | None]) -> str:
        lines = [line for note in notes if note for line in lines_of(note)]
        if not all(self._can_stand_in_a_class(field.name) for field, _ in fields):
            body = "".join(
                f"{_remarks(self._notes(field), '        ')}        {_literal(field.name)}: {_literal(shown)},\n"
                for field, shown in fields
            )
            remarks = "".join(f"# {line}".rstrip() + "\n" for line in lines)
            return f"{remarks}{name} = TypedDict(\n    {_literal(name)},\n    {{\n{body}    }},\n)"
        body = "".join(f"{_remarks(self._notes(field), '    ')}    {field.name}: {shown}\n" for field, shown in fields)
        return f"class {name}(TypedDict):\n{_docstring(lines)}{body and chr(10)}{body}".rstrip("\n")

    def _can_stand_in_a_class(self, name: str) -> bool:
        """Python would take some for other names, and one that is a type's would hide that in the lines below."""
        odd = not name.isascii() or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__")
        return not odd and name not in _TAKEN and name not in self.all_names

    def _notes(self, field: Field) -> Iterator[str]:
        yield from field.notes
        value = field.value
        while isinstance(value, DomainOf):
            value = value.over
        if isinstance(value, CompositeOf):
            yield f"A row of {value.name} as text; {self.names[Wanted(value.name)]} is its shape in JSON."
        if isinstance(value, ArrayOf):
            yield "Elements may be NULL."
            if not (isinstance(value.element, Scalar | RangeOf) and value.element.name.schema == "pg_catalog"):
                yield "psycopg gives the array as text until its type is registered."

    def _shown(self, field: Field) -> str:
        return self._value(field.value) + (" | None" if field.nullable else "")

    def _taken(self, field: Field) -> str:
        return self._written(field.value) + (" | None" if field.takes_null else "")

    def _in_json(self, value: Value) -> str:
        match value:
            case ArrayOf(element=element):
                return f"list[{self._in_json(element)}]"
            case DomainOf(over=over):
                return self._in_json(over)
            case EnumOf(name=name) | CompositeOf(name=name):
                return self.names[Wanted(name)]
            case Scalar(built_in=str(name)):
                return _IN_JSON.get(name, "str")
            case _:
                return "str"

    def _value(self, value: Value) -> str:
        match value:
            case ArrayOf(element=element):
                return f"list[{self._value(element)}]"
            case EnumOf(name=name) | DomainOf(name=name):
                return self.names[Wanted(name)]
            case RangeOf(name=name, over=over, several=several) if name.name in _RANGES and name.schema == "pg_catalog":
                return f"{'Multirange' if several else 'Range'}[{self._value(over)}]"
            case Scalar(built_in=str(name)):
                return _VALUES.get(name, "str")
            case _:
                return "str"

    def _written(self, value: Value) -> str:
        match value:
            case ArrayOf(element=element):
                return f"list[{self._written(element)}]"
            case DomainOf(over=over) if self._written(over) != self._value(over):
                return self._written(over)
            case Scalar(built_in=str(name)) if name in _WRITTEN:
                return _WRITTEN[name]
            case _:
                return self._value(value)


def _remarks(notes: Iterable[str | None], indent: str) -> str:
    lines = [line for note in notes if note for line in lines_of(note)]
    return "".join(f"{indent}# {line}".rstrip() + "\n" for line in lines)


def _docstring(lines: list[str]) -> str:
    safe = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in lines]
    safe[-1] = safe[-1][:-1] + '\\"' if safe[-1].endswith('"') else safe[-1]
    if len(safe) == 1:
        return f'    """{safe[0]}"""\n'
    return '    """' + "\n".join(f"    {line}".rstrip() for line in safe).lstrip() + '\n    """\n'


def _literal(text: str) -> str:
    """A text in double quotes."""
    written = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else _escaped(c) for c in written) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"

"""What the keys, indexes and relations of a schema.prisma are over. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from crossfade.migrations.app_models.prisma_lines import parted
from crossfade.migrations.prisma_schema import FIELD, Field, Model, PrismaSchema

_LISTED = re.compile(r"(?:(?P<key>\w+)\s*:\s*)?\[(?P<names>[^\]]*)\]")
_WORD = re.compile(r"\w+")
_KEY = re.compile(r"(?<!@)@(id|unique)\b")
_KEY_OVER = re.compile(r"\s*@@(id|unique)\b")
_NAMED = re.compile(r'\bmap\s*:\s*"(?P<name>(?:[^"\\]|\\.)*)"')
_RELATION = re.compile(r'@relation\s*\((?P<said>(?:"(?:[^"\\]|\\.)*"|\([^()]*\)|[^()"])*)\)')


def attributes(lines: Sequence[str], model: Model) -> list[int]:
    """The lines with attributes of the model itself."""
    return [n for n in range(model.begin, model.end) if lines[n].lstrip().startswith("@@")]


def is_named(lines: Sequence[str], model: Model, schema: PrismaSchema, field: Field) -> bool:
    """Whether an index, a key or a relation of the model, or one of another model to it, names the field."""
    named = (name for number in attributes(lines, model) for _, names in _listed(lines[number]) for name in names)
    return field.name in named or is_related(lines, model, schema, field)


def is_related(lines: Sequence[str], model: Model, schema: PrismaSchema, field: Field) -> bool:
    """Whether a relation of the model is over the field, or one of another model refers to it."""
    for other in schema.models:
        for relation in other.fields:
            keys = {"fields"} if other is model else set()
            keys |= {"references"} if relation.type == model.name else set()
            if any(key in keys and field.name in names for key, names in _listed(lines[relation.line])):
                return True
    return False


def is_needed(lines: Sequence[str], model: Model, field: Field) -> bool:
    """Whether the model has no key any more if the field may have no value, or is gone."""
    keys = list(_keys(lines, model))
    optional = {one.name for one in model.fields if one.is_optional} | {field.name}
    if any(is_id and field.name in names for is_id, names in keys):
        return True
    return any(field.name in names for _, names in keys) and all(optional & names for _, names in keys)


def has_index(lines: Sequence[str], model: Model, name: str) -> bool:
    """Whether the model has an index or a key of this name, said or the one that it has otherwise."""
    for number in range(model.begin, model.end):
        code, _ = parted(lines[number])
        found = _NAMED.search(code)
        names = next((names for _, names in _listed(code)), ())
        columns = "_".join(field.column for key in names for field in model.fields if field.name == key)
        if code.lstrip().startswith("@@"):
            default = f"{model.table}_{columns}_{'key' if '@@unique' in code else 'idx'}"
        else:
            column = next((field.column for field in model.fields if field.line == number), "")
            default = f"{model.table}_{column}_key" if "@unique" in code else ""
        if name == (default if found is None else found["name"]):
            return True
    return False


def with_optional(lines: Sequence[str], model: Model, field: Field, *, allowed: bool) -> dict[int, str]:
    """The lines of the relations over a field that may, or may not, have no value from now on.

    A relation has to be optional if one of its fields is. What its foreign key does on delete follows from that where
    nothing is said, so it is said.
    """
    optional = {one.name for one in model.fields if one.is_optional and one is not field}
    optional |= {field.name} if allowed else set()
    return {
        relation.line: _related(lines[relation.line], model, relation, optional & names, names)
        for relation in model.fields
        for key, names in _listed(lines[relation.line])
        if key == "fields" and field.name in names
    }


def _related(line: str, model: Model, relation: Field, optional: set[str], names: frozenset[str]) -> str:
    was_required = not relation.is_optional or any(f.name in names and not f.is_optional for f in model.fields)
    is_required = optional != names
    found = _RELATION.search(line)
    if found is not None and was_required != is_required and "onDelete" not in found["said"]:
        place = found.end("said")
        line = f"{line[:place]}, onDelete: {'Restrict' if was_required else 'SetNull'}{line[place:]}"
    return with_type(line, relation.type, "?" if optional else "")


def with_type(line: str, kind: str, optional: str) -> str:
    """The line of a field with this type."""
    found = FIELD.match(line)
    assert found is not None
    return f"{line[: found.start('type')]}{kind}{optional}{line[found.end() :]}"


def _keys(lines: Sequence[str], model: Model) -> Iterator[tuple[bool, frozenset[str]]]:
    """Whether it is the id, and the fields that it is over."""
    for field in model.fields:
        found = _KEY.search(parted(lines[field.line])[0])
        if found is not None:
            yield found[1] == "id", frozenset({field.name})
    for number in attributes(lines, model):
        found = _KEY_OVER.match(lines[number])
        if found is not None:
            yield from ((found[1] == "id", names) for _, names in _listed(lines[number]))


def _listed(line: str) -> Iterator[tuple[str | None, frozenset[str]]]:
    """The lists of a line, by what is before them, with the names in them."""
    for found in _LISTED.finditer(parted(line)[0]):
        yield found["key"], frozenset(_WORD.findall(found["names"]))

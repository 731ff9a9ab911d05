"""Types by their names: which one a statement means, what comes with a new one, and another name for it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.catalog import QualifiedName, Table
from crossfade.postgres.forecast.type_names import SYSTEM, read_type
from crossfade.postgres.type_facts import TypeFacts, TypeField

if TYPE_CHECKING:
    from crossfade.types.known import Known


def type_named(known: Known, parts: tuple[str, ...]) -> QualifiedName:
    """The type that these words mean; where there is none, the one that they would make."""
    schema = known.schema
    if len(parts) > 1:
        return QualifiedName(parts[-2], parts[-1])
    found = next((s for s in (*schema.search_path, SYSTEM) if QualifiedName(s, parts[-1]) in known.types), None)
    return QualifiedName(found or schema.creation_schema, parts[-1])


def made_name(known: Known, parts: tuple[str, ...]) -> QualifiedName:
    """The name that something new has."""
    return QualifiedName(parts[-2] if len(parts) > 1 else known.schema.creation_schema, parts[-1])


def field_of(known: Known, name: str, type_node: Any) -> TypeField:
    """A column or attribute of the type that a TypeName of the parse tree means."""
    read = read_type(type_node)
    return TypeField(name=name, type=read.spelled, type_name=found_type(known, read.name, read.spelled))


def found_type(known: Known, name: QualifiedName, spelled: str = "") -> QualifiedName:
    """The type's own name where a statement leaves its schema open; that of its arrays if it is spelled as one."""
    path = (*known.schema.search_path, SYSTEM)
    places = (name, *(QualifiedName(schema, name.name) for schema in path))
    element = next((n for n in places if n in known.types or n in known.schema.tables), name)
    if not spelled.endswith("[]"):
        return element
    return next((f.name for f in known.types.values() if f.kind == "array" and f.over == element), element)


def with_type(known: Known, facts: TypeFacts) -> Known:
    """With this type in place of the one of its name; with a new one comes that of its arrays.

    Where a type of arrays has the name, it is that one that gets another.
    """
    there = known.types.get(facts.name)
    if there is not None and there.kind == "array" and there.over is not None:
        moved = {facts.name: _array_name(known.types, there.over)}
        return with_type(all_moved(known, lambda name: moved.get(name, name)), facts)
    types = {**known.types, facts.name: facts}
    if there is None:
        array = _array_name(known.types, facts.name)
        types[array] = TypeFacts(name=array, kind="array", over=facts.name)
    return replace(known, types=types)


def _array_name(types: Mapping[QualifiedName, TypeFacts], element: QualifiedName) -> QualifiedName:
    name = f"_{element.name}"
    while QualifiedName(element.schema, name) in types:
        name = f"_{name}"
    return QualifiedName(element.schema, name)


def type_moved(known: Known, old: QualifiedName, new: QualifiedName) -> Known:
    """With a type under another name, and that of its arrays."""
    others = {n: facts for n, facts in known.types.items() if n != old and facts.over != old}
    names = {old: new}
    names |= {n: _array_name(others, new) for n, f in known.types.items() if f.kind == "array" and f.over == old}
    return all_moved(known, lambda name: names.get(name, name))


def all_moved(known: Known, moved: Callable[[QualifiedName], QualifiedName]) -> Known:
    """With types under the names that `moved` gives them, wherever they are named."""
    types = [
        replace(
            facts,
            name=moved(name),
            over=moved(facts.over) if facts.over is not None else None,
            fields=tuple(replace(f, type_name=moved(f.type_name)) for f in facts.fields),
        )
        for name, facts in known.types.items()
    ]
    tables = {
        name: replace(table, columns=tuple(replace(c, type_name=moved(c.type_name)) for c in table.columns))
        for name, table in known.schema.tables.items()
    }
    domains = tuple(replace(d, name=moved(d.name), type_name=moved(d.type_name)) for d in known.schema.domains)
    schema = replace(known.schema, tables=tables, domains=domains)
    return replace(known, schema=schema, types={facts.name: facts for facts in types})


def settled(before: Known, after: Known) -> Known:
    """With the types of new columns and attributes by their own names.

    The model of locks takes a name without a schema to lie where new ones do, and an array for its element.
    """
    known = after
    for name, table in after.schema.tables.items():
        if before.schema.tables.get(name) is not table:
            known = _with_row_types(known, (column.type_name for column in table.columns))
            columns = (replace(c, type_name=found_type(known, c.type_name, c.type)) for c in table.columns)
            known = known.put(replace(table, columns=tuple(columns)))
    for name, facts in after.types.items():
        if before.types.get(name) is not facts and facts.fields:
            known = _with_row_types(known, (field.type_name for field in facts.fields))
            fields = (replace(f, type_name=found_type(known, f.type_name, f.type)) for f in facts.fields)
            known = replace(known, types={**known.types, name: replace(facts, fields=tuple(fields))})
    return known


def _with_row_types(known: Known, named: Iterable[QualifiedName]) -> Known:
    """With the row types of tables, which are only known where something has them."""
    for name in (found_type(known, each) for each in named):
        if name in known.schema.tables and name not in known.types:
            known = with_type(known, TypeFacts(name=name, kind="composite"))
    return known


def with_rows_of_tables(known: Known) -> Known:
    """With the row types of tables as the tables are now."""
    types = dict(known.types)
    for name, facts in known.types.items():
        table = known.schema.tables.get(name)
        if table is not None and facts.kind == "composite":
            types[name] = replace(facts, fields=fields_of(table))
    return replace(known, types=types)


def fields_of(table: Table) -> tuple[TypeField, ...]:
    """The columns of a table, in their order."""
    columns = sorted(table.columns, key=lambda column: column.number)
    return tuple(TypeField(name=c.name, type=c.type, type_name=c.type_name) for c in columns)

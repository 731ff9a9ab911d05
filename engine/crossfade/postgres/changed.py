"""Something that a statement changes, and the names that statements have for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from crossfade.postgres.cascades import without_method
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.target import Reach
from crossfade.postgres.forecast.trees import NotOneStatement, below, kind, names, one_statement
from crossfade.postgres.names import quoted
from crossfade.postgres.written_rows import family

OF_RELATIONS = frozenset(
    {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX", "OBJECT_SEQUENCE"}
)
_ON_RELATIONS = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"})
"""The last part of such a name is the thing on the relation."""
_OUTSIDE = frozenset(
    {
        "OBJECT_ACCESS_METHOD",
        "OBJECT_DATABASE",
        "OBJECT_EVENT_TRIGGER",
        "OBJECT_EXTENSION",
        "OBJECT_FDW",
        "OBJECT_FOREIGN_SERVER",
        "OBJECT_LANGUAGE",
        "OBJECT_PUBLICATION",
        "OBJECT_ROLE",
        "OBJECT_SUBSCRIPTION",
        "OBJECT_TABLESPACE",
    }
)
"""What is in no schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A table, another object, or a whole schema."""

    schema: str
    name: str | None
    """None for the schema itself, or everything in it."""
    does: str
    """What is done to it, in a word or two: `changes`, `writes rows of`."""

    def __str__(self) -> str:
        return quoted(self.schema) if self.name is None else f"{quoted(self.schema)}.{quoted(self.name)}"


def relation_changed(schema: Schema, relation: Any, does: str, reach: Reach = Reach.ALONE) -> Iterator[Changed]:
    """A RangeVar: the table itself for one of its indexes, and those below it that are reached."""
    if relation is not None:
        found = relation.schemaname, relation.relname
        yield from by_name(schema, *found, does, reach if relation.inh else Reach.ALONE)


def as_changed(reached: Iterable[tuple[QualifiedName, str]]) -> Iterator[Changed]:
    """What is told by name, with what is done to it."""
    for name, does in reached:
        yield Changed(schema=name.schema, name=name.name, does=does)


def by_name(schema: Schema, above: str | None, name: str, does: str, reach: Reach = Reach.ALONE) -> Iterator[Changed]:
    """A relation by its name, as `relation_changed` has it; with a sequence the table whose column owns it."""
    found = schema.qualify(above, name)
    indexed = schema.find_index(above, name)
    if found not in schema.tables and indexed is not None:
        found, does = indexed[0].name, "changes"
    yield from as_changed((member, does) for member in family(schema, found, reach))
    # What is created is nobody's yet.
    owner = None if found in schema.tables or does == "creates" else schema.owner_of(found)
    if owner is not None:
        yield Changed(schema=owner.schema, name=owner.name, does="changes")


def named(schema: Schema, parts: tuple[str, ...], does: str) -> Iterator[Changed]:
    """A type or a function; without a schema it is taken to be where new ones are made."""
    if parts:
        above = parts[-2] if len(parts) > 1 else schema.creation_schema
        yield Changed(schema=above, name=parts[-1], does=does)


def object_changed(schema: Schema, what: str, node: Any, does: str) -> Iterator[Changed]:
    """What the `object` of a statement names; relations are in it as lists of words."""
    if what == "OBJECT_SCHEMA":
        yield Changed(schema=names(node)[-1], name=None, does=does)
        return
    if what in _OUTSIDE:
        return
    if what == "OBJECT_DOMCONSTRAINT":
        node, does = node[0], "changes"
    parts = names(getattr(node, "objname", None) or getattr(node, "names", None) or without_method(what, node))
    if what in _ON_RELATIONS:
        parts, does = parts[:-1], "changes"
    if not parts:
        return
    if what == "OBJECT_STATISTIC_EXT":
        yield from statistics(schema, parts, does)
    elif what in OF_RELATIONS | _ON_RELATIONS:
        yield from by_name(schema, parts[-2] if len(parts) > 1 else None, parts[-1], does)
    else:
        yield from named(schema, parts, does)


def owned(schema: Schema, roles: Iterable[Any], does: str) -> Iterator[Changed]:
    """Tables and views of roles that are named."""
    of = {role.rolename for role in roles if role.rolename is not None}
    yield from as_changed((name, does) for name, table in schema.tables.items() if table.owner in of)


def numbers_set(schema: Schema, call: Any) -> Iterator[Changed]:
    """A call of setval() for a sequence by its name, or by that of the table whose column it is for."""
    if names(call.funcname)[-1] == "setval":
        texts = (n.val.sval for n in below((call.args or ())[:1]) if kind(n) == "A_Const" and kind(n.val) == "String")
        parts = _named_in(next(texts, ""))
        if parts:
            yield from by_name(schema, parts[-2] if len(parts) > 1 else None, parts[-1], "sets the numbers of")


def _named_in(text: str) -> tuple[str, ...]:
    try:
        targets = one_statement(f"SELECT {text}").targetList or ()
    except NotOneStatement:
        return ()
    value: Any = targets[0].val if targets else None
    return names(value.fields) if kind(value) == "ColumnRef" else ()


def statistics(schema: Schema, parts: tuple[str, ...], does: str) -> Iterator[Changed]:
    """Extended statistics, and the table that they are of."""
    yield from named(schema, parts, does)
    for table in schema.tables.values():
        for known in table.extended_statistics:
            if known.name.name == parts[-1] and parts[-2:-1] in {(), (known.name.schema,)}:
                yield Changed(schema=table.name.schema, name=table.name.name, does="changes")

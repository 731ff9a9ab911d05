"""What DROP and ALTER TABLE take along besides what they name, as far as the model of the schema knows: CASCADE,
partitions, and parents of another table.

What is reached is told by name, with what is done to it. What only a function's body or an extension needs is not
followed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossfade.postgres.catalog import Column, QualifiedName, Table
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.trees import kind, names

DROPS = "drops"


def dropped(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """DROP: partitions with their parent; with CASCADE all that hangs on what goes."""
    cascade = _Cascade(schema=schema)
    what = node.removeType.name
    for parts in node.objects:
        if node.behavior.name == "DROP_CASCADE":
            act = _DROPPED.get(what)
            if act is not None:
                act(cascade, _parts(parts))
        elif what == "OBJECT_TABLE":
            name = schema.qualify(*_parts(parts))
            cascade.found |= {member.name: DROPS for member in schema.family(name)[1:]}
            cascade.parents(name)
    yield from cascade.found.items()


def altered(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """ALTER TABLE: a parent of another table; with CASCADE what hangs on a column or key; tables OF a type."""
    here = schema.qualify(node.relation.schemaname, node.relation.relname)
    cascade = _Cascade(schema=schema)
    if node.objtype.name == "OBJECT_TYPE":
        yield from made_of(schema, node.relation)
    for command in node.cmds or ():
        if kind(command.def_) == "RangeVar":
            yield schema.qualify(command.def_.schemaname, command.def_.relname), "changes"
        elif command.behavior.name == "DROP_CASCADE" and command.subtype.name == "AT_DropColumn":
            cascade.column(here, command.name)
        elif command.behavior.name == "DROP_CASCADE" and command.subtype.name == "AT_DropConstraint":
            cascade.key(here, command.name)
    yield from cascade.found.items()


def made_of(schema: Schema, relation: Any) -> Iterator[tuple[QualifiedName, str]]:
    """Tables OF a composite type, which change with it."""
    of = str(schema.qualify(relation.schemaname, relation.relname))
    yield from ((table.name, "changes") for table in schema.tables.values() if table.typed_of == of)


def _parts(node: Any) -> tuple[str | None, str]:
    """The schema and the name of what a DROP lists."""
    parts = names(getattr(node, "objname", None) or getattr(node, "names", None) or node)
    return (parts[-2] if len(parts) > 1 else None), parts[-1]


@dataclass(slots=True, kw_only=True)
class _Cascade:
    """What goes, or loses something, as one thing after the other is dropped with CASCADE."""

    schema: Schema
    found: dict[QualifiedName, str] = field(default_factory=dict)

    def relation(self, name: QualifiedName) -> None:
        """A table or view: its partitions and children, foreign keys that point at it, views over it."""
        table = self.schema.tables.get(name)
        if table is None or self.found.get(name) == DROPS:
            return
        self.found[name] = DROPS
        self.parents(name)
        for member in (*table.partitions, *table.children):
            self.relation(member)
        self._keys(holder for holder, _ in self.schema.incoming(name))
        self._views(view for view, known in self.schema.views.items() if name in known.reads)
        for holder in self.schema.tables.values() if table.row_type_columns else ():
            if any(text.startswith(f"{holder.name}.") for text in table.row_type_columns):
                self.found.setdefault(holder.name, "drops a column of")

    def parents(self, name: QualifiedName) -> None:
        """What a table is a partition or child of."""
        for table in self.schema.tables.values():
            if name in table.partitions or name in table.children:
                self.found.setdefault(table.name, "takes a part from")

    def column(self, name: QualifiedName, column: str) -> None:
        """A column of a table, and of all below it."""
        for member in self.schema.family(name):
            incoming = self.schema.incoming(member.name)
            self._keys(holder for holder, key in incoming if column in key.referenced_columns)
            self._views(
                view
                for view, known in self.schema.views.items()
                if member.name in known.reads and _needs(known.reads[member.name], column)
            )

    def key(self, name: QualifiedName, constraint: str) -> None:
        """A constraint; foreign keys may stand on it."""
        table = self.schema.tables.get(name)
        columns = next((c.columns for c in table.constraints if c.name == constraint), ()) if table else ()
        incoming = self.schema.incoming(name)
        self._keys(holder for holder, key in incoming if columns and set(columns) == set(key.referenced_columns))

    def index(self, above: str | None, name: str) -> None:
        """An index; foreign keys may stand on a unique one."""
        found = self.schema.find_index(above, name)
        if found is not None and found[1].unique:
            columns = set(found[1].columns[: found[1].key_count])
            incoming = self.schema.incoming(found[0].name)
            self._keys(holder for holder, key in incoming if columns == set(key.referenced_columns))

    def type(self, name: QualifiedName) -> None:
        """A type or domain: domains over it, columns of it, tables made of it."""
        over, size = {name}, 0
        while len(over) > size:
            size = len(over)
            over |= {d.name for d in self.schema.domains if d.type_name in over}
        self.found |= dict.fromkeys(over - {name}, DROPS)
        for table in tuple(self.schema.tables.values()):
            for column in table.columns:
                if column.type_name in over or column.element_type in over:
                    self._lost_column(table, column)
            if table.typed_of is not None and table.typed_of in {str(each) for each in over}:
                self.relation(table.name)

    def function(self, schemas: Collection[str], name: str | None) -> None:
        """A function, or all of a schema: triggers that call it, and what else has a call of it."""
        self._uses(lambda table: any(f.schema in schemas and name in {None, f.name} for f in table.calls))
        for table in self.schema.tables.values():
            for trigger in table.triggers:
                if trigger.function.schema in schemas and name in {None, trigger.function.name}:
                    self.found.setdefault(table.name, "drops a trigger of")

    def sequence(self, name: QualifiedName) -> None:
        """A sequence: defaults that draw from it."""
        self._uses(lambda table: name in table.draws_from)
        for table in self.schema.tables.values():
            if any(c.default is not None and f"'{name}'" in c.default.expression for c in table.columns):
                self.found.setdefault(table.name, "drops a default of")

    def all_in(self, schema: str) -> None:
        """A schema with everything in it."""
        for name in [n for n in self.schema.tables if n.schema == schema]:
            self.relation(name)
        used = {t for table in self.schema.tables.values() for c in table.columns for t in _types(c)}
        for name in {*used, *(d.name for d in self.schema.domains)}:
            if name.schema == schema:
                self.type(name)
        self.function({schema}, None)
        self._uses(lambda table: any(sequence.schema == schema for sequence in table.draws_from))
        # Who drops a schema has named all of it.
        self.found = {name: does for name, does in self.found.items() if name.schema != schema}

    def _uses(self, needs: Callable[[Table], bool]) -> None:
        for table in [table for table in self.schema.tables.values() if needs(table)]:
            if table.name in self.schema.views:
                self.relation(table.name)
            else:
                self.found.setdefault(table.name, "drops a default or a condition of")

    def _lost_column(self, table: Table, column: Column) -> None:
        self.found.setdefault(table.name, "drops a column of")
        self.column(table.name, column.name)

    def _keys(self, holders: Iterable[Table]) -> None:
        for holder in holders:
            self.found.setdefault(holder.name, "drops a foreign key of")

    def _views(self, views: Iterable[QualifiedName]) -> None:
        for view in tuple(views):
            self.relation(view)


def _needs(columns: frozenset[str] | None, column: str) -> bool:
    return columns is None or column in columns


def _types(column: Column) -> tuple[QualifiedName, ...]:
    return (column.type_name, *([column.element_type] if column.element_type else []))


def _drop_relation(cascade: _Cascade, named: tuple[str | None, str]) -> None:
    cascade.relation(cascade.schema.qualify(*named))


def _drop_type(cascade: _Cascade, named: tuple[str | None, str]) -> None:
    above, name = named
    for schema in cascade.schema.search_path if above is None else (above,):
        cascade.type(QualifiedName(schema, name))


def _drop_function(cascade: _Cascade, named: tuple[str | None, str]) -> None:
    above, name = named
    cascade.function(cascade.schema.search_path if above is None else (above,), name)


_DROPPED: Mapping[str, Callable[[_Cascade, tuple[str | None, str]], None]] = {
    "OBJECT_TABLE": _drop_relation,
    "OBJECT_VIEW": _drop_relation,
    "OBJECT_MATVIEW": _drop_relation,
    "OBJECT_FOREIGN_TABLE": _drop_relation,
    "OBJECT_INDEX": lambda cascade, named: cascade.index(*named),
    "OBJECT_TYPE": _drop_type,
    "OBJECT_DOMAIN": _drop_type,
    "OBJECT_FUNCTION": _drop_function,
    "OBJECT_PROCEDURE": _drop_function,
    "OBJECT_AGGREGATE": _drop_function,
    "OBJECT_ROUTINE": _drop_function,
    "OBJECT_SEQUENCE": lambda cascade, named: cascade.sequence(cascade.schema.qualify(*named)),
    "OBJECT_SCHEMA": lambda cascade, named: cascade.all_in(named[1]),
}

"""What DROP and ALTER TABLE take along besides what they name, as far as the model of the schema knows: CASCADE,
partitions, and parents of another table.

What is reached is told by name, with what is done to it. What only a function's body or an extension needs is not
followed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossfade.postgres.catalog import Called, Column, QualifiedName, Table
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.trees import kind, names

DROPS = "drops"


def dropped(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """DROP: partitions with their parent; with CASCADE all that hangs on what goes."""
    cascade = _Cascade(schema=schema)
    what = node.removeType.name
    for parts in node.objects:
        if node.behavior.name == "DROP_CASCADE":
            if what in _DROPPED:
                _DROPPED[what](cascade, _parts(parts))
            elif what in _SORTING:
                cascade.sorting(what, _parts(without_method(what, parts)))
            elif what == "OBJECT_FUNCTION":
                cascade.overload(_parts(parts), _arguments(parts))
        elif what == "OBJECT_TABLE":
            name = schema.qualify(*_parts(parts))
            cascade.found |= {member.name: DROPS for member in schema.family(name)[1:]}
            cascade.parents(name)
    yield from cascade.found.items()


def altered(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """ALTER TABLE: a parent of another table; with CASCADE what hangs on a column or key; tables OF a type; foreign
    keys, which are made anew with another type of what they refer to.
    """
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
        elif command.subtype.name == "AT_AlterColumnType":
            incoming = [one for member in schema.family(here) for one in schema.incoming(member.name)]
            holders = (holder for holder, key in incoming if command.name in key.referenced_columns)
            yield from ((holder.name, "makes anew a foreign key of") for holder in holders)
    yield from cascade.found.items()


def made_of(schema: Schema, relation: Any) -> Iterator[tuple[QualifiedName, str]]:
    """Tables OF a composite type, which change with it."""
    of = str(schema.qualify(relation.schemaname, relation.relname))
    yield from ((table.name, "changes") for table in schema.tables.values() if table.typed_of == of)


def without_method(what: str, parts: Any) -> Any:
    """The name of what a statement lists; before that of an operator class its index method stands."""
    return parts[1:] if what in {"OBJECT_OPCLASS", "OBJECT_OPFAMILY"} else parts


def _arguments(function: Any) -> tuple[str, ...] | None:
    """The types of its arguments, as the catalog names them; None where a name is all that is said."""
    if function.args_unspecified:
        return None
    return tuple("_" * bool(a.arrayBounds) + names(a.names)[-1] for a in function.objargs or ())


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

    def function(self, schemas: Collection[str], name: str | None, arguments: tuple[str, ...] | None = None) -> None:
        """A function, or all of a name or a schema: triggers that call it, and what else has a call of it."""

        def is_it(called: Called) -> bool:
            of = called.name
            return of.schema in schemas and name in {None, of.name} and arguments in {None, called.arguments}

        self._uses(lambda table: any(map(is_it, table.calls)))
        for table in () if arguments else self.schema.tables.values():
            for trigger in table.triggers:
                if trigger.function.schema in schemas and name in {None, trigger.function.name}:
                    self.found.setdefault(table.name, "drops a trigger of")

    def sequence(self, name: QualifiedName) -> None:
        """A sequence: defaults that draw from it."""
        self._uses(lambda table: name in table.draws_from)
        for table in self.schema.tables.values():
            if any(c.default is not None and f"'{name}'" in c.default.expression for c in table.columns):
                self.found.setdefault(table.name, "drops a default of")

    def overload(self, named: tuple[str | None, str], arguments: tuple[str, ...] | None) -> None:
        """A function of these arguments."""
        self.function(self.schemas(named[0]), named[1], arguments)

    def sorting(self, what: str, named: tuple[str | None, str]) -> None:
        """A collation, an operator class or a family of them: columns, and what else has it."""
        schemas = self.schemas(named[0])
        self._sorts(lambda kind, name: kind == what and name.schema in schemas and name.name == named[1])

    def _sorts(self, is_it: Callable[[str, QualifiedName], bool]) -> None:
        self._uses(lambda table: any(is_it(*each) for each in table.sorts_by))
        for table in tuple(self.schema.tables.values()):
            for column in table.columns:
                if column.collation is not None and is_it("OBJECT_COLLATION", column.collation):
                    self._lost_column(table, column)

    def schemas(self, above: str | None) -> Collection[str]:
        """Where a name may be that a statement has with this schema, or without one."""
        return self.schema.search_path if above is None else (above,)

    def all_in(self, schema: str) -> None:
        """A schema with everything in it."""
        for name in [n for n in self.schema.tables if n.schema == schema]:
            self.relation(name)
        used = {t for table in self.schema.tables.values() for c in table.columns for t in _types(c)}
        for name in {*used, *(d.name for d in self.schema.domains)}:
            if name.schema == schema:
                self.type(name)
        self.function({schema}, None)
        self._sorts(lambda _, name: name.schema == schema)
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
    for schema in cascade.schemas(above):
        cascade.type(QualifiedName(schema, name))


def _drop_function(cascade: _Cascade, named: tuple[str | None, str]) -> None:
    cascade.overload(named, None)


_SORTING = frozenset({"OBJECT_COLLATION", "OBJECT_OPCLASS", "OBJECT_OPFAMILY"})
_DROPPED: Mapping[str, Callable[[_Cascade, tuple[str | None, str]], None]] = {
    "OBJECT_TABLE": _drop_relation,
    "OBJECT_VIEW": _drop_relation,
    "OBJECT_MATVIEW": _drop_relation,
    "OBJECT_FOREIGN_TABLE": _drop_relation,
    "OBJECT_INDEX": lambda cascade, named: cascade.index(*named),
    "OBJECT_TYPE": _drop_type,
    "OBJECT_DOMAIN": _drop_type,
    "OBJECT_PROCEDURE": _drop_function,
    "OBJECT_AGGREGATE": _drop_function,
    "OBJECT_ROUTINE": _drop_function,
    "OBJECT_SEQUENCE": lambda cascade, named: cascade.sequence(cascade.schema.qualify(*named)),
    "OBJECT_SCHEMA": lambda cascade, named: cascade.all_in(named[1]),
}

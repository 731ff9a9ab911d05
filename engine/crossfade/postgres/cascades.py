"""What DROP and ALTER TABLE take along besides what they name, as far as the model of the schema knows: CASCADE,
partitions, and parents of another table.

What is reached is told by name, with what is done to it. What a function's body has as text is not followed. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossfade.postgres.catalog import Column, Need, QualifiedName, Table
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.trees import kind, names

DROPS = "drops"


def dropped(schema: Schema, node: Any) -> Iterator[tuple[QualifiedName, str]]:
    """DROP: partitions with their parent; with CASCADE all that hangs on what goes."""
    cascade = _Cascade(schema=schema)
    what = node.removeType.name
    for each in node.objects:
        named = _parts(without_method(what, each))
        if node.behavior.name == "DROP_CASCADE":
            arguments = _arguments(each)
            # A trigger's function takes none.
            if what in _DROPPED and not arguments:
                _DROPPED[what](cascade, named)
            if what in _NEEDED:
                cascade.needed(_NEEDED[what], named, arguments)
        elif what == "OBJECT_TABLE":
            name = schema.qualify(*named)
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


def _arguments(node: Any) -> tuple[str | None, ...] | None:
    """The types of a function's or operator's arguments, as the catalog names them; None without any."""
    if getattr(node, "args_unspecified", True):
        return None
    return tuple(None if a is None else "_" * bool(a.arrayBounds) + names(a.names)[-1] for a in node.objargs or ())


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
        self._without(_called(table), {(name.schema, name.name)})
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
            self._without(f"{_called(member)} column", {(member.name.schema, member.name.name, column)})
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
        self._without("table constraint", {(name.schema, name.name, constraint)})

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
        self._without("type", {(each.schema, each.name) for each in over})
        for table in tuple(self.schema.tables.values()):
            for column in table.columns:
                if column.type_name in over or column.element_type in over:
                    self._lost_column(table, column.name)
            if table.typed_of is not None and table.typed_of in {str(each) for each in over}:
                self.relation(table.name)

    def function(self, schemas: Collection[str], name: str | None) -> None:
        """A function, or all of a schema: triggers that call it."""
        for table in self.schema.tables.values():
            for trigger in table.triggers:
                if trigger.function.schema in schemas and name in {None, trigger.function.name}:
                    self.found.setdefault(table.name, "drops a trigger of")

    def sequence(self, name: QualifiedName) -> None:
        """A sequence: defaults that draw from it."""
        for table in self.schema.tables.values():
            if any(c.default is not None and f"'{name}'" in c.default.expression for c in table.columns):
                self.found.setdefault(table.name, "drops a default of")

    def collation(self, schemas: Collection[str], name: str | None) -> None:
        """A collation, or all of a schema: columns that have it."""
        for table in tuple(self.schema.tables.values()):
            for column in table.columns:
                of = column.collation
                if of is not None and of.schema in schemas and name in {None, of.name}:
                    self._lost_column(table, column.name)

    def needed(self, what: str, named: tuple[str | None, str], arguments: tuple[str | None, ...] | None = None) -> None:
        """Anything: what is known not to be without it, in a database."""
        above, name = named
        self._without(what, {(name,), *((schema, name) for schema in self.schemas(above))}, arguments)

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
        self.collation({schema}, None)
        self._without("schema", {(schema,)})
        # Who drops a schema has named all of it.
        self.found = {name: does for name, does in self.found.items() if name.schema != schema}

    def _without(
        self, what: str, called: Collection[tuple[str, ...]], arguments: tuple[str | None, ...] | None = None
    ) -> None:
        def goes(need: Need) -> bool:
            return need.what == what and need.name in called and arguments in {None, need.arguments}

        for table in tuple(self.schema.tables.values()):
            for need in filter(goes, table.needs):
                if need.goes is None:
                    self.relation(table.name)
                elif need.column is not None:
                    self._lost_column(table, need.column)
                else:
                    self.found.setdefault(table.name, f"drops {need.goes} of")
        for name, needs in self.schema.needs.items():
            for need in filter(goes, needs):
                self.found.setdefault(name, DROPS if need.goes is None else f"drops {need.goes} of")

    def _lost_column(self, table: Table, column: str) -> None:
        self.found.setdefault(table.name, "drops a column of")
        self.column(table.name, column)

    def _keys(self, holders: Iterable[Table]) -> None:
        for holder in holders:
            self.found.setdefault(holder.name, "drops a foreign key of")

    def _views(self, views: Iterable[QualifiedName]) -> None:
        for view in tuple(views):
            self.relation(view)


def _called(table: Table) -> str:
    return {"partitioned": "table", "foreign": "foreign table"}.get(table.kind, table.kind)


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
    cascade.function(cascade.schemas(named[0]), named[1])


def _drop_collation(cascade: _Cascade, named: tuple[str | None, str]) -> None:
    cascade.collation(cascade.schemas(named[0]), named[1])


_DROPPED: Mapping[str, Callable[[_Cascade, tuple[str | None, str]], None]] = {
    "OBJECT_TABLE": _drop_relation,
    "OBJECT_VIEW": _drop_relation,
    "OBJECT_MATVIEW": _drop_relation,
    "OBJECT_FOREIGN_TABLE": _drop_relation,
    "OBJECT_INDEX": lambda cascade, named: cascade.index(*named),
    "OBJECT_TYPE": _drop_type,
    "OBJECT_DOMAIN": _drop_type,
    "OBJECT_FUNCTION": _drop_function,
    "OBJECT_ROUTINE": _drop_function,
    "OBJECT_COLLATION": _drop_collation,
    "OBJECT_SEQUENCE": lambda cascade, named: cascade.sequence(cascade.schema.qualify(*named)),
    "OBJECT_SCHEMA": lambda cascade, named: cascade.all_in(named[1]),
}
"""Without a database, too."""
_NEEDED: Mapping[str, str] = {
    "OBJECT_ACCESS_METHOD": "access method",
    "OBJECT_AGGREGATE": "function",
    "OBJECT_COLLATION": "collation",
    "OBJECT_EXTENSION": "extension",
    "OBJECT_FDW": "foreign-data wrapper",
    "OBJECT_FOREIGN_SERVER": "server",
    "OBJECT_FUNCTION": "function",
    "OBJECT_INDEX": "index",
    "OBJECT_LANGUAGE": "language",
    "OBJECT_OPCLASS": "operator class",
    "OBJECT_OPERATOR": "operator",
    "OBJECT_OPFAMILY": "operator family",
    "OBJECT_PROCEDURE": "function",
    "OBJECT_ROUTINE": "function",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_TSCONFIGURATION": "text search configuration",
    "OBJECT_TSDICTIONARY": "text search dictionary",
    "OBJECT_TSPARSER": "text search parser",
    "OBJECT_TSTEMPLATE": "text search template",
}
"""How PostgreSQL calls what a DROP names."""

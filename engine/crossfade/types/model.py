"""What is printed: relations with their columns, and the types that these have, as values. Pure.

`model_of` makes it from what is known of a schema; the printers say it in a language. Objects of crossfade's own are
left out, and so are partitions, whose rows have the types of the table that they are partitions of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from crossfade.postgres.catalog import Column, QualifiedName, Table
from crossfade.postgres.own_names import LEDGER_SCHEMA, is_own_name, mark
from crossfade.types.values import (
    ArrayOf,
    CompositeOf,
    DomainOf,
    EnumOf,
    RangeOf,
    Value,
    Values,
)

if TYPE_CHECKING:
    from crossfade.types.known import Known

OnInsert: TypeAlias = Literal["required", "optional", "never"]
_VIEWS = frozenset({"view", "materialized view"})
_NAMED = frozenset({"composite", "domain", "enum"})
SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast", LEDGER_SCHEMA})


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column of a relation, or of a composite type."""

    name: str
    value: Value
    nullable: bool
    """Whether a row may have NULL there."""
    takes_null: bool = True
    """Whether one that is written may."""
    on_insert: OnInsert = "optional"
    on_update: bool = True
    """Whether an UPDATE may set it."""
    notes: tuple[str, ...] = ()
    """Its comment, and what a type cannot say of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or a view."""

    name: QualifiedName
    kind: str
    fields: tuple[Field, ...]
    inserts: bool
    """Rows can be inserted."""
    updates: bool
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumType:
    """An enum."""

    name: QualifiedName
    labels: tuple[str, ...]
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainType:
    """A domain; its NOT NULL is told by the columns that have it."""

    name: QualifiedName
    over: Value
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeType:
    """A composite type."""

    name: QualifiedName
    fields: tuple[Field, ...]
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """All that is printed, each part by name; a domain comes behind those that it is over."""

    relations: tuple[Relation, ...]
    enums: tuple[EnumType, ...] = ()
    domains: tuple[DomainType, ...] = ()
    composites: tuple[CompositeType, ...] = ()

    @property
    def type_names(self) -> tuple[QualifiedName, ...]:
        """The names of its enums, domains and composite types."""
        enums, domains = (e.name for e in self.enums), (d.name for d in self.domains)
        return (*enums, *domains, *(c.name for c in self.composites))


def model_of(known: Known, schemas: Collection[str] | None = None) -> Model:
    """The relations of these schemas, all of the users' where None, and every type that they have."""
    tables = [t for t in known.schema.tables.values() if _is_meant(t.name, schemas) and not _is_left_out(t)]
    values = Values(known.types, known.schema.search_path)
    made = _Making(values=values, known=known)
    relations = tuple(made.relation(table) for table in sorted(tables, key=lambda t: t.name))
    for name, facts in sorted(known.types.items()):
        is_row_type = facts.kind == "composite" and name in known.schema.tables
        if _is_meant(name, schemas) and facts.kind in _NAMED and not is_row_type:
            made.take(values.of(name))
    return Model(
        relations=relations,
        enums=tuple(made.enums[name] for name in sorted(made.enums)),
        domains=tuple(made.domains.values()),
        composites=tuple(made.composites[name] for name in sorted(made.composites)),
    )


def _is_meant(name: QualifiedName, schemas: Collection[str] | None) -> bool:
    if is_own_name(name.name):
        return False
    return name.schema not in SYSTEM_SCHEMAS if schemas is None else name.schema in schemas


def _is_left_out(table: Table) -> bool:
    return table.partition_parent is not None or table.is_temporary


@dataclass(slots=True, kw_only=True)
class _Making:
    """The types that have been met, by name; a domain stands behind what it is over."""

    values: Values
    known: Known
    enums: dict[QualifiedName, EnumType] = field(default_factory=dict)
    domains: dict[QualifiedName, DomainType] = field(default_factory=dict)
    composites: dict[QualifiedName, CompositeType] = field(default_factory=dict)

    def relation(self, table: Table) -> Relation:
        """The table or view with the columns that apps may use."""
        base = self._base(table)
        shown = self._shown(table, base) if base is not None else {}
        held = base or table
        fields = tuple(self._field(table, column, held, shown.get(column.name)) for column in _visible(table))
        if base is not None:
            fields = tuple(_through_view(fields, shown))
        instead = _instead(table) if table.kind == "view" else frozenset[str]()
        fields = tuple(_taken(fields, instead))
        writable = table.kind not in _VIEWS if base is None else self.known.views[table.name].writable
        columns = {c.name for c in shown.values()}
        required = {c.name for c in _visible(base) if self._on_insert(c) == "required"} if base else set()
        return Relation(
            name=table.name,
            kind=table.kind,
            fields=fields,
            inserts="insert" in instead
            or (writable and required <= columns and (base is None or any(f.on_insert != "never" for f in fields))),
            updates="update" in instead or (writable and any(f.on_update for f in fields)),
            comment=_said(table.comment),
        )

    def take(self, value: Value) -> Value:
        """The value; the types that it names are printed."""
        match value:
            case ArrayOf(element=element):
                self.take(element)
            case RangeOf(over=over):
                self.take(over)
            case EnumOf(name=name):
                facts = self.known.types[name]
                self.enums[name] = EnumType(name=name, labels=facts.labels, comment=_said(facts.comment))
            case DomainOf(name=name, over=over) if name not in self.domains:
                self.take(over)
                comment = _said(self.known.types[name].comment)
                self.domains[name] = DomainType(name=name, over=over, comment=comment)
            case CompositeOf(name=name) if name not in self.composites:
                self._composite(name)
        return value

    def _composite(self, name: QualifiedName) -> None:
        facts = self.known.types[name]
        # Before its fields are read, one of which may be an array of it.
        self.composites[name] = CompositeType(name=name, fields=(), comment=_said(facts.comment))
        # A row that has been there for longer than its NOT NULL may have none of them.
        fields = [
            Field(name=each.name, value=self.take(self.values.of(each.type_name, each.type)), nullable=True)
            for each in facts.fields
        ]
        self.composites[name] = CompositeType(name=name, fields=tuple(fields), comment=_said(facts.comment))

    def _field(self, table: Table, column: Column, held: Table, shown: Column | None) -> Field:
        """A column; of a view over one table, which holds it, what it shows there says more than the view does."""
        value = self.take(self.values.of(column.type_name, column.type))
        of = shown or column
        # Joins, groups and subqueries give NULL of a domain that has none.
        is_certain = table.kind not in _VIEWS or shown is not None
        never = of.generated is not None or (of.identity is not None and of.identity.always)
        default = column.default is not None
        on_insert = "optional" if default and not never else self._on_insert(of)
        return Field(
            name=column.name,
            value=value,
            nullable=not (is_certain and (held.never_null(of.name) or self.values.not_null(value))),
            takes_null=not (is_certain and (of.not_null or self.values.not_null(value))),
            on_insert=on_insert,
            on_update=not never,
            notes=tuple(_notes(column, of)),
        )

    def _on_insert(self, column: Column) -> OnInsert:
        if column.generated is not None or (column.identity is not None and column.identity.always):
            return "never"
        value = self.values.of(column.type_name, column.type)
        if not column.not_null and not self.values.not_null(value):
            return "optional"
        has_value = column.default is not None or column.identity is not None or self.values.has_default(value)
        return "optional" if has_value else "required"

    def _base(self, table: Table) -> Table | None:
        """What a view is over, where that is one table and nothing else."""
        shows = self.known.views.get(table.name) if table.kind == "view" else None
        base = self.known.schema.tables.get(shows.table) if shows is not None else None
        return base if base is not None and base.kind not in _VIEWS else None

    def _shown(self, view: Table, base: Table) -> dict[str, Column]:
        """The columns of that table by the view's names."""
        columns = {column.name: column for column in base.columns}
        shows = self.known.views[view.name]
        return {own: columns[shown] for own, shown in shows.columns if shown is not None and shown in columns}


def _through_view(fields: Iterable[Field], shown: Mapping[str, Column]) -> Iterator[Field]:
    """What may be written through a view: no expression, and a column that it shows twice under one of its names."""
    first: dict[str, str] = {}
    for each in fields:
        column = shown.get(each.name)
        name = first.setdefault(column.name, each.name) if column is not None else None
        if name == each.name:
            yield each
            continue
        is_other = name is not None and each.on_update
        notes = (*each.notes, f"The same column as {name}: write that one.") if is_other else each.notes
        yield replace(each, on_insert="never", on_update=False, notes=notes)


def _instead(view: Table) -> frozenset[str]:
    """What triggers and rules of its own do instead of PostgreSQL."""
    triggers = (t.events for t in view.triggers if t.timing == "instead")
    return frozenset[str]().union(*triggers, (r.event for r in view.rules if r.instead and not r.conditional))


def _taken(fields: Iterable[Field], instead: Collection[str]) -> Iterator[Field]:
    """What a trigger or a rule takes: any column, and none that is known to be needed."""
    for each in fields:
        yield replace(
            each,
            on_insert="optional" if "insert" in instead else each.on_insert,
            on_update="update" in instead or each.on_update,
        )


def _visible(table: Table) -> Iterable[Column]:
    return (c for c in sorted(table.columns, key=lambda c: c.number) if not is_own_name(c.name))


def _notes(column: Column, of: Column) -> Iterator[str]:
    said = _said(column.comment) or _said(of.comment)
    if said is not None:
        yield said
    if of.generated is not None:
        yield "Generated: nobody can write it."
    elif of.identity is not None:
        yield f"Identity, generated {'always' if of.identity.always else 'by default'}."


def _said(comment: str | None) -> str | None:
    """A comment of the users'."""
    return None if not comment or not comment.strip() or comment.startswith(mark("")) else comment

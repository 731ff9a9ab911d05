"""What is printed: relations with their columns, and the types that these have, as values. Pure.

`model_of` makes it from what is known of a schema; the printers say it in a language. Objects of crossfade's own are
left out, and so are partitions, whose rows have the types of the table that they are partitions of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from crossfade.postgres.catalog import Column, QualifiedName, Table
from crossfade.postgres.forecast.dropping import VIEWS
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
from crossfade.types.ways import Way, shown_of, visible, written_through

if TYPE_CHECKING:
    from crossfade.types.known import Known

OnInsert: TypeAlias = Literal["required", "optional", "never"]
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
        columns = tuple(visible(table))
        inserted, updated = (written_through(self.known, table, event) for event in ("insert", "update"))
        fields = tuple(self._field(table, column, inserted, updated) for column in columns)
        return Relation(
            name=table.name,
            kind=table.kind,
            fields=fields,
            inserts=inserted is not None and self._has_all(inserted, fields),
            updates=updated is not None and any(f.on_update for f in fields),
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

    def _field(self, table: Table, column: Column, inserted: Way | None, updated: Way | None) -> Field:
        """A column; of a view that shows one table, that table knows more than the view does."""
        value = self.take(self.values.of(column.type_name, column.type))
        shown = shown_of(self.known, table)
        held = shown.end.column(shown.columns.get(column.name, "")) if shown.end.kind not in VIEWS else None
        # Joins, groups and subqueries give NULL of a domain that has none.
        is_certain = held is not None
        of = held or column
        notes = [*_notes(column, of)]
        first = updated.first(column.name) if updated is not None else None
        if first not in {None, column.name} and not _is_never_written(of):
            notes.append(f"The same column as {first}: write that one.")
        return Field(
            name=column.name,
            value=value,
            nullable=not (is_certain and (self._never_null(shown.end, of.name) or self.values.not_null(value))),
            takes_null=not (is_certain and (of.not_null or self.values.not_null(value))),
            on_insert=self._on_insert(column, inserted),
            on_update=updated is not None and self._is_updated(column, updated),
            notes=tuple(notes),
        )

    def _never_null(self, table: Table, column: str) -> bool:
        """Whether no row that the table shows has NULL there: those of its children are among them."""
        members = (each for each in self.known.schema.family(table.name) if each.partition_parent is None)
        return all(member.never_null(column) for member in members)

    def _on_insert(self, column: Column, way: Way | None) -> OnInsert:
        if way is None or way.first(column.name) != column.name:
            return "never"
        written = way.end.column(way.columns[column.name])
        # Of a view only its trigger or rule knows what it needs.
        if way.end.kind in VIEWS or written is None:
            return "optional"
        return "optional" if column.default and not _is_never_written(written) else self._wanted(written)

    def _wanted(self, column: Column) -> OnInsert:
        if _is_never_written(column):
            return "never"
        value = self.values.of(column.type_name, column.type)
        if not column.not_null and not self.values.not_null(value):
            return "optional"
        has_value = column.default is not None or column.identity is not None or self.values.has_default(value)
        return "optional" if has_value else "required"

    def _is_updated(self, column: Column, way: Way) -> bool:
        if way.first(column.name) != column.name:
            return False
        written = way.end.column(way.columns[column.name])
        return way.end.kind in VIEWS or written is None or not _is_never_written(written)

    def _has_all(self, way: Way, fields: Iterable[Field]) -> bool:
        """Whether a row can be inserted: what the table needs can be given."""
        if way.is_own:
            return True
        needed = () if way.end.kind in VIEWS else (c.name for c in visible(way.end) if self._wanted(c) == "required")
        return {*needed} <= {*way.columns.values()} and any(f.on_insert != "never" for f in fields)


def _is_never_written(column: Column) -> bool:
    return column.generated is not None or (column.identity is not None and column.identity.always)


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

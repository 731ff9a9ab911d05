"""From a key to every column that references it by a foreign key, and on to those that reference these. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.tables.table_preflight import family_of

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Column, Constraint, DataType, QualifiedName, Table

_INTEGERS = ("int2", "int4", "int8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key to columns that get another type."""

    table: Table
    """The one that references."""
    key: Constraint
    target: Table


@dataclass(slots=True)
class Followed:
    """What was found."""

    columns: dict[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    """The columns that get the new type, by their table, in the order in which they were found."""
    references: list[Reference] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def follow(table: Table, column: Column, data_type: DataType, catalog: Catalog) -> Followed:
    """Every column that has to be of the type if this one is, and every foreign key between them."""
    found = Followed(columns={table.name: (column.name,)})
    pending = [(table, column)]
    while pending:
        target, referenced = pending.pop(0)
        found.refusals += _to_partitions(target, referenced, catalog)
        found.refusals += _from_columns_that_go(target, referenced, catalog)
        for reference, own in _references(target, referenced, catalog):
            if reference not in found.references:
                found.references.append(reference)
                found.refusals += _form(reference)
            known = found.columns.get(reference.table.name, ())
            if own.name in known or not _changes(own, data_type):
                continue
            found.refusals += _type(reference, own, referenced)
            found.columns[reference.table.name] = (*known, own.name)
            pending.append((reference.table, own))
    return found


def _references(target: Table, referenced: Column, catalog: Catalog) -> Iterator[tuple[Reference, Column]]:
    """Foreign keys to the column, and the column that refers to it in each."""
    for incoming in target.incoming_foreign_keys:
        if referenced.name not in incoming.referenced_columns:
            continue
        table = catalog.table(incoming.table)
        key = next((c for c in table.constraints if c.name == incoming.name), None) if table else None
        if table is None or key is None:
            continue
        own = table.column(key.columns[key.referenced_columns.index(referenced.name)])
        if own is not None:
            yield Reference(table=table, key=key, target=target), own


def _changes(own: Column, data_type: DataType) -> bool:
    """Whether the referencing column has to get the type: not where it has it already."""
    return own.type != data_type.spelling


def _type(reference: Reference, own: Column, referenced: Column) -> Iterator[Refusal]:
    both_integers = own.type_name.name in _INTEGERS and referenced.type_name.name in _INTEGERS
    if own.type != referenced.type and not both_integers:
        yield Refusal(
            code="reference_type",
            object=f"{reference.table.name}.{own.name}",
            message=f"it references {reference.target.name}.{referenced.name} by {reference.key.name}, and is "
            f"{own.type} where that is {referenced.type}; which type it is to have is not clear.",
            instead="Give it the key's type first, by a change of its own.",
        )


def _to_partitions(target: Table, referenced: Column, catalog: Catalog) -> Iterator[Refusal]:
    for member in family_of(target, catalog)[1:]:
        for incoming in member.incoming_foreign_keys:
            if referenced.name in incoming.referenced_columns:
                yield Refusal(
                    code="partition_reference",
                    object=f"constraint {incoming.name} on {incoming.table}",
                    message=f"it references {member.name}, a partition or child of {target.name}, by itself.",
                    instead="Drop it first, and add it again afterwards.",
                )


def _from_columns_that_go(target: Table, referenced: Column, catalog: Catalog) -> Iterator[Refusal]:
    """An earlier change drops them, or their table, and they are there until the end."""
    for incoming in target.incoming_foreign_keys:
        table = catalog.table(incoming.table)
        is_there = table is not None and (
            incoming.name in table.constraint_names or all(table.column(c) is not None for c in incoming.columns)
        )
        if referenced.name in incoming.referenced_columns and not is_there:
            yield Refusal(
                code="not_together",
                object=f"constraint {incoming.name} on {incoming.table}",
                message=f"an earlier change of this plan drops what it is on, and until that is done it references "
                f"{target.name}.{referenced.name}.",
                instead="Put the drop into a plan of its own, and let that come to its end first.",
            )


def _form(reference: Reference) -> Iterator[Refusal]:
    from pglast import parse_sql
    from pglast.parser import ParseError

    try:
        parse_sql(f"ALTER TABLE t ADD {reference.key.definition}")
    except ParseError:
        yield Refusal(
            code="reference_form",
            object=f"constraint {reference.key.name} on {reference.table.name}",
            message=f"this form of a foreign key is not carried over: {reference.key.definition}.",
            instead="Drop it first, and add it again afterwards.",
        )

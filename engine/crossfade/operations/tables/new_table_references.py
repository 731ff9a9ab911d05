"""What a new table refers to: whether that is a key, and of what types its columns are. Pure, over the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.operations.constraints import foreign_key_preflight
from crossfade.operations.constraints.key_trial import key_trial

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.trial import Trial
    from crossfade.plan.changes import CreateTable
    from crossfade.postgres.catalog import Catalog, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Columns of the new table that refer to those of another."""

    place: str
    """In the entry."""
    columns: tuple[str, ...]
    referenced: Table
    names: tuple[str, ...] | None
    """Of the referenced columns; None for the primary key."""


def references(change: CreateTable, catalog: Catalog) -> tuple[Reference, ...]:
    """All of them; one to the new table itself is for the server to judge."""
    return tuple(_references(change, catalog))


def _references(change: CreateTable, catalog: Catalog) -> Iterator[Reference]:
    for name, column in change.columns.items():
        key = column.references
        other = None if key is None else catalog.resolve(key.table.schema, key.table.name)
        if key is not None and other is not None:
            names = None if key.column is None else (key.column,)
            yield Reference(place=f"columns.{name}.references", columns=(name,), referenced=other, names=names)
    for constraint in change.constraints:
        several = constraint.foreign_key
        other = None if several is None else catalog.resolve(several.table.schema, several.table.name)
        if several is not None and other is not None:
            yield Reference(
                place=f"constraints.{constraint.name}.foreign_key",
                columns=several.columns,
                referenced=other,
                names=several.referenced,
            )


def refusals(found: tuple[Reference, ...]) -> Iterator[Refusal]:
    """Why one of them cannot be."""
    for reference in found:
        yield from foreign_key_preflight.of_columns(reference.referenced, reference.names, len(reference.columns))


def trials(change: CreateTable, name: str, found: tuple[Reference, ...]) -> Iterator[Trial]:
    """Each of them, between empty tables."""
    for reference in found:
        names = reference.names or foreign_key_preflight.primary_key(reference.referenced)
        others = [column for n in names if (column := reference.referenced.column(n)) is not None]
        columns = {own: change.columns[own].type.sql for own in reference.columns}
        where, to = f"{reference.place} of create_table {name}", f"to {reference.referenced.name}"
        yield key_trial(where, to, columns, reference.columns, others)

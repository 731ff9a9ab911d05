"""`add_unique`: no two rows with the same values, enforced in contract.

The unique index is built concurrently, then the constraint is put on it in a moment. With `where` it stays an index,
since PostgreSQL has no constraint over some of the rows. Rows that are alike are looked for in preflight; those that
are found when the index is built stop contract before anything else is changed, and nothing of the index is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.operations.indexes import (
    attribute_names,
    index_build,
    index_definition,
    partition_indexes,
    unique_constraints,
)
from crossfade.operations.indexes.index_definition import IndexDefinition
from crossfade.operations.indexes.index_preflight import with_index
from crossfade.operations.indexes.partition_indexes import Building
from crossfade.operations.indexes.unique_constraints import Unique
from crossfade.operations.step import Caution, Compiled, Part, Turn, all_or_none
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.plan.changes.index_fields import IndexKey
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import AddUnique
    from crossfade.postgres.catalog import Catalog


def compile_change(change: AddUnique, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one uniqueness against a catalog; refusals instead where it cannot be."""
    table = catalog.resolve(change.table.schema, change.table.name)
    refusals = tuple(table_refusals(change.table, catalog))
    if refusals or table is None:
        return Compiled(refusals=refusals, catalog=catalog)
    definition = IndexDefinition(
        keys=tuple(IndexKey(column=name) for name in change.columns),
        where=change.where,
        unique=True,
        nulls_not_distinct=change.nulls_not_distinct,
    )
    label = "key" if change.where is None else "idx"
    unique = Unique(
        kind="unique",
        family=partition_indexes.named(table, change.name, definition, catalog, label=label),
        definition=definition,
        deferrable=change.deferrable,
    )
    refusals = tuple(unique_constraints.refusals(unique, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    made = _constraint if change.where is None else _index
    return replace(
        made(place, unique, catalog),
        looks=(unique_constraints.look(unique),),
        cautions=tuple(_deferrable(unique)),
    )


def _deferrable(unique: Unique) -> Iterator[Caution]:
    if unique.deferrable is not None:
        yield Caution(
            code="deferrable",
            object=f"constraint {unique.name} on {unique.table.name}",
            message="INSERT … ON CONFLICT DO NOTHING without columns, and ON CONFLICT with these, fail from contract "
            "on: PostgreSQL takes no deferrable constraint as an arbiter.",
        )


def _constraint(place: Place, unique: Unique, catalog: Catalog) -> Compiled:
    return Compiled(
        steps=(
            *all_or_none(unique_constraints.builds(place, unique)),
            unique_constraints.constrain(place, unique, then=(), undone=()),
        ),
        trials=(unique_constraints.trial("add_unique", unique),),
        catalog=unique_constraints.afterwards(catalog, unique),
    )


def _index(place: Place, unique: Unique, catalog: Catalog) -> Compiled:
    """Over some of the rows: a unique index, and no constraint."""
    how = Building(
        definition=unique.definition,
        columns=index_definition.staged_names(unique.table),
        called=lambda one: QualifiedName(one.table.staged.schema, one.name.name),
        comment=lambda _: None,
    )
    steps = index_build.steps(place, partition_indexes.builds(unique.family, how), Part.HIDE)
    where = f"where of add_unique {unique.name} on {unique.table.name}"
    shown = unique.definition.where.text if unique.definition.where else unique.name
    trial = index_definition.trial(unique.definition, unique.table, where, shown)
    for one in unique.family:
        table = catalog.table(one.table.name) or one.table
        index = index_definition.as_index(unique.definition, one.name, one.table.name, None)
        catalog = with_index(catalog, table, index)
    return Compiled(
        steps=(
            *all_or_none(replace(s, turn=Turn.FIRST) for s in steps),
            *attribute_names.at_contract(place, unique.definition, unique.family),
        ),
        trials=(trial,),
        catalog=catalog,
    )

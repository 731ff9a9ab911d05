"""`create_index`: an index, built in expand while everybody goes on.

A plan that has nothing else is contracted once it is built; until then, and in a plan with other changes up to
`backfilled`, a rollback drops it again, concurrently.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.operations.indexes import (
    attribute_names,
    definition_trial,
    index_build,
    index_definition,
    index_preflight,
    partition_indexes,
)
from crossfade.operations.indexes.index_preflight import with_index
from crossfade.operations.indexes.partition_indexes import Building, Named
from crossfade.operations.step import Caution, Compiled, Part
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_definition import IndexDefinition
    from crossfade.operations.step import Place
    from crossfade.plan.changes import CreateIndex
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: CreateIndex, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one index against a catalog; refusals instead where it cannot be built."""
    table = catalog.resolve(change.table.schema, change.table.name)
    refusals = tuple(table_refusals(change.table, catalog))
    if refusals or table is None:
        return Compiled(refusals=refusals, catalog=catalog)
    definition = index_definition.of_shape(change)
    refusals = (
        *index_preflight.shape_refusals(definition, table, catalog),
        *index_preflight.name_refusals(change.name, table, definition, catalog),
    )
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    family = partition_indexes.named(table, change.name, definition, catalog)
    how = Building(
        definition=definition,
        columns=index_definition.staged_names(table),
        called=_staged,
        comment=lambda one: change.comment if one.parent is None else None,
    )
    return Compiled(
        steps=(
            *index_build.steps(place, partition_indexes.builds(family, how), Part.EXPAND),
            *attribute_names.at_contract(place, definition, family),
        ),
        cautions=(
            *index_preflight.like_cautions(change.name, definition, table),
            *_unique(change, definition, table),
        ),
        trials=(definition_trial.trial(definition, table, f"create_index {change.name} on {table.name}", change.name),),
        catalog=_afterwards(catalog, family, definition, change.comment),
    )


def _staged(one: Named) -> QualifiedName:
    """An index goes where its table goes."""
    return QualifiedName(one.table.staged.schema, one.name.name)


def _unique(change: CreateIndex, definition: IndexDefinition, table: Table) -> Iterator[Caution]:
    if definition.unique:
        yield Caution(
            code="unique_index",
            object=f"{table.name.schema}.{change.name}",
            message="it is enforced for every version of the app from expand on, already while it is built: a live one "
            "that writes the same keys twice is refused. `add_unique` waits for the gates of contract.",
        )


def _afterwards(
    catalog: Catalog, family: tuple[Named, ...], definition: IndexDefinition, comment: str | None
) -> Catalog:
    for one in family:
        table = catalog.table(one.table.name) or one.table
        said = comment if one.parent is None else None
        catalog = with_index(catalog, table, index_definition.as_index(definition, one.name, one.table.name, said))
    return catalog

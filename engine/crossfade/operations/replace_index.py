"""`replace_index`: an index gets another definition under the same name.

The new one is built beside the old one in expand, under a name of ours; at contract the names change hands in one
transaction; the old one is dropped, concurrently, when `retain` is over. Until then a revert changes the names back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.drop_index import needed_by
from crossfade.operations.indexes import (
    attribute_names,
    definition_trial,
    index_build,
    index_definition,
    index_preflight,
    partition_indexes,
)
from crossfade.operations.indexes.index_build import again, drop_concurrently, drop_whole, gone, regclass, rename
from crossfade.operations.indexes.index_preflight import with_index, without_index
from crossfade.operations.indexes.partition_indexes import Building, Named
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.tables.table_preflight import family_of
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_definition import IndexDefinition
    from crossfade.operations.step import Place
    from crossfade.plan.changes import ReplaceIndex
    from crossfade.postgres.catalog import Catalog, Index, Table


def compile_change(change: ReplaceIndex, place: Place, catalog: Catalog) -> Compiled:
    """Build, exchange of names and drop; refusals instead where the index cannot be replaced."""
    found = index_preflight.find(change.name, catalog)
    if isinstance(found, tuple):
        return Compiled(refusals=found, catalog=catalog)
    table, index = found.table, found.index
    definition = index_definition.of_shape(change)
    refusals = (*index_preflight.shape_refusals(definition, table, catalog), *_in_the_way(table, index, definition))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    old = tuple(_attached(table, index, catalog))
    given_up = frozenset(i.name for _, i in old)
    family = partition_indexes.named(table, index.name.name, definition, catalog, given_up=given_up)
    comment = change.comment or index.comment
    how = Building(
        definition=definition,
        columns=index_definition.staged_names(table),
        called=lambda one: _own(place, one),
        comment=lambda _: place.mark,
    )
    return Compiled(
        steps=(
            *index_build.steps(place, partition_indexes.builds(family, how), Part.EXPAND),
            _exchange(place, table, index, old, family, comment),
            *attribute_names.at_contract(place, definition, family),
            _drop(place, table, index),
        ),
        cautions=tuple(_cautions(index, definition)),
        trials=(definition_trial.trial(definition, table, f"replace_index {index.name}", index.name.name),),
        catalog=_afterwards(catalog, old, family, definition, comment),
    )


def _in_the_way(table: Table, index: Index, definition: IndexDefinition) -> Iterator[Refusal]:
    yield from needed_by(table, index)
    if index_preflight.is_like(index, definition, table):
        yield Refusal(
            code="index_exists",
            object=str(index.name),
            message="it is just like this already.",
            instead="Leave the change out; `reindex` builds it anew.",
        )


def _attached(table: Table, index: Index, catalog: Catalog) -> Iterator[tuple[Table, Index]]:
    """The index and those of partitions that are attached to it, at any depth."""
    yield table, index
    for member in family_of(table, catalog)[1:]:
        for other in member.indexes:
            above: QualifiedName | None = other.parent
            while above is not None and above != index.name:
                above = next((i.parent for t in catalog.tables for i in t.indexes if i.name == above), None)
            if above == index.name:
                yield member, other


def _own(place: Place, one: Named) -> QualifiedName:
    return QualifiedName(one.table.staged.schema, place.name("ix", one.name.schema, one.name.name))


def _hidden(place: Place, index: Index) -> QualifiedName:
    return QualifiedName(index.name.schema, place.name("old", index.name.schema, index.name.name))


def _exchange(
    place: Place,
    table: Table,
    index: Index,
    old: tuple[tuple[Table, Index], ...],
    family: tuple[Named, ...],
    said: str | None,
) -> Step:
    """The old ones under hidden names, the new ones under theirs; and what an index is to its table."""
    name = index.name
    do = [rename(i.name, _hidden(place, i).name) for _, i in old]
    undo = [rename(_hidden(place, i), i.name.name) for _, i in old]
    aside: list[Statement] = []
    for one in family:
        own = _own(place, one)
        do += [rename(QualifiedName(one.name.schema, own.name), one.name.name)]
        do += [_comment(one.name, said if one.parent is None else None)]
        aside += [rename(one.name, own.name), _comment(QualifiedName(one.name.schema, own.name), place.mark)]
    do += [_comment(_hidden(place, i), place.mark) for _, i in old]
    undo += [_comment(i.name, i.comment) for _, i in old]
    if index.clustered:
        do.append(_cluster(table, name))
        undo.append(_cluster(table, name))
    return Step(
        id=place.id(f"exchange/{name.name}"),
        part=Part.HIDE,
        title=f"let the new index take the name {name}",
        statements=tuple(do),
        undo=(*aside, *undo),
        done=render(sql.SQL("SELECT pg_catalog.to_regclass({}) IS NOT NULL").format(regclass(_hidden(place, index)))),
    )


def _comment(name: QualifiedName, said: str | None) -> Statement:
    text = sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(name.schema, name.name), sql.Literal(said))
    return Statement(text=render(text))


def _cluster(table: Table, name: QualifiedName) -> Statement:
    text = sql.SQL("ALTER TABLE {} CLUSTER ON {}").format(
        sql.Identifier(table.name.schema, table.name.name), sql.Identifier(name.name)
    )
    return Statement(text=render(text))


def _drop(place: Place, table: Table, index: Index) -> Step:
    hidden = _hidden(place, index)
    whole = table.kind == "partitioned"
    return Step(
        id=place.id(f"drop/{index.name.name}"),
        part=Part.DROP,
        title=f"drop the old index {index.name}",
        statements=((drop_whole if whole else drop_concurrently)(sql.Identifier(hidden.schema, hidden.name)),),
        transactional=whole,
        undo=(again(index, concurrent=not whole),),
        done=gone(hidden),
    )


def _cautions(index: Index, definition: IndexDefinition) -> Iterator[Caution]:
    if definition.unique:
        yield Caution(
            code="unique_index",
            object=str(index.name),
            message="the new one is unique, and enforced for every version of the app from expand on.",
        )
    elif index.unique:
        yield Caution(
            code="unique_index",
            object=str(index.name),
            message="the new one is not unique: after contract rows with the same keys are let in, and an INSERT with "
            "ON CONFLICT on its columns fails.",
        )


def _afterwards(
    catalog: Catalog,
    old: tuple[tuple[Table, Index], ...],
    family: tuple[Named, ...],
    definition: IndexDefinition,
    comment: str | None,
) -> Catalog:
    for member, index in old:
        catalog = without_index(catalog, catalog.table(member.name) or member, index)
    for one in family:
        table = catalog.table(one.table.name) or one.table
        said = comment if one.parent is None else None
        catalog = with_index(catalog, table, index_definition.as_index(definition, one.name, one.table.name, said))
    return catalog

"""`reindex`: indexes built anew while everybody goes on, one after the other, in expand.

What is bloated or was left invalid is as new afterwards; nothing of the schema changes. PostgreSQL builds a second
index beside the first, `…_ccnew`, and calls the first `…_ccold` until it is dropped. Where a build is cut off one of
them is left: the step removes it before it begins again, and a rollback removes it too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns.column_preflight import right_refusals
from crossfade.operations.indexes import index_preflight
from crossfade.operations.indexes.chosen_names import relation_name
from crossfade.operations.indexes.index_build import drop_concurrently, regclass
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.tables.table_preflight import family_of, table_refusals
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import Reindex
    from crossfade.plan.names import TableName
    from crossfade.postgres.catalog import Catalog, Index, Table

_MARKS = ("ccnew", "ccold")


def compile_change(change: Reindex, place: Place, catalog: Catalog) -> Compiled:
    """A step for each index that holds rows; refusals instead where one cannot be built anew without a pause."""
    if change.index is not None:
        return _one(change.index, place, catalog)
    assert change.table is not None
    return _all(change.table, place, catalog)


def _all(name: TableName, place: Place, catalog: Catalog) -> Compiled:
    table = catalog.resolve(name.schema, name.name)
    refusals = tuple(table_refusals(name, catalog))
    if refusals or table is None:
        return Compiled(refusals=refusals, catalog=catalog)
    family = family_of(table, catalog) if table.kind == "partitioned" else (table,)
    indexes = [(t, i) for t in family if t.kind == "table" for i in t.indexes]
    return Compiled(
        steps=tuple(_step(place, t, i, catalog) for t, i in indexes if not i.exclusion and not _is_leftover(t, i)),
        refusals=tuple(right_refusals(family)),
        cautions=tuple(_left_out(i) for _, i in indexes if i.exclusion),
        catalog=catalog,
    )


def _one(name: TableName, place: Place, catalog: Catalog) -> Compiled:
    found = index_preflight.find(name, catalog)
    if isinstance(found, tuple):
        return Compiled(refusals=found, catalog=catalog)
    if found.index.exclusion:
        refusal = Refusal(
            code="exclusion_constraint",
            object=str(found.index.name),
            message="PostgreSQL builds the index of an exclusion constraint only while writes wait.",
            instead=f"In a maintenance window: REINDEX INDEX {found.index.name}.",
        )
        return Compiled(refusals=(refusal,), catalog=catalog)
    indexes = _below(found.table, found.index, catalog)
    return Compiled(steps=tuple(_step(place, t, i, catalog) for t, i in indexes if t.kind == "table"), catalog=catalog)


def _below(table: Table, index: Index, catalog: Catalog) -> Iterator[tuple[Table, Index]]:
    """The index, and those of partitions that are attached to it."""
    yield table, index
    for member in catalog.tables:
        for other in member.indexes:
            if other.parent == index.name:
                yield from _below(member, other, catalog)


def _is_leftover(table: Table, index: Index) -> bool:
    """What a build that was cut off has left of another index, which is removed when that one is built."""
    return not index.valid and any(index.name in _leftovers(table, other) for other in table.indexes)


def _leftovers(table: Table, index: Index) -> tuple[QualifiedName, ...]:
    """What builds of this index have left: invalid ones by the names that PostgreSQL gives them."""
    invalid = {i.name for i in table.indexes if not i.valid and i.name != index.name}
    found = []
    for mark in _MARKS:
        for number in count():
            name = _beside(index, f"{mark}{number or ''}")
            if name not in invalid:
                break
            found.append(name)
    return tuple(found)


def _beside(index: Index, label: str) -> QualifiedName:
    return QualifiedName(index.name.schema, relation_name(index.name, (), label, ()))


def _ours(index: Index, catalog: Catalog, there: tuple[QualifiedName, ...]) -> tuple[QualifiedName, ...]:
    """What a build of ours would leave."""
    taken = catalog.relation_names - frozenset(there)
    return tuple(QualifiedName(index.name.schema, relation_name(index.name, (), mark, taken)) for mark in _MARKS)


def _until_contract(table: Table, index: Index) -> Index:
    """The index as it is found until contract; a later move of its table takes it along."""
    return replace(index, name=QualifiedName(table.staged.schema, index.staged))


def _step(place: Place, table: Table, index: Index, catalog: Catalog) -> Step:
    table = replace(table, indexes=tuple(_until_contract(table, i) for i in table.indexes))
    index = _until_contract(table, index)
    there = _leftovers(table, index)
    beside = tuple(dict.fromkeys((*there, *_ours(index, catalog, there))))
    cleanup = tuple(drop_concurrently(sql.Identifier(n.schema, n.name)) for n in beside)
    name = sql.Identifier(index.name.schema, index.name.name)
    return Step(
        id=place.id(f"index/{index.name.schema}.{index.name.name}"),
        part=Part.EXPAND,
        title=f"build index {index.name} of {table.name} anew",
        statements=(Statement(text=render(sql.SQL("REINDEX INDEX CONCURRENTLY {}").format(name))),),
        transactional=False,
        undo=cleanup,
        done=_is_new(index, beside),
        cleanup=cleanup,
    )


def _is_new(index: Index, beside: tuple[QualifiedName, ...]) -> str:
    """The index that is built anew takes the name, and is another relation; nothing is left beside it."""
    nothing_left = sql.SQL(" AND ").join(
        sql.SQL("pg_catalog.to_regclass({}) IS NULL").format(regclass(name)) for name in beside
    )
    return render(
        sql.SQL(
            "SELECT {} AND EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({}) "
            "AND indexrelid <> {} AND indisvalid)"
        ).format(nothing_left, regclass(index.name), sql.Literal(index.oid))
    )


def _left_out(index: Index) -> Caution:
    return Caution(
        code="exclusion_constraint",
        object=str(index.name),
        message="it is left as it is: PostgreSQL builds the index of an exclusion constraint only while writes wait.",
    )

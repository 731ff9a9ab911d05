"""`drop_index`: an index goes at the very end, concurrently, once nothing has read it for as long as the gates hold.

Until then nothing is done to it, so a rollback or a revert has nothing to take back. Once it is dropped that is final;
its definition stands in the step's undo, so that `explain` and the ledger keep it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.indexes import index_preflight
from crossfade.operations.indexes.index_build import again, drop_concurrently, drop_whole, gone
from crossfade.operations.indexes.index_preflight import without_index
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropIndex
    from crossfade.postgres.catalog import Catalog, Index, Table


def compile_change(change: DropIndex, place: Place, catalog: Catalog) -> Compiled:
    """The step that drops an index; refusals instead where something stands on it."""
    found = index_preflight.find(change.name, catalog)
    if isinstance(found, tuple):
        return Compiled(refusals=found, catalog=catalog)
    table, index = found.table, found.index
    refusals = tuple(needed_by(table, index))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    return Compiled(
        steps=(_drop(place, table, index),),
        cautions=tuple(_cautions(table, index)),
        catalog=without_index(catalog, table, index),
    )


def _drop(place: Place, table: Table, index: Index) -> Step:
    name = sql.Identifier(index.name.schema, index.name.name)
    whole = table.kind == "partitioned"
    return Step(
        id=place.id(f"drop/{index.name.name}"),
        part=Part.DROP,
        title=f"drop index {index.name} of {table.name}",
        statements=((drop_whole if whole else drop_concurrently)(name),),
        transactional=whole,
        undo=(again(index, concurrent=not whole),),
        done=gone(index.name),
    )


def needed_by(table: Table, index: Index) -> Iterator[Refusal]:
    """What an index cannot be dropped for."""
    if index.constraint is not None:
        yield Refusal(
            code="constraint_index",
            object=str(index.name),
            message=f"constraint {quoted(index.constraint)} of {table.name} stands on it.",
            instead="Drop the constraint; its index goes with it.",
        )
    if index.parent is not None:
        yield Refusal(
            code="partition_index",
            object=str(index.name),
            message=f"it is a partition's part of index {index.parent}.",
            instead=f"Name {index.parent}.",
        )
    if index.replica_identity:
        yield Refusal(
            code="replica_identity",
            object=str(index.name),
            message=f"it is the replica identity of {table.name}: without it every UPDATE and DELETE of a published "
            "table fails.",
            instead=f"Give the table another one first: ALTER TABLE {table.name} REPLICA IDENTITY DEFAULT.",
        )
    if index.constraint is None and index.unique and not index.partial and not index.has_expressions:
        yield from _referenced(table, index)


def _referenced(table: Table, index: Index) -> Iterator[Refusal]:
    """A foreign key can stand on a unique index that is no constraint."""
    keys = frozenset(index.columns[: index.key_count])
    for other in table.indexes:
        alike = frozenset(other.columns[: other.key_count]) == keys and other.unique and not other.partial
        if alike and other.name != index.name:
            return
    for key in table.incoming_foreign_keys:
        if frozenset(key.referenced_columns) == keys:
            yield Refusal(
                code="constraint_index",
                object=str(index.name),
                message=f"foreign key {quoted(key.name)} of {key.table} stands on it.",
                instead="Drop the foreign key first, or give the columns another unique index or constraint.",
            )


def _cautions(table: Table, index: Index) -> Iterator[Caution]:
    if index.unique:
        yield Caution(
            code="unique_index",
            object=str(index.name),
            message="it is unique: without it rows with the same keys are let in, and an INSERT with ON CONFLICT on "
            "its columns fails.",
        )
    if table.kind == "partitioned":
        yield Caution(
            code="partitioned_index",
            object=str(index.name),
            message="PostgreSQL drops an index of a partitioned table while reads and writes of all partitions wait; "
            "it takes a moment, once the locks are had.",
        )
    yield Caution(
        code="unseen_scans",
        object=str(index.name),
        message="the server counts what it reads itself; what a standby reads by the index is not seen.",
    )

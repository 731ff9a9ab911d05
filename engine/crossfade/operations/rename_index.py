"""`rename_index`: an index gets another name, in contract, in a moment and under a lock that no query waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.indexes import index_preflight
from crossfade.operations.indexes.index_build import rename
from crossfade.operations.indexes.index_preflight import with_index, without_index
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.tables.turn import turn_of
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import RenameIndex
    from crossfade.postgres.catalog import Catalog, Index, Table


def compile_change(change: RenameIndex, place: Place, catalog: Catalog) -> Compiled:
    """The step that renames an index; refusals instead where there is none or the name is taken."""
    found = index_preflight.find(change.from_, catalog)
    if isinstance(found, tuple):
        return Compiled(refusals=found, catalog=catalog)
    table, index = found.table, found.index
    refusals = tuple(index_preflight.name_refusals(change.to, table, None, catalog))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    target = QualifiedName(index.name.schema, change.to)
    step = Step(
        id=place.id(f"rename/{index.name.name}"),
        part=Part.HIDE,
        title=f"rename index {index.name} to {quoted(change.to)}",
        statements=(rename(index.name, change.to),),
        undo=(rename(target, index.name.name),),
        done=_is_called(table, target),
        turn=turn_of(table, index.references, index),
    )
    return Compiled(
        steps=(step,),
        cautions=tuple(_constraint(table, index, change.to)),
        catalog=_afterwards(catalog, table, index, target),
    )


def _is_called(table: Table, name: QualifiedName) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({}) "
            "AND indrelid = pg_catalog.to_regclass({}))"
        ).format(
            sql.Literal(render(sql.Identifier(name.schema, name.name))),
            sql.Literal(render(sql.Identifier(table.name.schema, table.name.name))),
        )
    )


def _constraint(table: Table, index: Index, to: str) -> Iterator[Caution]:
    if index.constraint is not None:
        yield Caution(
            code="constraint_name",
            object=f"constraint {quoted(index.constraint)} on {table.name}",
            message=f"it gets the name {quoted(to)} along with its index. A statement with ON CONFLICT ON CONSTRAINT "
            "that has the old name fails from then on, and an app may look for the name in an error.",
        )


def _afterwards(catalog: Catalog, table: Table, index: Index, target: QualifiedName) -> Catalog:
    renamed = replace(index, name=target, constraint=index.constraint and target.name, until_contract=index.staged)
    constraints = tuple(
        replace(c, name=target.name, index=target.name) if c.name == index.constraint else c for c in table.constraints
    )
    changed = replace(table, constraints=constraints)
    return with_index(without_index(catalog, changed, index), _without(changed, index), renamed)


def _without(table: Table, index: Index) -> Table:
    return replace(table, indexes=tuple(i for i in table.indexes if i.name != index.name))

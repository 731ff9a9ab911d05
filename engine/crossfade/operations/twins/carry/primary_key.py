"""A primary key over replaced columns: a table has one only, so the old one goes and the copy takes its place.

A second index over the old columns is built before, for `revert`: dropping a primary key drops its index. Whatever a
revert has used up is built again when contract begins anew. Of a partitioned table the partitions' keys are made first,
each from its index, and then the table's takes them up; nothing is read for that (measured on 15 and 18).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.constraints import constraint_preflight
from crossfade.operations.indexes import index_build, index_copy
from crossfade.operations.step import Part, Step
from crossfade.operations.twins.carry import indexes
from crossfade.operations.twins.exchange import Carried, Exchange, Move, alter_table
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.operations.indexes.index_copy import IndexCopy
    from crossfade.postgres.statement import Statement


def carry(exchange: Exchange) -> Carried:
    """The second index, and two moves: the old key goes first, the new one comes when all else is in place."""
    copied = tuple(c for c in indexes.copies(exchange) if c.index.primary)
    if not copied:
        return Carried()
    needed = tuple(constraint_preflight.needed((c.table for c in copied), indexes.constraint_of(copied[0])))
    if needed:
        return Carried(refusals=needed)
    leaves = tuple(c for c in copied if c.table.kind != "partitioned")
    gone = _gone(copied[0])
    return Carried(
        seal=tuple(_spare(exchange, copy, Part.SEAL) for copy in leaves),
        first=tuple(step for copy in leaves for step in _again(exchange, copy)),
        before=(Move(do=(gone,), undo=tuple(_old_key(exchange, copied))),),
        after=(Move(do=tuple(_new_key(exchange, copied)), undo=(gone,)),),
    )


def _gone(copy: IndexCopy) -> Statement:
    """The key away, from partitions too."""
    return alter_table(
        copy.table, sql.SQL("DROP CONSTRAINT {}").format(sql.Identifier(indexes.constraint_of(copy).name))
    )


def _new_key(exchange: Exchange, copied: tuple[IndexCopy, ...]) -> Iterator[Statement]:
    """The columns are NOT NULL by then, so no row is read."""
    final = {twin.column.name: twin.final for twin in exchange.twins}
    for copy in reversed(copied):
        yield from _key(copy, copy.name.name, final)
        if copy.table.kind != "partitioned":
            yield from indexes.columns(exchange, copy)
        yield from indexes.settings(copy)
        yield from indexes.comments(copy)


def _old_key(exchange: Exchange, copied: tuple[IndexCopy, ...]) -> Iterator[Statement]:
    for copy in reversed(copied):
        yield from _key(copy, _spare_name(exchange, copy).name, {})
        yield from indexes.settings(copy)
        yield from indexes.comments(copy)


def _key(copy: IndexCopy, index: str, columns: Mapping[str, str]) -> Iterator[Statement]:
    constraint = indexes.constraint_of(copy)
    if copy.table.kind == "partitioned":
        yield indexes.over_partitions(copy.table, constraint.name, constraint, columns)
    else:
        yield indexes.from_index(copy.table, constraint.name, "PRIMARY KEY", index, constraint)


def _spare_name(exchange: Exchange, copy: IndexCopy) -> QualifiedName:
    return QualifiedName(copy.name.schema, exchange.own_name("key", copy.index.name.name))


def _spare(exchange: Exchange, copy: IndexCopy, part: Part) -> Step:
    build = index_build.IndexBuild(
        id=f"{part.value}/key/{copy.index.name.name}",
        name=_spare_name(exchange, copy),
        definition=copy.index.definition,
        partitioned=False,
        title=f"build a second index like {copy.index.name.name}, for the way back",
        comment=exchange.place.mark,
        undone=True,
    )
    (step,) = index_build.steps(exchange.place, (build,), part)
    return step


def _again(exchange: Exchange, copy: IndexCopy) -> Iterator[Step]:
    """Both indexes, if a revert has used them up; nothing where they are there."""
    (build,) = index_copy.builds(exchange.place.plan, (copy,))
    (step,) = index_build.steps(
        exchange.place, (replace(build, id=f"hide/copy/{copy.index.name.name}", parent=None),), Part.HIDE
    )
    yield step
    yield replace(_spare(exchange, copy, Part.HIDE), undo=())

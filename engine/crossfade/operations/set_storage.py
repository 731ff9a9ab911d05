"""`set_storage`: how a column's long values are kept, in expand; those that are there stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns.column_in_place import find_to_set
from crossfade.operations.step import Compiled, Step
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetStorage
    from crossfade.postgres.catalog import Catalog, Column


def compile_change(change: SetStorage, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where there is no such column."""
    target = find_to_set(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    column = target.column
    part, turn = target.set_in
    # One that takes another's place is of another type, which may not be kept as that was; it goes on the way back.
    is_twin = column.work == "replaced" and column.shadow is None
    step = Step(
        id=place.id("storage"),
        part=part,
        turn=turn,
        title=f"set the storage of {column.name} of {target.table.name} to {change.storage}; no row is touched",
        statements=(target.alter_column(part, _storage(change.storage)),),
        undo=() if is_twin else tuple(target.each_back(part, lambda own: _storage(own.storage))),
        done=target.done(part, f"attstorage = '{_LETTERS[change.storage]}'"),
    )
    return Compiled(
        steps=(step,),
        trials=(_trial(change, column, f"storage of set_storage on {target.table.name}"),),
        catalog=target.changed(storage=change.storage, storage_is_default=False),
    )


_LETTERS = {"plain": "p", "external": "e", "extended": "x", "main": "m"}
"""As `pg_attribute` has them."""


def _storage(word: str) -> sql.Composable:
    return sql.SQL("SET STORAGE {}").format(sql.SQL(word.upper()))


def _trial(change: SetStorage, column: Column, where: str) -> Trial:
    """Not every type can be kept every way."""
    statement = sql.SQL("ALTER TABLE {} ALTER COLUMN {} {}").format(
        sql.SQL(TRIAL_TABLE), sql.Identifier(column.name), _storage(change.storage)
    )
    return Trial(where=where, shown=change.storage, columns=((column.name, column.type),), statement=render(statement))

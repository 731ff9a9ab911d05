"""`set_statistics`: how closely the planner looks at a column, in expand; the next ANALYZE goes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns.column_in_place import find_to_set
from crossfade.operations.step import Compiled, Step

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetStatistics
    from crossfade.postgres.catalog import Catalog

_SERVERS_OWN = -1
"""The target that stands for the server's default."""


def compile_change(change: SetStatistics, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where there is no such column."""
    target = find_to_set(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    number = _SERVERS_OWN if change.target == "default" else change.target
    part, turn = target.set_in
    step = Step(
        id=place.id("statistics"),
        part=part,
        turn=turn,
        title=f"set the statistics target of {target.column.name} of {target.table.name}",
        statements=(target.alter_column(part, _target(number)),),
        undo=tuple(target.each_back(part, lambda column: _target(column.statistics_target))),
        # Up to PostgreSQL 16 the server's default is -1, from 17 on NULL.
        done=target.done(part, f"coalesce(attstattarget, {_SERVERS_OWN}) = {number}"),
    )
    kept = None if number == _SERVERS_OWN else number
    return Compiled(steps=(step,), catalog=target.changed(statistics_target=kept))


def _target(number: int | None) -> sql.Composable:
    return sql.SQL("SET STATISTICS {}").format(sql.Literal(_SERVERS_OWN if number is None else number))

"""`drop_column`: a column goes, once nothing live needs it.

    expand    where the column is NOT NULL and has no default: a trigger gives it `reverse` in rows of new versions,
              which leave it out, so that old versions read a value
    contract  hide: the column steps aside under a name of ours, and NOT NULL goes, so that no INSERT of a new version
              fails for it; the trigger goes on, so that `revert` only renames back
              drop: the column goes, and with it what a plain DROP COLUMN takes along

Whatever would need CASCADE is refused by its name. Nothing tells a write of an old version from one of a new that still
sends the column, so legacy writes are not counted; the versions of the apps are what contract waits for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns import drop_column_preflight, named_columns
from crossfade.operations.columns.column_in_place import InPlace, find
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.sync import fill_trigger, sameness
from crossfade.operations.sync.fill_trigger import Filling
from crossfade.operations.tables.table_preflight import descendants_by_inheritance
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.operations.twins import not_null_back
from crossfade.operations.twins.exchange import column_exists, drop_column, negated, rename_column
from crossfade.operations.twins.not_null_back import NotNullBack
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropColumn
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, QualifiedName, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drop:
    """The change against its catalog."""

    target: InPlace
    filling: Filling | None
    """What rows of new versions get; None where nothing is needed."""

    @property
    def hidden(self) -> str:
        """The column's name while the run is `retained`."""
        name = self.target.table.name
        return self.target.place.name("old", name.schema, name.name, self.target.column.name)

    @property
    def members(self) -> tuple[QualifiedName, ...]:
        """The tables with triggers of their own, by their names from contract on."""
        return (self.target.table.name, *descendants_by_inheritance(self.target.catalog, self.target.table))

    @property
    def gives_not_null_up(self) -> bool:
        """Whether an INSERT that leaves the column out could fail for NOT NULL while it is hidden."""
        return self.filling is not None and self.target.column.not_null and not self.filling.always_a_value


def compile_change(change: DropColumn, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one dropped column against a catalog; refusals instead where something needs it."""
    target = find(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    columns = [c.name for c in target.table.columns]
    unseen = tuple(named_columns.unknown(place, target.table, (("reverse", change.reverse, columns),)))
    if unseen:
        return Compiled(refusals=unseen, catalog=catalog)
    refusals, cautions = drop_column_preflight.check(target, change.reverse)
    if refusals and any(r.ack is None for r in refusals):
        return Compiled(refusals=refusals, cautions=cautions, catalog=catalog)
    drop = _Drop(target=target, filling=_filling(target, change.reverse) if change.reverse else None)
    steps = (*_fill_steps(drop), *_back_steps(drop), _hide(drop), _drop(drop))
    return Compiled(
        steps=steps,
        refusals=refusals,
        cautions=cautions,
        trials=(_trial(target, change.reverse),) if change.reverse else (),
        catalog=_afterwards(target),
    )


def _filling(target: InPlace, reverse: Expression) -> Filling:
    table, column = target.table, target.column
    return Filling(
        place=target.place,
        table=table.staged,
        members=(table.staged, *descendants_by_inheritance(target.catalog, table)),
        column=column.staged,
        type=column.type,
        base=column.base_type,
        exact=sameness.is_exact(column),
        expression=reverse.over({c.name: c.staged for c in table.columns}),
        types={c.staged: c.type for c in table.columns},
    )


def _fill_steps(drop: _Drop) -> tuple[Step, ...]:
    if drop.filling is None:
        return ()
    target = drop.target
    return (
        Step(
            id=target.place.id("fill"),
            part=Part.EXPAND,
            title=f"give {target.column.name} of {target.table.name} a value where a new version leaves it out",
            statements=tuple(fill_trigger.create(drop.filling)),
            undo=tuple(fill_trigger.drop(drop.filling)),
            done=fill_trigger.is_there(drop.filling),
        ),
    )


def _back_steps(drop: _Drop) -> tuple[Step, ...]:
    return not_null_back.steps(_back(drop)) if drop.gives_not_null_up else ()


def _back(drop: _Drop) -> NotNullBack:
    target = drop.target
    return NotNullBack(place=target.place, table=target.table, column=target.column, hidden=drop.hidden)


def _hide(drop: _Drop) -> Step:
    table, name = drop.target.table, drop.target.column.name
    given_up, again = not_null_back.give_up(_back(drop)) if drop.gives_not_null_up else ((), ())
    follows = tuple(fill_trigger.serve(drop.filling, drop.hidden)) if drop.filling else ()
    serves = tuple(fill_trigger.serve(drop.filling, name)) if drop.filling else ()
    return Step(
        id=drop.target.place.id("hide"),
        part=Part.HIDE,
        title=f"hide {name} of {table.name}, with the values that it has",
        statements=(rename_column(table, name, drop.hidden), *follows, *given_up),
        undo=(*again, rename_column(table, drop.hidden, name), *serves),
        done=column_exists(table, drop.hidden),
    )


def _drop(drop: _Drop) -> Step:
    table = drop.target.table
    return Step(
        id=drop.target.place.id("drop"),
        part=Part.DROP,
        title=f"drop what was {drop.target.column.name} of {table.name}",
        statements=(
            *(fill_trigger.drop(drop.filling.found_at(drop.members)) if drop.filling else ()),
            drop_column(table, drop.hidden),
        ),
        done=negated(column_exists(table, drop.hidden)),
    )


def _trial(target: InPlace, reverse: Expression) -> Trial:
    """What old versions find, assigned to the column on an empty table."""
    statement = sql.SQL("UPDATE {} SET {} = ({})").format(
        sql.SQL(TRIAL_TABLE), sql.Identifier(target.column.name), sql.SQL(reverse.sql)
    )
    return Trial(
        where=f"reverse of drop_column on {target.table.name}",
        shown=reverse.text,
        columns=tuple((c.name, c.type) for c in target.table.columns),
        statement=render(statement),
        value=reverse.sql,
        functions=reverse.functions,
    )


def _afterwards(target: InPlace) -> Catalog:
    catalog = target.catalog
    for member in target.family:
        catalog = catalog.with_table(_without(member, target.column.name))
    return catalog


def _without(table: Table, column: str) -> Table:
    """The table without the column, and without what goes with it."""
    gone = {c.name for c in table.constraints_using(column)}
    return replace(
        table,
        columns=tuple(c for c in table.columns if c.name != column),
        constraints=tuple(c for c in table.constraints if c.name not in gone),
        indexes=tuple(i for i in table.indexes if column not in i.references),
        extended_statistics=tuple(s for s in table.extended_statistics if column not in s.columns),
    )

"""`move_columns`: columns of a table move to another one that is there already, and both versions work.

    expand    the columns there; triggers on both tables keep the two homes equal
    backfill  rows of before are carried; CHECKs and foreign keys; ANALYZE
    contract  hide: the columns here step aside under names of ours and follow the other table, so that `revert` only
              renames back
              drop: they go, with our triggers

A foreign key over the key has to lead from one of the tables to the other. Whichever way it leads, a row that it leads
from is made where there is none and the other one has a value in the columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.sync import two_homes, two_homes_rows
from crossfade.operations.tables import move_columns_preflight, moved_columns, other_home
from crossfade.operations.tables.other_home import OtherHome
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.twins.exchange import column_exists

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.operations.sync.two_homes import TwoHomes
    from crossfade.plan.changes import MoveColumns
    from crossfade.postgres.catalog import Catalog


def compile_change(change: MoveColumns, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one such change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(r for name in change.tables for r in table_refusals(name, catalog))
    old = catalog.resolve(change.table.schema, change.table.name)
    new = catalog.resolve(change.to_table.schema, change.to_table.name)
    if unusable or old is None or new is None:
        return Compiled(refusals=unusable, catalog=catalog)
    home = OtherHome(place=place, old=old, new=new, key=change.key, columns=change.columns)
    refusals, cautions = move_columns_preflight.check(home, catalog)
    if any(refusal.ack is None for refusal in refusals):
        return Compiled(refusals=refusals, cautions=cautions, catalog=catalog)
    homes = home.homes(leaves=False)
    hidden = _hidden(home)
    return Compiled(
        steps=(
            *other_home.before_contract(home, homes),
            _hide(home, homes),
            moved_columns.drop(place, homes, old, hidden),
        ),
        copies=(two_homes_rows.noting(homes, place.id("rows"), tuple(hidden.values())),),
        refusals=refusals,
        cautions=cautions,
        catalog=catalog.with_table(moved_columns.without(old, frozenset(home.columns))).with_table(home.afterwards()),
    )


def _hidden(home: OtherHome) -> dict[str, str]:
    return moved_columns.hidden_names(home.place.plan, home.old, home.columns)


def _hide(home: OtherHome, homes: TwoHomes) -> Step:
    hidden = _hidden(home)
    return Step(
        id=home.place.id("hide"),
        part=Part.HIDE,
        title=f"{', '.join(home.columns)} of {home.old.name} steps aside for {home.new.name}, still in step",
        statements=tuple(moved_columns.step_aside(homes, home.old, hidden)),
        undo=(
            *moved_columns.come_back(homes, home.old, hidden),
            *((two_homes.make_owed(homes),) if homes.old == "side" else ()),
            *two_homes.settle(homes),
        ),
        done=column_exists(home.old, next(iter(hidden.values()))),
    )

"""`merge_tables`: the columns of one table become columns of another, which it refers to, and both versions work.

    expand    the columns there; triggers on both tables keep the two homes equal
    backfill  rows of before are carried; CHECKs and foreign keys; ANALYZE
    contract  hide: the table gets a name of ours and follows the other one, so that `revert` only renames back
              drop: it goes, with our triggers

The foreign key may stop a DELETE in the other table. New versions do not know of it: from expand on, the row here goes
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.sync import two_homes, two_homes_rows
from crossfade.operations.tables import merge_tables_preflight, other_home, second_name
from crossfade.operations.tables.other_home import OtherHome
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.twins.exchange import negated
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.operations.sync.two_homes import TwoHomes
    from crossfade.plan.changes import MergeTables
    from crossfade.postgres.catalog import Catalog


def compile_change(change: MergeTables, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one such change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(r for name in change.tables for r in table_refusals(name, catalog))
    old = catalog.resolve(change.from_.schema, change.from_.name)
    new = catalog.resolve(change.into.schema, change.into.name)
    if unusable or old is None or new is None:
        return Compiled(refusals=unusable, catalog=catalog)
    columns = change.columns or {c.name: c.name for c in old.columns if c.name not in change.key}
    home = OtherHome(place=place, old=old, new=new, key=change.key, columns=columns)
    refusals, cautions = merge_tables_preflight.check(home)
    if refusals:
        return Compiled(refusals=refusals, cautions=cautions, catalog=catalog)
    homes = home.homes(leaves=True)
    return Compiled(
        steps=(
            *other_home.before_contract(home, homes),
            _hide(home, homes),
            _drop(home, homes),
        ),
        copies=(two_homes_rows.noting(homes, place.id("rows"), ()),),
        cautions=cautions,
        catalog=catalog.without_table(old.name).with_table(home.afterwards()),
    )


def _hidden(home: OtherHome) -> QualifiedName:
    """The table's name while the run is `retained`."""
    return QualifiedName(home.old.name.schema, home.place.name("dropped"))


def _hide(home: OtherHome, homes: TwoHomes) -> Step:
    table, hidden = home.old.name, _hidden(home)
    aside = homes.hidden({}, hidden)
    return Step(
        id=home.place.id("hide"),
        part=Part.HIDE,
        title=f"{table} steps aside for {', '.join(home.columns.values())} of {home.new.name}, still in step",
        statements=(
            *two_homes.let_go(homes),
            *two_homes.settle(homes),
            _statement("ALTER TABLE {} RENAME TO {}", identifier(table), sql.Identifier(hidden.name)),
            _statement("COMMENT ON TABLE {} IS {}", identifier(hidden), sql.Literal(home.place.mark)),
            *two_homes.follow(aside),
        ),
        undo=(
            *two_homes.let_go(aside),
            _statement("COMMENT ON TABLE {} IS {}", identifier(hidden), sql.Literal(home.old.comment)),
            _statement("ALTER TABLE {} RENAME TO {}", identifier(hidden), sql.Identifier(table.name)),
            *two_homes.serve_both(homes),
            two_homes.make_owed(homes),
            *two_homes.settle(homes),
        ),
        done=second_name.is_table(hidden),
    )


def _drop(home: OtherHome, homes: TwoHomes) -> Step:
    hidden = _hidden(home)
    return Step(
        id=home.place.id("drop"),
        part=Part.DROP,
        title=f"drop what was {home.old.name}, with our triggers",
        statements=(
            *two_homes.let_go(homes.hidden({}, hidden)),
            *two_homes.drop(homes),
            _statement("DROP TABLE IF EXISTS {}", identifier(hidden)),
        ),
        done=negated(second_name.is_table(hidden)),
    )


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))

"""`split_table`: some columns of a table move to a new one, a row there for each row here, and both versions work.

    expand    the new table with what is about these columns; triggers on both tables keep the two homes equal
    backfill  rows of before are copied; ANALYZE
    contract  hide: the columns here step aside under names of ours and follow the new table, so that `revert` only
              renames back; the new table gets its foreign key, which is validated afterwards
              drop: they go, with our triggers

Until the foreign key is there the triggers do its work: it would wait for rows without knowing who waits for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from crossfade.operations.constraints import unvalidated
from crossfade.operations.constraints.unvalidated import Unvalidated
from crossfade.operations.step import Compiled, Copy, Part, RowCopy, RowLook, Step, Turn
from crossfade.operations.sync import two_homes, two_homes_rows
from crossfade.operations.sync.two_homes import Key, TwoHomes
from crossfade.operations.sync.two_homes_words import equal
from crossfade.operations.tables import moved_columns, second_home, second_name, split_table_preflight
from crossfade.operations.tables.second_home import SecondHome
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.operations.twins.exchange import analyze, column_exists
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SplitTable
    from crossfade.postgres.catalog import Catalog


def compile_change(change: SplitTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one such change against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    refusals, cautions = split_table_preflight.check(change, table, place, catalog)
    if any(refusal.ack is None for refusal in refusals):
        return Compiled(refusals=refusals, cautions=cautions, catalog=catalog)
    home = SecondHome(
        place=place,
        table=table,
        catalog=catalog,
        name=QualifiedName(table.name.schema, change.to_table),
        key=change.key,
        columns=change.columns,
    )
    homes = _homes(home)
    reference = _reference(home)
    made = second_home.as_table(home)
    return Compiled(
        steps=(
            _expand(home, homes),
            analyze(place, made, tuple(home.columns.values())),
            _make_again(home),
            _hide(home, homes, reference),
            replace(unvalidated.validate(place, reference), turn=Turn.AFTER),
            moved_columns.drop(place, homes, table, _hidden(home)),
        ),
        copies=(_rows(home, homes),),
        refusals=refusals,
        cautions=cautions,
        catalog=catalog.with_table(moved_columns.without(table, frozenset(home.columns))).with_table(made),
    )


def _homes(home: SecondHome) -> TwoHomes:
    table = home.table
    return TwoHomes(
        plan=home.place.plan,
        name=home.place.name("home"),
        main=table.name,
        side=home.name,
        old="main",
        key=tuple(Key(main=old, side=new, type=moved_columns.column(table, old).type) for old, new in home.key.items()),
        pairs=tuple(
            moved_columns.pair(moved_columns.column(table, old), old, new) for old, new in home.columns.items()
        ),
        reference=home.reference,
    )


def _hidden(home: SecondHome) -> dict[str, str]:
    return moved_columns.hidden_names(home.place.plan, home.table, home.columns)


def _reference(home: SecondHome) -> Unvalidated:
    return Unvalidated(
        table=second_home.as_table(home),
        name=home.reference,
        definition=home.reference_definition,
        id="reference",
        comment=None,
        part=Part.HIDE,
    )


# Steps


def _expand(home: SecondHome, homes: TwoHomes) -> Step:
    moved = ", ".join(home.columns)
    return Step(
        id=home.place.id("table"),
        part=Part.EXPAND,
        title=f"make {home.name} for {moved} of {home.table.name}, kept in step by triggers on both",
        statements=(*second_home.create(home), *two_homes.create(homes)),
        undo=(
            *two_homes.let_go(homes),
            *two_homes.settle(homes),
            *two_homes.drop(homes),
            _statement("DROP TABLE IF EXISTS {}", home.relation),
        ),
        done=second_name.is_table(home.name),
    )


def _rows(home: SecondHome, homes: TwoHomes) -> RowCopy:
    """Rows that the new table has not; and in either table those that are not equal, unless they are noted."""
    id_, table = home.place.id("rows"), home.table.name
    olds = {**{k.main: k.side for k in homes.key}, **home.columns}
    return RowCopy(
        id=id_,
        schema=table.schema,
        table=table.name,
        pending=two_homes_rows.apart(homes, "main"),
        write=Copy(
            into=render(home.relation),
            columns=tuple(render(sql.Identifier(new)) for new in olds.values()),
            values=tuple(render(sql.Identifier(old)) for old in olds),
            on_conflict=render(
                sql.SQL("ON CONFLICT ({}) DO NOTHING").format(
                    sql.SQL(", ").join(map(sql.Identifier, home.key.values()))
                )
            ),
            locking="FOR NO KEY UPDATE",
        ),
        surplus=RowLook(
            id=id_,
            schema=home.name.schema,
            table=home.name.name,
            pending=two_homes_rows.apart(homes, "side"),
        ),
        hidden=tuple(_hidden(home).values()),
    )


def _make_again(home: SecondHome) -> Step:
    """Rows that new versions made here without one there, while the columns were hidden, get one on the way back."""
    keys = {**home.key, **home.columns}
    make = _statement(
        "INSERT INTO {} ({}) SELECT {} FROM {} AS here WHERE NOT EXISTS (SELECT FROM {} AS there WHERE {})"
        " FOR NO KEY UPDATE OF here ON CONFLICT ({}) DO NOTHING",
        home.relation,
        sql.SQL(", ").join(map(sql.Identifier, keys.values())),
        sql.SQL(", ").join(sql.SQL("here.{}").format(sql.Identifier(c)) for c in keys),
        identifier(home.table.name),
        home.relation,
        sql.SQL(" AND ").join(
            equal(sql.SQL("there.{}").format(sql.Identifier(new)), sql.SQL("here.{}").format(sql.Identifier(old)))
            for old, new in home.key.items()
        ),
        sql.SQL(", ").join(map(sql.Identifier, home.key.values())),
    )
    return Step(
        id=home.place.id("back/rows"),
        part=Part.HIDE,
        turn=Turn.BEFORE,
        title=f"nothing now; on the way back make a row in {home.name} for each that has none",
        statements=(),
        undo=(Statement(text="SET LOCAL crossfade.backfill = 'on'"), make),
        done="SELECT true",
    )


def _hide(home: SecondHome, homes: TwoHomes, reference: Unvalidated) -> Step:
    hidden = _hidden(home)
    mark = sql.Literal(home.place.mark)
    return Step(
        id=home.place.id("hide"),
        part=Part.HIDE,
        title=f"{', '.join(home.columns)} of {home.table.name} steps aside for {home.name}, still in step",
        statements=(
            *moved_columns.step_aside(homes, home.table, hidden),
            *unvalidated.add(home.place, reference).statements,
            _statement("COMMENT ON TABLE {} IS NULL", home.relation),
        ),
        undo=(
            *unvalidated.add(home.place, reference).undo,
            *moved_columns.come_back(homes, home.table, hidden),
            *two_homes.settle(homes),
            _statement("COMMENT ON TABLE {} IS {}", home.relation, mark),
        ),
        done=column_exists(home.table, next(iter(hidden.values()))),
    )


def _statement(text: LiteralString, *parts: sql.Composable) -> Statement:
    return Statement(text=render(sql.SQL(text).format(*parts)))

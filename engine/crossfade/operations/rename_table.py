"""`rename_table`: a table gets another name while both versions of the app keep working.

    expand    a view under the new name, over every column that the plan's changes leave
    contract  hide: view and table exchange their names, so that the old one goes on as a view while it is retained
              drop: the view goes

It is the table itself that gets the new name, so whatever hangs on it is afterwards what a plain RENAME leaves:
indexes, sequences and constraints keep their names. No row is touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Compiled, Part, Step, Turn
from crossfade.operations.tables import second_name, table_names
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import RenameTable
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: RenameTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one rename against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.from_, catalog))
    table = catalog.resolve(change.from_.schema, change.from_.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    new = QualifiedName(table.name.schema, change.to)
    refusals = (*table_names.refusals(table, new, catalog), *second_name.refusals(table, catalog))
    trials = () if refusals else (table_names.trial(place, new, f"of {table.name}"),)
    return Compiled(
        steps=(view_step(place, table, new, catalog), _hide(place, table, new), drop_step(place, table)),
        refusals=refusals,
        cautions=(second_name.caution(new, table, catalog), *table_names.cautions(table)),
        trials=trials,
        catalog=table_names.renamed(catalog, table, new),
    )


def view_step(place: Place, table: Table, new: QualifiedName, catalog: Catalog) -> Step:
    """The new name comes, when every column is there."""
    return Step(
        id=place.id("view"),
        part=Part.EXPAND,
        title=f"let {new} show the rows of {table.name}",
        statements=second_name.create(new, table, table.name, sql.SQL("*"), catalog, place.mark),
        undo=(second_name.drop(new),),
        done=second_name.is_view(new),
        turn=Turn.AFTER,
    )


def _hide(place: Place, table: Table, new: QualifiedName) -> Step:
    """Before whatever else is hidden, which then goes by the final name."""
    old, aside = table.name, QualifiedName(new.schema, place.name("aside"))
    return Step(
        id=place.id("hide"),
        part=Part.HIDE,
        title=f"rename {old} to {new.name}; the old name goes on as a view",
        statements=(
            second_name.rename_view(new, aside.name),
            _rename(old, new.name),
            second_name.rename_view(aside, old.name),
        ),
        undo=(
            second_name.rename_view(old, aside.name),
            _rename(new, old.name),
            second_name.rename_view(aside, new.name),
        ),
        done=second_name.is_table(new),
        turn=Turn.BEFORE,
    )


def drop_step(place: Place, table: Table) -> Step:
    """The old name goes, before any column that its view shows."""
    there = second_name.is_view(table.name)
    return Step(
        id=place.id("drop"),
        part=Part.DROP,
        title=f"drop the view {table.name}",
        statements=(second_name.drop(table.name),),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(there))),
        turn=Turn.BEFORE,
    )


def _rename(table: QualifiedName, to: str) -> Statement:
    return Statement(text=render(sql.SQL("ALTER TABLE {} RENAME TO {}").format(identifier(table), sql.Identifier(to))))

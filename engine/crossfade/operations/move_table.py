"""`move_table`: a table gets into another schema while both versions of the app keep working.

    expand    a view in the new schema, over every column that the plan's changes leave
    contract  hide: view and table exchange their places, so that the old one goes on as a view while it is retained
              drop: the view goes

It is the table itself that moves, with its indexes and the sequences that it owns, as with a plain SET SCHEMA.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.rename_table import drop_step, view_step
from crossfade.operations.step import Compiled, Part, Step, Turn
from crossfade.operations.tables import second_name, table_names
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Place
    from crossfade.plan.changes import MoveTable
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: MoveTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one move against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    new = QualifiedName(change.to_schema, table.name.name)
    refusals = (
        *table_names.refusals(table, new, catalog),
        *_names_taken(table, new.schema, catalog),
        *second_name.refusals(table, catalog),
    )
    return Compiled(
        steps=(view_step(place, table, new, catalog), _hide(place, table, new), drop_step(place, table)),
        refusals=refusals,
        cautions=(second_name.caution(new, table, catalog), *table_names.cautions(table)),
        trials=() if refusals else (table_names.trial(place, new, f"of {table.name}"),),
        catalog=table_names.renamed(catalog, table, new),
    )


def _names_taken(table: Table, schema: str, catalog: Catalog) -> Iterator[Refusal]:
    """What moves along needs its name there too."""
    moving = [index.name.name for index in table.indexes]
    moving += [sequence.name for column in table.columns for sequence in column.owned_sequences]
    moving += [column.identity.sequence.name for column in table.columns if column.identity is not None]
    for name in dict.fromkeys(moving):
        if QualifiedName(schema, name) in catalog.relation_names:
            yield table_names.name_taken(QualifiedName(schema, name))


def _hide(place: Place, table: Table, new: QualifiedName) -> Step:
    """Before whatever else is hidden, which then goes by the final name."""
    old, aside = table.name, place.name("aside")
    return Step(
        id=place.id("hide"),
        part=Part.HIDE,
        title=f"move {old} to schema {new.schema}; the old place goes on as a view",
        statements=_exchange(here=old, there=new, aside=aside),
        undo=_exchange(here=new, there=old, aside=aside),
        done=second_name.is_table(new),
        turn=Turn.BEFORE,
    )


def _exchange(*, here: QualifiedName, there: QualifiedName, aside: str) -> tuple[Statement, ...]:
    """The table gets from here to there, and the view the other way."""
    return (
        second_name.rename_view(there, aside),
        _move(sql.SQL("TABLE"), here, there.schema),
        _move(sql.SQL("VIEW"), QualifiedName(there.schema, aside), here.schema),
        second_name.rename_view(QualifiedName(here.schema, aside), here.name),
    )


def _move(kind: sql.SQL, name: QualifiedName, schema: str) -> Statement:
    text = sql.SQL("ALTER {} {} SET SCHEMA {}").format(kind, identifier(name), sql.Identifier(schema))
    return Statement(text=render(text))

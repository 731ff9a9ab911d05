"""`drop_table`: a table that nobody uses any more goes, after its counters have been at rest.

    contract  hide: the table gets a name of ours, with all its rows and all that hangs on it; `revert` renames it back
              drop: DROP TABLE, without CASCADE

The gate `table_activity` stands in front of contract by itself; it has to pass for the plan's `hold`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.tables import drop_table_preflight, second_name
from crossfade.operations.tables.second_name import identifier
from crossfade.operations.tables.table_preflight import family_of, table_refusals
from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import DropTable
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: DropTable, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one drop against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    family = family_of(table, catalog)
    return Compiled(
        steps=(_hide(place, table), _drop(place, table)),
        refusals=tuple(drop_table_preflight.refusals(table, family)),
        cautions=tuple(drop_table_preflight.cautions(table, family)),
        catalog=_without(catalog, family),
    )


def _hide(place: Place, table: Table) -> Step:
    old, hidden = table.name, _hidden(place, table)
    return Step(
        id=place.id("hide"),
        part=Part.HIDE,
        title=f"take {old} out of reach under a name of crossfade's",
        statements=(
            _rename(old, hidden.name),
            _comment(hidden, place.mark),
        ),
        undo=(
            _comment(hidden, table.comment),
            _rename(hidden, old.name),
        ),
        done=second_name.is_table(hidden),
    )


def _drop(place: Place, table: Table) -> Step:
    hidden = _hidden(place, table)
    return Step(
        id=place.id("drop"),
        part=Part.DROP,
        title=f"drop what was {table.name}",
        statements=(Statement(text=render(sql.SQL("DROP TABLE IF EXISTS {}").format(identifier(hidden)))),),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(second_name.is_table(hidden)))),
    )


def _hidden(place: Place, table: Table) -> QualifiedName:
    return QualifiedName(table.name.schema, place.name("dropped"))


def _rename(table: QualifiedName, to: str) -> Statement:
    return Statement(text=render(sql.SQL("ALTER TABLE {} RENAME TO {}").format(identifier(table), sql.Identifier(to))))


def _comment(table: QualifiedName, comment: str | None) -> Statement:
    return Statement(text=render(sql.SQL("COMMENT ON TABLE {} IS {}").format(identifier(table), sql.Literal(comment))))


def _without(catalog: Catalog, family: tuple[Table, ...]) -> Catalog:
    for member in family:
        catalog = catalog.without_table(member.name)
    return catalog

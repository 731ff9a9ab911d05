"""`set_comment`: a table or a column gets another comment, in expand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns.column_in_place import find, ownership_refusals
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetComment
    from crossfade.postgres.catalog import Catalog, Table


def compile_change(change: SetComment, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where there is nothing to comment on."""
    if change.column is not None:
        target = find(change.table, change.column, place, catalog)
        if isinstance(target, tuple):
            return Compiled(refusals=target, catalog=catalog)
        step = _step(change, place, target.table, target.column.staged, target.column.comment)
        return Compiled(steps=(step,), catalog=target.changed(comment=change.comment or None))
    table = catalog.resolve(change.table.schema, change.table.name)
    unusable = tuple(table_refusals(change.table, catalog))
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    step = _step(change, place, table, None, table.comment)
    return Compiled(
        steps=(step,),
        refusals=tuple(ownership_refusals((table,))),
        catalog=catalog.with_table(replace(table, comment=change.comment or None)),
    )


def _step(change: SetComment, place: Place, table: Table, column: str | None, was: str | None) -> Step:
    relation = sql.Identifier(table.staged.schema, table.staged.name)
    on = sql.SQL("TABLE {}").format(relation)
    if column is not None:
        on = sql.SQL("COLUMN {}.{}").format(relation, sql.Identifier(column))

    def comment(text: str | None) -> Statement:
        value = sql.Literal(text) if text else sql.SQL("NULL")
        return Statement(text=render(sql.SQL("COMMENT ON {} IS {}").format(on, value)))

    return Step(
        id=place.id("comment"),
        part=Part.EXPAND,
        title=f"set the comment of {table.name if column is None else f'{column} of {table.name}'}",
        statements=(comment(change.comment),),
        undo=(comment(was),),
        done=_has_comment(table, column, change.comment),
    )


def _has_comment(table: Table, column: str | None, comment: str) -> str:
    relation = sql.Literal(render(sql.Identifier(table.staged.schema, table.staged.name)))
    described = sql.SQL("pg_catalog.obj_description(pg_catalog.to_regclass({}), 'pg_class')").format(relation)
    if column is not None:
        described = sql.SQL(
            "(SELECT pg_catalog.col_description(attrelid, attnum) FROM pg_catalog.pg_attribute "
            "WHERE attrelid = pg_catalog.to_regclass({}) AND attname = {})"
        ).format(relation, sql.Literal(column))
    return render(sql.SQL("SELECT {} IS NOT DISTINCT FROM nullif({}, '')").format(described, sql.Literal(comment)))

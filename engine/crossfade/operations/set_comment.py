"""`set_comment`: a table or a column gets another comment, in expand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.columns.column_in_place import find_to_set, ownership_refusals
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.tables.table_preflight import table_refusals
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetComment
    from crossfade.postgres.catalog import Catalog, Column, Table


def compile_change(change: SetComment, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where there is nothing to comment on."""
    if change.column is not None:
        target = find_to_set(change.table, change.column, place, catalog)
        if isinstance(target, tuple):
            return Compiled(refusals=target, catalog=catalog)
        part, turn = target.set_in
        comments = _Comments(target.table, target.column, part)
        step = replace(_step(change, place, comments, target.column.comment), turn=turn)
        column = replace(target.column, comment=change.comment or None)
        # What the partitions' columns are commented with is their own matter.
        columns = tuple(column if c.name == column.name else c for c in target.table.columns)
        return Compiled(steps=(step,), catalog=catalog.with_table(replace(target.table, columns=columns)))
    table = catalog.resolve(change.table.schema, change.table.name)
    unusable = tuple(table_refusals(change.table, catalog))
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    step = _step(change, place, _Comments(table, None, Part.EXPAND), table.comment)
    return Compiled(
        steps=(step,),
        refusals=tuple(ownership_refusals((table,))),
        catalog=catalog.with_table(replace(table, comment=change.comment or None)),
    )


@dataclass(frozen=True, slots=True)
class _Comments:
    """A table, or a column of it, by the names that it has while steps of a part run."""

    table: Table
    column: Column | None
    part: Part

    @property
    def relation(self) -> sql.Identifier:
        name = self.table.name if self.part is Part.HIDE else self.table.staged
        return sql.Identifier(name.schema, name.name)

    @property
    def column_name(self) -> str | None:
        if self.column is None:
            return None
        return self.column.name if self.part is Part.HIDE else self.column.staged

    @property
    def shown(self) -> str:
        return f"{self.table.name}" if self.column is None else f"{self.column.name} of {self.table.name}"

    def set(self, text: str | None) -> Statement:
        on = sql.SQL("TABLE {}").format(self.relation)
        if self.column_name is not None:
            on = sql.SQL("COLUMN {}.{}").format(self.relation, sql.Identifier(self.column_name))
        value = sql.Literal(text) if text else sql.SQL("NULL")
        return Statement(text=render(sql.SQL("COMMENT ON {} IS {}").format(on, value)))

    def are(self, comment: str) -> str:
        relation = sql.Literal(render(self.relation))
        described = sql.SQL("pg_catalog.obj_description(pg_catalog.to_regclass({}), 'pg_class')").format(relation)
        if self.column_name is not None:
            described = sql.SQL(
                "(SELECT pg_catalog.col_description(attrelid, attnum) FROM pg_catalog.pg_attribute "
                "WHERE attrelid = pg_catalog.to_regclass({}) AND attname = {})"
            ).format(relation, sql.Literal(self.column_name))
        return render(sql.SQL("SELECT {} IS NOT DISTINCT FROM nullif({}, '')").format(described, sql.Literal(comment)))


def _step(change: SetComment, place: Place, comments: _Comments, was: str | None) -> Step:
    return Step(
        id=place.id("comment"),
        part=comments.part,
        title=f"set the comment of {comments.shown}",
        statements=(comments.set(change.comment),),
        undo=(comments.set(was),),
        done=comments.are(change.comment),
    )

"""`set_generated`: a generated column is computed from something else, or becomes an ordinary one. Both in contract.

Another expression gives every version other values, and an ordinary column is one that an old version leaves empty, so
neither comes before the gates. An ordinary column cannot be made a generated one again: that step is the very last,
after `retain`, when nothing is taken back any more. Another expression of a stored column writes the table anew; of a
virtual one (PostgreSQL 18) it is a change of the catalog.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.acks import REWRITE
from crossfade.operations.columns.column_in_place import find
from crossfade.operations.columns.column_preflight import SMALL_TABLE
from crossfade.operations.step import Compiled, Part, Step
from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.columns.column_in_place import InPlace
    from crossfade.operations.step import Place
    from crossfade.plan.changes import SetGenerated
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, Column

_FIRST_WITH_SET_EXPRESSION = 170000


def compile_change(change: SetGenerated, place: Place, catalog: Catalog) -> Compiled:
    """The step against a catalog; refusals instead where PostgreSQL cannot do it in place."""
    target = find(change.table, change.column, place, catalog)
    if isinstance(target, tuple):
        return Compiled(refusals=target, catalog=catalog)
    if target.column.generated is None:
        return Compiled(refusals=(_ordinary(target),), catalog=catalog)
    if change.expression is None:
        return _dropped(target)
    return _computed(target, change.expression)


def _ordinary(target: InPlace) -> Refusal:
    return Refusal(
        code="not_generated",
        object=target.shown,
        message="it is an ordinary column.",
        instead="Add a generated column (add_column with `generated`), and drop this one.",
    )


def _dropped(target: InPlace) -> Compiled:
    step = Step(
        id=target.place.id("ordinary"),
        part=Part.DROP,
        title=f"make {target.column.name} of {target.table.name} an ordinary column, with the values that it has",
        statements=(target.alter_column(Part.DROP, sql.SQL("DROP EXPRESSION")),),
        done=target.done(Part.DROP, "attgenerated = ''"),
    )
    refusals = () if target.column.generated == "stored" else (_virtual(target),)
    return Compiled(
        steps=(step,), refusals=refusals, catalog=target.changed(generated=None, generation_expression=None)
    )


def _virtual(target: InPlace) -> Refusal:
    return Refusal(
        code="generated_column",
        object=target.shown,
        message="it is a virtual generated column, which has no values that it could keep.",
        instead="Add an ordinary column with `fill`, and drop this one.",
    )


def _computed(target: InPlace, expression: Expression) -> Compiled:
    step = Step(
        id=target.place.id("expression"),
        part=Part.HIDE,
        title=f"compute {target.column.name} of {target.table.name} from {expression.text}",
        statements=(USERS_PATH, target.alter_column(Part.HIDE, _set(expression.sql)), OUR_PATH),
        # It may be one that an earlier change of the plan has made it.
        undo=(USERS_PATH, *target.each_back(Part.HIDE, _as_before), OUR_PATH),
        done=target.done(Part.HIDE, "attgenerated <> ''"),
    )
    return Compiled(
        steps=(step,),
        refusals=tuple(_refusals(target)),
        trials=(_trial(target, expression),),
        catalog=target.changed(generation_expression=expression.sql),
    )


def _as_before(column: Column) -> sql.Composable:
    return _set(column.generation_expression or "NULL")


def _set(expression: str) -> sql.Composable:
    return sql.SQL("SET EXPRESSION AS ({})").format(sql.SQL(expression))


def _refusals(target: InPlace) -> Iterator[Refusal]:
    column, table, catalog = target.column, target.table, target.catalog
    if catalog.server_version < _FIRST_WITH_SET_EXPRESSION:
        yield Refusal(
            code="server_version",
            object=target.shown,
            message=f"PostgreSQL can do that from 17 on; this server is {catalog.server_version_text}.",
            instead="Add a second generated column with the new expression, move the readers, and drop this one.",
        )
    elif column.generated == "stored" and table.size_bytes > SMALL_TABLE:
        yield Refusal(
            code="rewrite",
            object=target.shown,
            message=f"it is a stored column: computing it anew writes the table ({table.size_bytes // 2**20} MB) anew "
            "while reads and writes wait.",
            instead="Add an ordinary column with `fill`, move the readers, and drop this one.",
            ack=REWRITE,
        )


def _trial(target: InPlace, expression: Expression) -> Trial:
    """The expression as a generated column of an empty table, which is how the server knows whether it may be one."""
    column = target.column
    kind = sql.SQL("STORED" if column.generated == "stored" else "VIRTUAL")
    statement = sql.SQL("ALTER TABLE {} ADD COLUMN {} {} GENERATED ALWAYS AS ({}) {}").format(
        sql.SQL(TRIAL_TABLE), sql.Identifier(column.name), sql.SQL(column.type), sql.SQL(expression.sql), kind
    )
    return Trial(
        where=f"expression of set_generated on {target.table.name}",
        shown=expression.text,
        columns=tuple(_ordinary_columns(target.table.columns, column)),
        statement=render(statement),
    )


def _ordinary_columns(columns: tuple[Column, ...], but: Column) -> Iterator[tuple[str, str]]:
    """What a generated column can be computed from."""
    yield from ((c.name, c.type) for c in columns if c.name != but.name and c.generated is None)

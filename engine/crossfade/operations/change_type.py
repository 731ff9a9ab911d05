"""`change_type`: a column gets another type.

    in place   where PostgreSQL neither rewrites nor reads the table for it: one statement in expand
    else       a column of the new type beside it (`exchange`), which takes its place at contract; with `into` it has a
               name of its own, so that old and new versions of the app work side by side

Without `into` every live version has to work with either type: nothing tells an old write from a new one, and the swap
at contract is what every session sees at once. Drivers do for int → bigint or varchar → text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations import carrying, conversions, exchange_preflight, sameness
from crossfade.operations.converted_sync import Conversion, ShapeSync
from crossfade.operations.exchange import Exchange, Twin, alter_table, exchange_steps
from crossfade.operations.own_names import mark, own_name
from crossfade.operations.step import TRIAL_TABLE, Caution, Compiled, Part, Step, Trial
from crossfade.operations.table_preflight import descendants_by_inheritance
from crossfade.postgres.forecast.type_change import judge
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.changes import ChangeType
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, Column, DataType, Table


def compile_change(change: ChangeType, place: Place, catalog: Catalog) -> Compiled:
    """The steps of one change of type against a catalog; refusals instead where it cannot be done."""
    found = exchange_preflight.find(change.table, change.column, catalog)
    if isinstance(found, tuple):
        return Compiled(refusals=found, catalog=catalog)
    table, column = found.table, found.column
    data_type = catalog.type(change.to.sql)
    if data_type is None:
        return Compiled(refusals=(_no_type(change, catalog),), catalog=catalog)
    if _is_in_place(change, table, column, catalog):
        return _in_place(place, table, column, data_type, catalog)
    return _exchanged(change, place, table, column, data_type, catalog)


def _no_type(change: ChangeType, catalog: Catalog) -> Refusal:
    return Refusal(
        code="no_such_type",
        object=change.to.text,
        message=f"there is no type {change.to.text} in database {catalog.database}.",
        instead=f"Names are looked up on the search_path ({', '.join(catalog.search_path)}); write others with their "
        "schema. A modifier has to be one that the type takes.",
    )


def _is_in_place(change: ChangeType, table: Table, column: Column, catalog: Catalog) -> bool:
    if change.into is not None or change.using is not None or change.reverse is not None:
        return False
    effect = judge(
        column,
        change.to.sql,
        None,
        table=table,
        server_version=catalog.server_version,
        time_zone=catalog.time_zone,
        domains=catalog.domains,
    )
    return not (effect.rewrites or effect.scans or effect.rebuilds_indexes)


def _in_place(place: Place, table: Table, column: Column, data_type: DataType, catalog: Catalog) -> Compiled:
    refusals, moves = exchange_preflight.in_place(table, column, catalog)
    becomes = sql.SQL("ALTER COLUMN {} TYPE {}")
    name = sql.Identifier(column.name)
    step = Step(
        id=place.id("type"),
        part=Part.EXPAND,
        title=f"make {column.name} of {table.name} {data_type.spelling}; no row is touched",
        statements=(*moves.before, alter_table(table, becomes.format(name, sql.SQL(data_type.spelling))), *moves.after),
        undo=(*moves.before, alter_table(table, becomes.format(name, sql.SQL(_spelled(column)))), *moves.after),
        done=_has_type(table, column, data_type),
    )
    return Compiled(
        steps=(step,),
        refusals=refusals,
        cautions=(
            Caution(
                code="undo_rewrites",
                object=f"{table.name}.{column.name}",
                message=f"done in a moment, but rolling it back to {column.type} may read or rewrite the table while "
                "reads and writes wait, and fails if a value does not fit any more.",
            ),
        ),
        catalog=catalog.with_table(retyped(table, column, data_type)),
    )


def _spelled(column: Column) -> str:
    """The type, with the collation where it is not the type's own."""
    if column.collation is None:
        return column.type
    collation = sql.Identifier(column.collation.schema, column.collation.name)
    return render(sql.SQL("{} COLLATE {}").format(sql.SQL(column.type), collation))


def _has_type(table: Table, column: Column, data_type: DataType) -> str:
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) "
            "AND attname = {} AND pg_catalog.format_type(atttypid, atttypmod) = {})"
        ).format(
            sql.Literal(render(sql.Identifier(table.name.schema, table.name.name))),
            sql.Literal(column.name),
            sql.Literal(data_type.spelling),
        )
    )


def retyped(table: Table, column: Column, data_type: DataType, name: str | None = None) -> Table:
    """The table with the column of another type, and name if one is given."""
    other = replace(
        column,
        name=name or column.name,
        type=data_type.spelling,
        type_name=data_type.name,
        type_category=data_type.category,
        base_type=data_type.base,
        domain_constrained=data_type.constrained,
    )
    return replace(table, columns=tuple(other if c.name == column.name else c for c in table.columns))


def _exchanged(
    change: ChangeType, place: Place, table: Table, column: Column, data_type: DataType, catalog: Catalog
) -> Compiled:
    twin = Twin(
        column=column,
        name=change.into or own_name("twin", place.plan, table.name.schema, table.name.name, column.name),
        final=change.into or column.name,
        hidden=own_name("old", place.plan, table.name.schema, table.name.name, column.name),
        type=data_type,
        keeps_null_out=_never_fails(data_type, column),
    )
    exchange = Exchange(place=place, table=table, catalog=catalog, twins=(twin,))
    refusals, cautions = exchange_preflight.check(exchange)
    made = exchange_steps(exchange, _sync(change, exchange, twin), carrying.carried(exchange))
    return Compiled(
        steps=made.steps,
        rows=made.rows,
        refusals=(*refusals, *made.refusals),
        cautions=(*cautions, *made.cautions, *_same_name(change, table)),
        trials=tuple(_trials(change, exchange, twin)),
        catalog=catalog.with_table(_afterwards(table, twin, place)),
    )


def _never_fails(source: DataType, target: Column) -> bool:
    return conversions.never_fails(source.base, target.base_type, modified="(" in target.type)


def _sync(change: ChangeType, exchange: Exchange, twin: Twin) -> ShapeSync:
    column, table = twin.column, exchange.table
    types = {c.name: c.type for c in table.columns}
    forward_fails = change.using is not None or not conversions.never_fails(
        column.base_type, twin.type.base, modified="(" in twin.type.spelling
    )
    new = Conversion(
        column=twin.name,
        type=twin.type.spelling,
        exact=sameness.is_exact_type(twin.type),
        source=_source(change.using, column.name),
        expression=change.using.sql if change.using else None,
        fallible=forward_fails or twin.type.constrained,
    )
    reverse = _over_twin(change, twin)
    old = Conversion(
        column=column.name,
        type=column.type,
        exact=sameness.is_exact(column),
        source=_source(reverse, twin.name),
        expression=reverse.sql if reverse else None,
        fallible=reverse is not None or not twin.keeps_null_out,
    )
    return ShapeSync(
        place=exchange.place,
        table=table.name,
        members=(table.name, *descendants_by_inheritance(exchange.catalog, table)),
        types=types | {twin.name: twin.type.spelling},
        old=(old,),
        new=(new,),
        told_apart=change.into is not None,
        lossless=change.using is None
        and change.reverse is None
        and conversions.loses_nothing(column.base_type, twin.type.base, modified="(" in twin.type.spelling)
        and new.exact
        and old.exact,
    )


def _source(expression: Expression | None, column: str) -> tuple[str, ...]:
    return (column,) if expression is None else expression.columns


def _over_twin(change: ChangeType, twin: Twin) -> Expression | None:
    """The plan's `reverse`, in which the column's name means the twin if it keeps its name."""
    if change.reverse is None or change.into is not None:
        return change.reverse
    return change.reverse.over({twin.column.name: twin.name})


def _trials(change: ChangeType, exchange: Exchange, twin: Twin) -> Iterator[Trial]:
    """The conversions both ways, and the default, on an empty table with both columns."""
    table, column = exchange.table, twin.column
    columns = (*((c.name, c.type) for c in table.columns), (twin.name, twin.type.spelling))
    for key, target, source, expression in (
        ("using", twin.name, column.name, change.using),
        ("reverse", column.name, twin.name, _over_twin(change, twin)),
    ):
        written = change.reverse if key == "reverse" else change.using
        value = sql.Identifier(source) if expression is None else sql.SQL("({})").format(sql.SQL(expression.sql))
        yield Trial(
            where=f"{key} of change_type on {table.name}",
            shown=written.text if written else f"{source} assigned to {target}",
            columns=columns,
            statement=render(
                sql.SQL("UPDATE {} SET {} = {}").format(sql.SQL(TRIAL_TABLE), sql.Identifier(target), value)
            ),
            value=expression.sql if expression else None,
            functions=expression.functions if expression else (),
        )
    if column.default is not None:
        action = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
            sql.SQL(TRIAL_TABLE), sql.Identifier(twin.name), sql.SQL(column.default.expression)
        )
        yield Trial(
            where=f"default of {table.name}.{column.name}",
            shown=column.default.expression,
            columns=columns,
            statement=render(action),
        )


def _same_name(change: ChangeType, table: Table) -> Iterator[Caution]:
    if change.into is None:
        yield Caution(
            code="same_name",
            object=f"{table.name}.{change.column}",
            message="the column keeps its name, so every live version has to work with both types: it is "
            f"{change.to.text} for all of them from one moment to the next at contract. A session that prepared a "
            "query that gives this column gets `cached plan must not change result type`. With `into` each version has "
            "a column of its own.",
        )


def _afterwards(table: Table, twin: Twin, place: Place) -> Table:
    changed = retyped(table, twin.column, twin.type, twin.final)
    # The mark says to the plan's later changes that this one works on the column until the run is over.
    return replace(
        changed,
        columns=tuple(
            replace(c, comment=mark(place.plan), until_contract=twin.name) if c.name == twin.final else c
            for c in changed.columns
        ),
    )

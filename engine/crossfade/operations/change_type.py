"""`change_type`: a column gets another type.

    in place   where PostgreSQL neither rewrites nor reads the table for it: one statement in expand
    else       a column of the new type beside it (`exchange`), which takes its place at contract; with `into` it has a
               name of its own, so that old and new versions of the app work side by side

With `follow_references` the columns that reference it become twins too: `change_type_keys`.

Without `into` every live version has to work with either type: nothing tells an old write from a new one, and the swap
at contract is what every session sees at once. Drivers do for int → bigint or varchar → text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns import named_columns
from crossfade.operations.columns.column_in_place import storage_back
from crossfade.operations.columns.constant_value import no_null
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Caution, Compiled, Part, Step
from crossfade.operations.sync import constants, conversions, literals, sameness
from crossfade.operations.sync.shape_sync import Conversion, ShapeSync
from crossfade.operations.tables.table_preflight import descendants_by_inheritance, family_of
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.operations.twins import carrying, change_type_keys, exchange_preflight
from crossfade.operations.twins.carry import foreign_keys
from crossfade.operations.twins.carry.default import of_twin
from crossfade.operations.twins.change_type_keys import Key
from crossfade.operations.twins.exchange import Exchange, alter_table, exchange_steps
from crossfade.operations.twins.type_twin import assigned, family_afterwards, retyped, same_name, twin_of
from crossfade.operations.views import recreate
from crossfade.postgres.catalog import Default
from crossfade.postgres.forecast.type_change import judge
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.operations.twins.exchange import Twin
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
        return Compiled(refusals=(made_types.no_such_type(change.to, catalog),), catalog=catalog)
    useless = (
        *_unseen(change, place, table),
        *_same_type(change, table, column, data_type),
        *no_null(column, f"using of change_type on {table.name}", change.using),
        *no_null(column, f"reverse of change_type on {table.name}", change.reverse),
    )
    if useless:
        return Compiled(refusals=useless, catalog=catalog)
    if change.follow_references and table.incoming_foreign_keys:
        return change_type_keys.compile_keys(Key(table, column, data_type), place, catalog)
    if _is_in_place(change, table, column, catalog):
        return _in_place(place, table, column, data_type, catalog)
    return _exchanged(change, place, table, column, data_type, catalog)


def _unseen(change: ChangeType, place: Place, table: Table) -> Iterator[Refusal]:
    """What the expressions name and cannot see; only `reverse` sees the new column by a name of its own."""
    columns = [c.name for c in table.columns]
    with_new = columns if change.into is None else [*columns, change.into]
    yield from named_columns.unknown(
        place, table, (("using", change.using, columns), ("reverse", change.reverse, with_new))
    )


def _same_type(change: ChangeType, table: Table, column: Column, data_type: DataType) -> Iterator[Refusal]:
    converted = change.using is not None or change.reverse is not None or change.into is not None
    if data_type.spelling == column.type and column.collation is None and not converted:
        yield Refusal(
            code="nothing_to_do",
            object=f"{table.name}.{column.name}",
            message=f"it is {column.type} already.",
            instead="Take the change out of the plan.",
        )


def _is_in_place(change: ChangeType, table: Table, column: Column, catalog: Catalog) -> bool:
    if change.into is not None or change.using is not None or change.reverse is not None:
        return False
    if any(view.kind == "materialized view" for view in recreate.over(catalog, table, [column.name])):
        # It would be empty until it is refilled.
        return False
    if any(member.row_type_columns for member in family_of(table, catalog)):
        # PostgreSQL lets no column have another type then, in place or not.
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
        undo=(
            *moves.before,
            alter_table(table, becomes.format(name, sql.SQL(_spelled(column)))),
            *storage_back(family_of(table, catalog), column.name),
            *moves.after,
        ),
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
        trials=tuple(foreign_keys.altered_trials(family_of(table, catalog), column, data_type, catalog)),
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


def _exchanged(
    change: ChangeType, place: Place, table: Table, column: Column, data_type: DataType, catalog: Catalog
) -> Compiled:
    twin = replace(
        twin_of(column, table, data_type, place, into=change.into),
        of_default=change.using if _makes_a_default(change, table, column, data_type, catalog) else None,
    )
    exchange = Exchange(place=place, table=table, catalog=catalog, twins=(twin,))
    refusals, cautions = exchange_preflight.check(exchange)
    made = exchange_steps(exchange, _sync(change, exchange, twin), carrying.carried(exchange))
    return Compiled(
        steps=made.steps,
        rows=made.rows,
        refusals=(*refusals, *made.refusals),
        cautions=(*cautions, *made.cautions, *_about_writes(change, twin, table)),
        trials=(*_trials(change, exchange, twin), *made.trials),
        catalog=_with_default(family_afterwards(catalog, table, twin), table, twin),
    )


def _makes_a_default(change: ChangeType, table: Table, column: Column, data_type: DataType, catalog: Catalog) -> bool:
    """Whether `using` says what becomes of the default: to an enum nothing is assigned, as text is to other types."""
    found = _defaults(table, column.name, catalog)
    alone = change.using is not None and {*change.using.columns} <= {column.name}
    return data_type.category == "E" and alone and all(constants.is_constant(text) for text in found)


def _defaults(table: Table, name: str, catalog: Catalog) -> tuple[str, ...]:
    """The column's, and those that partitions and children have of their own; each once."""
    columns = (found for member in family_of(table, catalog) if (found := member.column(name)) is not None)
    return tuple(dict.fromkeys(c.default.expression for c in columns if c.default is not None))


def _with_default(catalog: Catalog, table: Table, twin: Twin) -> Catalog:
    """What a later change of the plan finds as its default; a partition or child may have one of its own."""
    if twin.of_default is None:
        return catalog
    for member in family_of(catalog.table(table.name) or table, catalog):
        column = member.column(twin.final)
        if column is not None and column.default is not None:
            made = Default(expression=of_twin(twin, column.default.expression), of_plan=True)
            columns = (replace(c, default=made) if c is column else c for c in member.columns)
            catalog = catalog.with_table(replace(member, columns=tuple(columns)))
    return catalog


def _about_writes(change: ChangeType, twin: Twin, table: Table) -> Iterator[Caution]:
    if change.into is None:
        yield from same_name(twin, table)
    else:
        yield from exchange_preflight.unseen_inserts(table, twin.column)


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
        expression=literals.typed(change.using.sql, twin.type.spelling, twin.type.base) if change.using else None,
        fallible=forward_fails or twin.type.constrained,
    )
    reverse = _over_twin(change, twin)
    old = Conversion(
        column=column.name,
        type=column.type,
        exact=sameness.is_exact(column),
        source=_source(reverse, twin.name),
        expression=literals.typed(reverse.sql, column.type, column.base_type) if reverse else None,
        fallible=reverse is not None or not twin.keeps_null_out,
        default=constants.constant_default(column),
        generates=constants.generates(column),
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
    called = () if change.into else ((twin.name, column.name),)
    for key, target, source, expression in (
        ("using", twin.name, column.name, change.using),
        ("reverse", column.name, twin.name, _over_twin(change, twin)),
    ):
        written = change.reverse if key == "reverse" else change.using
        value = sql.Identifier(source) if expression is None else sql.SQL("({})").format(sql.SQL(expression.sql))
        yield Trial(
            where=f"{key} of change_type on {table.name}",
            shown=written.text if written else assigned(twin, column, back=key == "reverse"),
            columns=columns,
            statement=render(
                sql.SQL("UPDATE {} SET {} = {}").format(sql.SQL(TRIAL_TABLE), sql.Identifier(target), value)
            ),
            value=expression.sql if expression else None,
            functions=expression.functions if expression else (),
            called=called,
            instead=f"Say by `{key}` how the value comes about." if expression is None else None,
        )
    for default in _defaults(table, column.name, exchange.catalog):
        action = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
            sql.SQL(TRIAL_TABLE), sql.Identifier(twin.name), sql.SQL(of_twin(twin, default))
        )
        yield Trial(
            where=f"default of {table.name}.{column.name}",
            shown=default,
            columns=columns,
            statement=render(action),
            called=called,
            instead="Drop it first (drop_default), and give the column one of the new type afterwards (set_default).",
        )

"""`remove_enum_values`: an enum loses values, which PostgreSQL has no statement for. Another enum takes its place.

    expand    the successor (`enum_twin`), and in every table a twin of it beside each column of the enum, kept in step
    backfill  rows are converted: a value that goes becomes what `map` says
    contract  one transaction exchanges the columns of all tables and the names of the types; then the old ones go

Until contract every version may write the values that go, and reads them; the twin has what `map` makes of them. A row
that nobody changes keeps its old value in the hidden column, so that a revert brings it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Caution, Compiled, Part, Step, Turn
from crossfade.operations.sync.shape_sync import Conversion, ShapeSync
from crossfade.operations.tables.table_preflight import descendants_by_inheritance
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.operations.twins import carrying, enum_twin, enum_uses, exchange_preflight
from crossfade.operations.twins.enum_twin import EnumTwin
from crossfade.operations.twins.exchange import Exchange, Exchanged, exchange_steps, in_order
from crossfade.operations.twins.type_twin import family_afterwards, twin_of
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.operations.twins.exchange import Twin
    from crossfade.plan.changes import RemoveEnumValues
    from crossfade.postgres.catalog import Catalog, DataType


def compile_change(change: RemoveEnumValues, place: Place, catalog: Catalog) -> Compiled:
    """The steps for the enum and all its columns; refusals instead where it cannot be done."""
    enum = catalog.type(change.type.sql)
    if enum is None:
        return Compiled(refusals=(made_types.no_such_type(change.type, catalog),), catalog=catalog)
    refusals = tuple(_refusals(change, enum))
    if refusals:
        return Compiled(refusals=refusals, catalog=catalog)
    successor = EnumTwin(
        place=place, enum=enum, labels=tuple(label for label in enum.labels if label not in change.map_)
    )
    exchanges = tuple(_exchanges(successor, catalog))
    checked = tuple(exchange_preflight.check(exchange) for exchange in exchanges)
    made = tuple(exchange_steps(e, _sync(change, successor, e), carrying.carried(e)) for e in exchanges)
    refusals = (
        *(_in_our_words(r) for found, _ in checked for r in found),
        *(r for m in made for r in m.refusals),
        *enum_uses.refusals(enum, exchanges),
        *(r for e in exchanges for r in _without_value(change, e)),
    )
    return Compiled(
        steps=_steps(successor, made),
        rows=tuple(r for m in made for r in m.rows),
        refusals=refusals,
        cautions=(
            _caution(change, enum),
            *enum_twin.cautions(successor),
            *(c for _, cautions in checked for c in cautions),
            *(c for m in made for c in m.cautions),
        ),
        # What cannot go over would be refused once more.
        trials=() if refusals else tuple(_trials(successor, exchanges, made)),
        catalog=_afterwards(successor, exchanges, catalog),
    )


def _refusals(change: RemoveEnumValues, enum: DataType) -> Iterator[Refusal]:
    yield from made_types.enum_refusals(enum)
    named = dict.fromkeys((*change.map_, *(v for v in change.map_.values() if v is not None)))
    if enum.labels:
        yield from (made_types.no_such_value(enum, value) for value in named if value not in enum.labels)
    if not enum.owner:
        yield Refusal(
            code="not_together",
            object=str(enum.name),
            message="an earlier change of this plan makes it.",
            instead="Make it without the values that go.",
        )


def _without_value(change: RemoveEnumValues, exchange: Exchange) -> Iterator[Refusal]:
    """Columns that have to have a value where the map has none."""
    emptied = [value for value, instead in change.map_.items() if instead is None]
    for twin in exchange.twins:
        if emptied and (twin.column.not_null or exchange.is_of_key(twin)):
            yield Refusal(
                code="null_not_allowed",
                object=f"{exchange.table.name}.{twin.column.name}",
                message=f"{', '.join(emptied)} becomes NULL, and the column is NOT NULL.",
                instead="Map it to a value that stays, or add drop_not_null in a plan of its own.",
            )


def _in_our_words(refusal: Refusal) -> Refusal:
    if refusal.code != "referenced_key":
        return refusal
    return replace(refusal, instead="Drop the foreign key first, and add it again after contract.")


def _exchanges(successor: EnumTwin, catalog: Catalog) -> Iterator[Exchange]:
    """Each table with a column of the enum that it does not have from a parent."""
    for table in catalog.tables:
        columns = [c for c in table.columns if c.type_name == successor.enum.name and not c.inherited_count]
        if columns and table.kind in ("table", "partitioned") and not table.is_temporary:
            place = replace(successor.place, table=str(table.name))
            yield Exchange(
                place=place,
                table=table,
                catalog=catalog,
                twins=tuple(twin_of(c, table, successor.type, place) for c in columns),
                types={successor.enum.name: successor.name},
            )


def _sync(change: RemoveEnumValues, successor: EnumTwin, exchange: Exchange) -> ShapeSync:
    table = exchange.table
    spelling = successor.type.spelling
    return ShapeSync(
        place=exchange.place,
        table=table.name,
        members=(table.name, *descendants_by_inheritance(exchange.catalog, table)),
        types={c.name: c.type for c in table.columns} | {t.name: spelling for t in exchange.twins},
        old=tuple(_conversion(t.column.name, t.column.type, t.name, {}) for t in exchange.twins),
        new=tuple(_conversion(t.name, spelling, t.column.name, change.map_) for t in exchange.twins),
        told_apart=False,
    )


def _conversion(column: str, spelling: str, source: str, mapped: dict[str, str | None]) -> Conversion:
    """By the text of the value, so that one which is added to an enum meanwhile fails rather than is lost."""
    value = sql.Identifier(source)
    same = sql.SQL("{}::pg_catalog.text::{}").format(value, sql.SQL(spelling))
    cases = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(gone), sql.Literal(instead)) for gone, instead in mapped.items()
    )
    return Conversion(
        column=column,
        type=spelling,
        exact=True,
        source=(source,),
        expression=render(sql.SQL("CASE {} {} ELSE {} END").format(value, cases, same) if mapped else same),
    )


def _steps(successor: EnumTwin, made: tuple[Exchanged, ...]) -> tuple[Step, ...]:
    """The steps of all tables, with one that hides in place of one for each, between those of the type."""
    steps = tuple(s for m in made for s in m.steps)
    return (
        enum_twin.create(successor),
        *(s for s in steps if s.part in (Part.EXPAND, Part.SEAL)),
        *(s for s in steps if s.part is Part.HIDE and s.turn is Turn.BEFORE),
        _hide(successor, made),
        *(s for s in steps if s.part is Part.HIDE and s.turn is Turn.AFTER),
        *(s for s in steps if s.part is Part.DROP),
        enum_twin.drop(successor),
    )


def _hide(successor: EnumTwin, made: tuple[Exchanged, ...]) -> Step:
    """What is read again from its text then finds, under the enum's name, the type that its column has."""
    hide = in_order(*(m.aside for m in made), enum_twin.take_name(successor), *(m.taken for m in made))
    titles = (s.title for m in made for s in m.steps if s.part is Part.HIDE and s.turn is Turn.AMONG)
    return Step(
        id=successor.place.id("hide"),
        part=Part.HIDE,
        title="; ".join((*titles, f"{successor.enum.name} is the enum without the values that go")),
        statements=hide.do,
        undo=hide.undo,
        done=made_types.exists(successor.hidden),
    )


def _caution(change: RemoveEnumValues, enum: DataType) -> Caution:
    becomes = ", ".join(f"{gone} becomes {'NULL' if to is None else to}" for gone, to in change.map_.items())
    return Caution(
        code="same_name",
        object=str(enum.name),
        message=f"the enum and its columns keep their names: for every live version {becomes} from one moment to the "
        f"next at contract, and a statement or function that still names {', '.join(change.map_)} fails from then on. "
        "A session that prepared a query that gives such a column gets `cached plan must not change result type`; a "
        "write of it that was prepared fails until it is prepared anew; and "
        "a driver that keeps the type's OID (psycopg's register_enum, Npgsql) has to look it up anew.",
    )


def _trials(successor: EnumTwin, exchanges: tuple[Exchange, ...], made: tuple[Exchanged, ...]) -> Iterator[Trial]:
    """What hangs on the columns, over the enum as it is going to be."""
    where = f"remove_enum_values of {successor.enum.name}"
    own = Trial(where=where, shown=", ".join(successor.labels), columns=(), statement="SELECT")
    defaults = (_default(exchange, twin) for exchange in exchanges for twin in exchange.twins)
    until, users = successor.type.spelling, successor.enum.spelling
    for trial in (own, *(t for each in defaults for t in each), *(t for m in made for t in m.trials)):
        columns = tuple((name, users if spelling == until else spelling) for name, spelling in trial.columns)
        yield replace(trial, columns=columns, prelude=successor.prelude)


def _default(exchange: Exchange, twin: Twin) -> Iterator[Trial]:
    for member in exchange.family:
        column = member.column(twin.column.name)
        if column is not None and column.default is not None:
            text = sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {}").format(
                sql.SQL(TRIAL_TABLE), sql.Identifier(column.name), sql.SQL(column.default.expression)
            )
            yield Trial(
                where=f"default of {member.name}.{column.name}",
                shown=column.default.expression,
                columns=((column.name, twin.type.spelling),),
                statement=render(text),
            )


def _afterwards(successor: EnumTwin, exchanges: tuple[Exchange, ...], catalog: Catalog) -> Catalog:
    for exchange in exchanges:
        for twin in exchange.twins:
            catalog = family_afterwards(catalog, exchange.table, replace(twin, type=successor.afterwards))
    return catalog.with_type(successor.afterwards)

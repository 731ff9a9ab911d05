"""Columns that are split or merged: m old ones become n new ones of other names, and both versions work side by side.

    expand    the new columns, kept in step with the old ones by triggers, both ways
    backfill  rows of before are converted; planner statistics
    contract  hide: the old columns step aside under names of ours and follow the new ones, so that `revert` only
              renames back; drop: they and the triggers go

What hangs on an old column (indexes, constraints) goes with it, as with a plain DROP COLUMN, and is named before; what
DROP COLUMN would want CASCADE for is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.columns import drop_column_preflight, named_columns
from crossfade.operations.columns.column_preflight import (
    name_refusals,
    no_column,
    order_refusals,
    own_triggers,
    replication_refusals,
    rewrite_refusals,
    right_refusals,
    row_type_refusals,
    shape_refusals,
)
from crossfade.operations.data_types import made_types
from crossfade.operations.step import Caution, Compiled, Dropped, Part, RowChange, Step
from crossfade.operations.sync import constants, converted_sync, literals, sameness, shape_looks
from crossfade.operations.sync.plan_defaults import readable
from crossfade.operations.sync.shape_sync import Conversion, ShapeSync
from crossfade.operations.tables.table_preflight import (
    descendants_by_inheritance,
    family_of,
    other_runs,
    table_refusals,
)
from crossfade.operations.trial import TRIAL_TABLE, Trial
from crossfade.operations.twins import exchange_preflight, not_null_back
from crossfade.operations.twins.exchange import (
    add_column,
    alter_table,
    analyze,
    column_exists,
    drop_column,
    negated,
    rename_column,
)
from crossfade.operations.twins.not_null_back import NotNullBack
from crossfade.postgres.catalog import Column
from crossfade.postgres.own_names import own_name
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.plan.expressions import Expression
    from crossfade.plan.names import TableName
    from crossfade.plan.types import SqlType
    from crossfade.postgres.catalog import Catalog, DataType, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class NewColumn:
    """A column that the change makes."""

    name: str
    type: SqlType
    using: Expression
    """Over the columns that were there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshaping:
    """What the plan says: which columns become which."""

    table: TableName
    old: tuple[str, ...]
    new: tuple[NewColumn, ...]
    reverse: Mapping[str, Expression]
    """Each old column over the new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reshape:
    """The same against its catalog."""

    place: Place
    table: Table
    catalog: Catalog
    old: tuple[Column, ...]
    new: tuple[tuple[NewColumn, DataType], ...]
    reverse: Mapping[str, Expression]

    def hidden(self, column: Column) -> str:
        return own_name("old", self.place.plan, self.table.name.schema, self.table.name.name, column.name)

    def back(self, column: Column) -> NotNullBack:
        return NotNullBack(place=self.place, table=self.table, column=column, hidden=self.hidden(column))

    @property
    def new_names(self) -> str:
        return ", ".join(n.name for n, _ in self.new)

    @property
    def old_names(self) -> str:
        return ", ".join(c.name for c in self.old)


def compile_reshaping(change: Reshaping, place: Place, catalog: Catalog) -> Compiled:
    """The steps against a catalog; refusals instead where it cannot be done."""
    unusable = tuple(table_refusals(change.table, catalog))
    table = catalog.resolve(change.table.schema, change.table.name)
    if unusable or table is None:
        return Compiled(refusals=unusable, catalog=catalog)
    missing = tuple(no_column(table, name) for name in change.old if table.column(name) is None)
    unknown = tuple(
        made_types.no_such_type(new.type, catalog) for new in change.new if catalog.type(new.type.sql) is None
    )
    unseen = tuple(_unseen(change, place, table))
    if missing or unknown or unseen:
        return Compiled(refusals=(*missing, *unknown, *unseen), catalog=catalog)
    reshape = _Reshape(
        place=place,
        table=table,
        catalog=catalog,
        old=tuple(c for name in change.old if (c := table.column(name))),
        new=tuple((n, t) for n in change.new if (t := catalog.type(n.type.sql))),
        reverse=change.reverse,
    )
    return _compiled(reshape)


def _unseen(change: Reshaping, place: Place, table: Table) -> Iterator[Refusal]:
    """What the expressions name and cannot see; only those of `reverse` see the new columns."""
    columns = [c.name for c in table.columns]
    both = [*columns, *(new.name for new in change.new)]
    usings = ((f"using of {new.name}", new.using, columns) for new in change.new)
    reverses = ((f"reverse of {name}", expression, both) for name, expression in change.reverse.items())
    yield from named_columns.unknown(place, table, (*usings, *reverses))


def _compiled(reshape: _Reshape) -> Compiled:
    sync = _sync(reshape)
    given_up = [c for c in reshape.old if c.not_null]
    return Compiled(
        steps=(
            _add(reshape, sync),
            analyze(reshape.place, reshape.table, tuple(n.name for n, _ in reshape.new)),
            *(step for column in given_up for step in not_null_back.steps(reshape.back(column))),
            _hide(reshape, sync),
            _drop(reshape, sync),
        ),
        rows=(_rows(reshape, sync),),
        refusals=tuple(_refusals(reshape)),
        cautions=tuple(_cautions(reshape)),
        trials=tuple(_trials(reshape)),
        catalog=_afterwards(reshape),
    )


def _sync(reshape: _Reshape) -> ShapeSync:
    table = reshape.table
    types = {c.name: c.type for c in table.columns} | {n.name: t.spelling for n, t in reshape.new}
    return ShapeSync(
        place=reshape.place,
        table=table.name,
        members=(table.name, *descendants_by_inheritance(reshape.catalog, table)),
        types=types,
        old=tuple(
            Conversion(
                column=column.name,
                type=column.type,
                exact=sameness.is_exact(column),
                source=reshape.reverse[column.name].columns,
                expression=literals.typed(reshape.reverse[column.name].sql, column.type, column.base_type),
                default=constants.constant_default(column),
                generates=constants.generates(column),
            )
            for column in reshape.old
        ),
        new=tuple(
            Conversion(
                column=new.name,
                type=data_type.spelling,
                exact=sameness.is_exact_type(data_type),
                source=new.using.columns,
                expression=literals.typed(new.using.sql, data_type.spelling, data_type.base),
            )
            for new, data_type in reshape.new
        ),
        told_apart=True,
    )


def _add(reshape: _Reshape, sync: ShapeSync) -> Step:
    table, mark = reshape.table, reshape.place.mark
    return Step(
        id=reshape.place.id("add"),
        part=Part.EXPAND,
        title=f"add {reshape.new_names} beside {reshape.old_names} on {table.name}, kept in step by triggers",
        statements=(
            *(s for n, t in reshape.new for s in add_column(table, n.name, t.spelling, mark)),
            *converted_sync.create(sync),
        ),
        undo=(*converted_sync.drop(sync), *(drop_column(table, n.name) for n, _ in reshape.new)),
        done=column_exists(table, reshape.new[0][0].name),
    )


def _rows(reshape: _Reshape, sync: ShapeSync) -> RowChange:
    name, first = reshape.table.name, reshape.new[0][0].name
    return RowChange(
        id=reshape.place.id("rows"),
        schema=name.schema,
        table=name.name,
        old=tuple(c.name for c in reshape.old),
        new=tuple(n.name for n, _ in reshape.new),
        assignment=render(converted_sync.assignment(sync)),
        pending=render(shape_looks.pending_rows(sync)),
        dropped=tuple(
            Dropped(column=c.name, hidden=reshape.hidden(c), kept=first, renamed=first, gone=c.name)
            for c in reshape.old
        ),
        triggers=converted_sync.in_place(sync),
        inserts_visible=sync.inserts_told,
        behind=render(shape_looks.rows_behind(sync, {c.name: reshape.hidden(c) for c in reshape.old})),
    )


def _hide(reshape: _Reshape, sync: ShapeSync) -> Step:
    do: list[Statement] = []
    undo: list[Statement] = []
    comment = sql.SQL("COMMENT ON COLUMN {}.{} IS NULL")
    for column in reshape.old:
        hidden = reshape.hidden(column)
        give, take = not_null_back.give_up(reshape.back(column)) if column.not_null else ((), ())
        no_default, default = _default(reshape, column)
        do += (rename_column(reshape.table, column.name, hidden), *give, *no_default)
        undo += (*default, *take, rename_column(reshape.table, hidden, column.name))
    relation = sql.Identifier(reshape.table.name.schema, reshape.table.name.name)
    unmarked = tuple(comment.format(relation, sql.Identifier(n.name)) for n, _ in reshape.new)
    marked = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
    names = {c.name: reshape.hidden(c) for c in reshape.old}
    return Step(
        id=reshape.place.id("hide"),
        part=Part.HIDE,
        title=f"{reshape.old_names} of {reshape.table.name} steps aside for {reshape.new_names}, still in step",
        statements=(*do, *_all(unmarked), *converted_sync.follow(sync, names)),
        undo=(
            *undo,
            *_all(
                marked.format(relation, sql.Identifier(n.name), sql.Literal(reshape.place.mark)) for n, _ in reshape.new
            ),
            *converted_sync.serve_both(sync),
        ),
        done=column_exists(reshape.table, reshape.hidden(reshape.old[0])),
    )


def _default(reshape: _Reshape, column: Column) -> tuple[tuple[Statement, ...], tuple[Statement, ...]]:
    """A hidden column has no default: a value in it would look like one that was written.

    A partition or child may have one of its own, or none, and gets that back.
    """
    hidden = sql.Identifier(reshape.hidden(column))
    members = [(m, own) for m in family_of(reshape.table, reshape.catalog) if (own := m.column(column.name))]
    if all(own.default is None for _, own in members):
        return (), ()
    back: list[sql.Composable] = []
    for member, own in members:
        action: sql.Composable = sql.SQL("DROP DEFAULT")
        if own.default is not None:
            action = sql.SQL("SET DEFAULT {}").format(sql.SQL(own.default.expression))
        relation = sql.Identifier(member.name.schema, member.name.name)
        back.append(sql.SQL("ALTER TABLE ONLY {} ALTER COLUMN {} {}").format(relation, hidden, action))
    return (
        (alter_table(reshape.table, sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(hidden)),),
        readable(_all(back), *(own.default for _, own in members)),
    )


def _all(composed: Iterable[sql.Composable]) -> Iterator[Statement]:
    yield from (Statement(text=render(c)) for c in composed)


def _drop(reshape: _Reshape, sync: ShapeSync) -> Step:
    table = reshape.table
    return Step(
        id=reshape.place.id("drop"),
        part=Part.DROP,
        title=f"drop what {reshape.old_names} was on {table.name}, with its triggers",
        statements=(*converted_sync.drop(sync), *(drop_column(table, reshape.hidden(c)) for c in reshape.old)),
        done=negated(column_exists(table, reshape.hidden(reshape.old[0]))),
    )


def _refusals(reshape: _Reshape) -> Iterator[Refusal]:
    table, catalog = reshape.table, reshape.catalog
    family = family_of(table, catalog)
    for new, data_type in reshape.new:
        yield from name_refusals(new.name, table, family)
        yield from rewrite_refusals(
            table, f"{table.name}.{new.name}", data_type.spelling, constrained=data_type.constrained
        )
    for column in reshape.old:
        yield from shape_refusals(column, table, family)
        yield from _identity(table, column)
        yield from _in_the_way(table, column)
        yield from drop_column_preflight.held(table, column.name)
        yield from exchange_preflight.own_not_null(family, column)
    yield from other_runs(family, [c.name for c in reshape.old])
    yield from right_refusals(family)
    for member, trigger in own_triggers(family):
        yield from order_refusals(member, trigger)
    yield from replication_refusals(table, catalog)
    yield from row_type_refusals(family)


def _identity(table: Table, column: Column) -> Iterator[Refusal]:
    if column.identity is not None or column.owned_sequences:
        yield Refusal(
            code="identity_column",
            object=f"{table.name}.{column.name}",
            message="it numbers its rows by a sequence, which would go with it.",
            instead="Make another column the key first.",
        )


def _in_the_way(table: Table, column: Column) -> Iterator[Refusal]:
    """What DROP COLUMN would want CASCADE for."""
    for dependent in table.dependents_on(column.name):
        if dependent.kind != "statistics":
            yield Refusal(
                code="dependent",
                object=f"{dependent.kind} {dependent.name}",
                message=f"it depends on {table.name}.{column.name}, which goes.",
                instead="Make it anew on the new columns first, or drop it.",
            )


def _cautions(reshape: _Reshape) -> Iterator[Caution]:
    table = reshape.table
    for column in reshape.old:
        lost = [f"index {i.name.name}" for i in table.indexes_using(column.name) if i.constraint is None]
        lost += [f"constraint {c.name}" for c in table.constraints_using(column.name) if c.kind != "not_null"]
        if lost:
            yield Caution(
                code="goes_with_column",
                object=f"{table.name}.{column.name}",
                message=f"with it go {', '.join(dict.fromkeys(lost))}; make what you need on {reshape.new_names}.",
            )
        if column.default is not None:
            yield Caution(
                code="default_taken_for_a_write",
                object=f"{table.name}.{column.name}",
                message="it has a default: an INSERT of the new version that leaves all new columns NULL gets the "
                "default's conversion, as one of the old version does.",
            )
        yield from exchange_preflight.unseen_inserts(table, column)


def _trials(reshape: _Reshape) -> Iterator[Trial]:
    table = reshape.table
    columns = (*((c.name, c.type) for c in table.columns), *((n.name, t.spelling) for n, t in reshape.new))
    pieces = [(f"using of {n.name}", n.name, n.using) for n, _ in reshape.new]
    pieces += [(f"reverse of {c.name}", c.name, reshape.reverse[c.name]) for c in reshape.old]
    for what, target, expression in pieces:
        assign = sql.SQL("UPDATE {} SET {} = ({})").format(
            sql.SQL(TRIAL_TABLE), sql.Identifier(target), sql.SQL(expression.sql)
        )
        yield Trial(
            where=f"{what} in {reshape.place.kind} on {table.name}",
            shown=expression.text,
            columns=columns,
            statement=render(assign),
            value=expression.sql,
            functions=expression.functions,
        )


def _afterwards(reshape: _Reshape) -> Catalog:
    catalog = reshape.catalog
    for member in family_of(reshape.table, catalog):
        catalog = catalog.with_table(_reshaped(reshape, member))
    return catalog


def _reshaped(reshape: _Reshape, table: Table) -> Table:
    old = {c.name for c in reshape.old}
    last = max((c.number for c in table.columns), default=0)
    made = (
        Column(
            name=new.name,
            number=last + n,
            type=data_type.spelling,
            type_name=data_type.name,
            type_category=data_type.category,
            base_type=data_type.base,
            work="replaced",
        )
        for n, (new, data_type) in enumerate(reshape.new, start=1)
    )
    return replace(
        table,
        columns=(*(c for c in table.columns if c.name not in old), *made),
        indexes=tuple(i for i in table.indexes if not i.references & old),
        constraints=tuple(c for c in table.constraints if not {*c.columns} & old),
    )

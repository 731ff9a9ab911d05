"""Columns that are replaced by others of another type: the mechanism under every change that keeps a column's name.

    expand    a twin beside each column, kept in step by triggers
    backfill  old rows are converted; what hangs on the column (constraints, indexes) is built over the twin
    contract  hide: in one transaction the column steps aside under a name of ours and the twin takes its name, and with
              it the names of constraints and indexes, the default, NOT NULL and whatever else travels; the triggers go
              on, so that the hidden column follows and `revert` only renames back
              drop: the hidden column and the triggers go

What travels is the matter of `carry/`, a file for each kind of thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Dropped, Part, RowChange, Step, Turn
from crossfade.operations.sync import converted_sync, shape_looks
from crossfade.operations.tables.table_preflight import family_of
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Caution, Place
    from crossfade.operations.sync.shape_sync import ShapeSync
    from crossfade.operations.trial import Trial
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Catalog, Column, DataType, QualifiedName, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A column that takes another's place."""

    column: Column
    """The one that is replaced."""
    name: str
    """The twin's name until contract."""
    final: str
    """The twin's name from then on."""
    hidden: str
    """The replaced column's name from then on."""
    type: DataType
    keeps_null_out: bool
    """Whether the hidden column can stay NOT NULL: every value of the twin can be converted back."""
    of_default: Expression | None = None
    """Over the column: what a constant default becomes for the twin; None where it is assigned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The columns of one table that are replaced together."""

    place: Place
    table: Table
    catalog: Catalog
    twins: tuple[Twin, ...]
    followed: frozenset[str] = frozenset()
    """Names of its foreign keys that go over together with the keys that they refer to."""
    with_references: bool = False
    """Whether the foreign keys that refer to its columns go over with them."""
    types: Mapping[QualifiedName, QualifiedName] = field(default_factory=dict)
    """Types whose names go over to others with the columns: the name that each successor has until then."""

    @property
    def names(self) -> dict[str, str]:
        """The twin of each column, by their names until contract."""
        return {twin.column.name: twin.name for twin in self.twins}

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are replaced."""
        return frozenset(self.names)

    def is_of_key(self, twin: Twin) -> bool:
        """Whether PostgreSQL wants it NOT NULL whatever it holds: in a primary key or replica identity, an identity."""
        name = twin.column.name
        return (
            twin.column.identity is not None
            or any(name in c.columns for c in self.table.constraints if c.kind == "primary")
            or any(name in i.references for member in self.family for i in member.indexes if i.replica_identity)
        )

    @property
    def family(self) -> tuple[Table, ...]:
        """The table with its partitions and children."""
        return family_of(self.table, self.catalog)

    @property
    def relation(self) -> sql.Identifier:
        """The table, for SQL."""
        return sql.Identifier(self.table.name.schema, self.table.name.name)

    def alter(self, action: sql.Composable) -> Statement:
        """An ALTER TABLE of the table."""
        return alter_table(self.table, action)

    @staticmethod
    def statement(composed: sql.Composable) -> Statement:
        """A statement of its own."""
        return Statement(text=render(composed))

    def own_name(self, purpose: str, *parts: str) -> str:
        """A name of ours for something of this table."""
        return self.place.name(purpose, self.table.name.schema, self.table.name.name, *parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Something that is done in the transaction that hides the old shape, and what takes it back."""

    do: tuple[Statement, ...]
    undo: tuple[Statement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How the things of one kind go over from columns to their twins."""

    expand: tuple[Statement, ...] = ()
    """When the twins have been added."""
    seal: tuple[Step, ...] = ()
    """Once the rows are converted."""
    first: tuple[Step, ...] = ()
    """Steps at the begin of contract."""
    before: tuple[Move, ...] = ()
    """In the transaction that hides, under the names until contract."""
    renewed: tuple[Move, ...] = ()
    """In the same, while each twin has the name of the column that it replaces: what is read again from its text."""
    after: tuple[Move, ...] = ()
    """In the same, under the names from then on."""
    later: tuple[Step, ...] = ()
    """Steps of contract after that transaction."""
    drop: tuple[Statement, ...] = ()
    """Before the hidden columns are dropped."""
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = ()
    trials: tuple[Trial, ...] = ()
    """What has to be sound over the twins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """The steps and rows of an exchange."""

    steps: tuple[Step, ...]
    rows: tuple[RowChange, ...]
    refusals: tuple[Refusal, ...] = ()
    cautions: tuple[Caution, ...] = field(default=())
    trials: tuple[Trial, ...] = ()
    aside: Move
    """What the step that hides does under the names until contract."""
    taken: Move
    """What it does after that."""


def alter_table(table: Table, action: sql.Composable) -> Statement:
    """An ALTER TABLE."""
    name = sql.Identifier(table.name.schema, table.name.name)
    return Statement(text=render(sql.SQL("ALTER TABLE {} {}").format(name, action)))


def rename_column(table: Table, source: str, target: str) -> Statement:
    """Give a column another name."""
    return alter_table(table, sql.SQL("RENAME COLUMN {} TO {}").format(sql.Identifier(source), sql.Identifier(target)))


def column_exists(table: Table, column: str) -> str:
    """A query: has the table this column?"""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) "
            "AND attname = {} AND NOT attisdropped)"
        ).format(
            sql.Literal(render(sql.Identifier(table.name.schema, table.name.name))),
            sql.Literal(column),
        )
    )


def negated(query: str) -> str:
    """The opposite of a query for one boolean."""
    return render(sql.SQL("SELECT NOT ({})").format(sql.SQL(query)))


def exchange_steps(exchange: Exchange, sync: ShapeSync, carried: Iterable[Carried]) -> Exchanged:
    """All steps of the exchange, with what travels, in the order of `carried`."""
    carried = tuple(carried)
    place = exchange.place
    aside, taken = _aside(carried), _taken(exchange, sync, carried)
    return Exchanged(
        steps=(
            _add(exchange, sync, carried),
            *(step for c in carried for step in c.seal),
            analyze(place, exchange.table, tuple(t.name for t in exchange.twins)),
            *(replace(step, turn=Turn.BEFORE) for c in carried for step in c.first),
            _hide(exchange, aside, taken),
            *(replace(step, turn=Turn.AFTER) for c in carried for step in c.later),
            _drop(exchange, sync, carried),
        ),
        rows=(_rows(exchange, sync),),
        refusals=tuple(r for c in carried for r in c.refusals),
        cautions=tuple(x for c in carried for x in c.cautions),
        trials=tuple(t for c in carried for t in c.trials),
        aside=aside,
        taken=taken,
    )


def _add(exchange: Exchange, sync: ShapeSync, carried: tuple[Carried, ...]) -> Step:
    added = tuple(add_column(exchange.table, t.name, t.type.spelling, exchange.place.mark) for t in exchange.twins)
    return Step(
        id=exchange.place.id("add"),
        part=Part.EXPAND,
        title=f"add {_listed(t.name for t in exchange.twins)} beside {_listed(exchange.names)} on "
        f"{exchange.table.name}, kept in step by triggers",
        statements=(
            *(s for statements in added for s in statements),
            *(s for c in carried for s in c.expand),
            *converted_sync.create(sync),
        ),
        undo=(
            *converted_sync.drop(sync),
            *(drop_column(exchange.table, t.name) for t in exchange.twins),
        ),
        done=column_exists(exchange.table, exchange.twins[0].name),
    )


def add_column(table: Table, name: str, spelling: str, mark: str) -> tuple[Statement, ...]:
    """A column without a value, and the comment that says whose it is."""
    identifier = sql.Identifier(name)
    comment = sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
        sql.Identifier(table.name.schema, table.name.name), identifier, sql.Literal(mark)
    )
    return (
        alter_table(table, sql.SQL("ADD COLUMN {} {}").format(identifier, sql.SQL(spelling))),
        Statement(text=render(comment)),
    )


def drop_column(table: Table, name: str) -> Statement:
    """A column of ours away; does nothing where it is gone."""
    return alter_table(table, sql.SQL("DROP COLUMN IF EXISTS {}").format(sql.Identifier(name)))


def analyze(place: Place, table: Table, columns: tuple[str, ...]) -> Step:
    """Without statistics the planner would guess at the new columns, and at the expressions of their indexes."""
    name = table.name
    relation = sql.Identifier(name.schema, name.name)
    found = sql.SQL(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_stats WHERE schemaname = {} AND tablename = {} AND attname = {})"
    ).format(sql.Literal(name.schema), sql.Literal(name.name), sql.Literal(columns[0]))
    return Step(
        id=place.id("analyze"),
        part=Part.SEAL,
        title=f"gather planner statistics of {_listed(columns)}",
        statements=(Statement(text=render(sql.SQL("ANALYZE {}").format(relation))),),
        transactional=False,
        done=render(found),
    )


def _rows(exchange: Exchange, sync: ShapeSync) -> RowChange:
    name = exchange.table.name
    return RowChange(
        id=exchange.place.id("rows"),
        schema=name.schema,
        table=name.name,
        old=tuple(t.column.name for t in exchange.twins),
        new=tuple(t.name for t in exchange.twins),
        assignment=render(converted_sync.assignment(sync)),
        pending=render(shape_looks.pending_rows(sync)),
        dropped=tuple(
            Dropped(column=t.column.name, hidden=t.hidden, kept=t.name, renamed=t.final, gone=t.column.name)
            for t in exchange.twins
        ),
        triggers=converted_sync.in_place(sync),
        told_apart=sync.told_apart,
        inserts_visible=sync.inserts_told,
        behind=render(shape_looks.rows_behind(sync, _names_from_then_on(exchange))),
    )


def in_order(*moves: Move) -> Move:
    """Several as one: taken back in the opposite order."""
    return Move(
        do=tuple(s for move in moves for s in move.do),
        undo=tuple(s for move in reversed(moves) for s in move.undo),
    )


def _aside(carried: tuple[Carried, ...]) -> Move:
    return in_order(*(move for c in carried for move in c.before))


def _taken(exchange: Exchange, sync: ShapeSync, carried: tuple[Carried, ...]) -> Move:
    names = _names_from_then_on(exchange)
    renewed = tuple(move for c in carried for move in c.renewed)
    return in_order(
        # Taken back last, since what it makes anew serves both shapes under the names from before.
        Move(do=(), undo=tuple(converted_sync.serve_both(sync))),
        *(_renamed(exchange.table, t.column.name, t.hidden) for t in exchange.twins),
        *(_taking_names(exchange, renewed)),
        *(move for c in carried for move in c.after),
        Move(do=tuple(converted_sync.follow(sync, names)), undo=()),
    )


def _names_from_then_on(exchange: Exchange) -> dict[str, str]:
    return {t.column.name: t.hidden for t in exchange.twins} | {t.name: t.final for t in exchange.twins}


def _hide(exchange: Exchange, aside: Move, taken: Move) -> Step:
    hide = in_order(aside, taken)
    return Step(
        id=exchange.place.id("hide"),
        part=Part.HIDE,
        title=f"{_listed(t.name for t in exchange.twins)} takes the place of {_listed(exchange.names)} on "
        f"{exchange.table.name}; the old column steps aside, still in step",
        statements=hide.do,
        undo=hide.undo,
        done=column_exists(exchange.table, exchange.twins[0].hidden),
    )


def _taking_names(exchange: Exchange, renewed: tuple[Move, ...]) -> Iterator[Move]:
    """The twins take the columns' names, and those with a name of their own take it again when that has been used."""
    table = exchange.table
    passing = [t for t in exchange.twins if t.name == t.final and renewed]
    yield from (_renamed(table, t.name, t.column.name) for t in passing)
    yield from (_renamed(table, t.name, t.final) for t in exchange.twins if t.name != t.final)
    yield from renewed
    yield from (_renamed(table, t.column.name, t.final) for t in passing)


def _renamed(table: Table, source: str, target: str) -> Move:
    return Move(do=(rename_column(table, source, target),), undo=(rename_column(table, target, source),))


def _drop(exchange: Exchange, sync: ShapeSync, carried: tuple[Carried, ...]) -> Step:
    return Step(
        id=exchange.place.id("drop"),
        part=Part.DROP,
        title=f"drop what {_listed(exchange.names)} was on {exchange.table.name}, with its triggers",
        statements=(
            *converted_sync.drop(sync),
            *(s for c in carried for s in c.drop),
            *(drop_column(exchange.table, t.hidden) for t in exchange.twins),
        ),
        done=negated(column_exists(exchange.table, exchange.twins[0].hidden)),
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)

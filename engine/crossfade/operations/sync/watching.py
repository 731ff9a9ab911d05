"""Writes that a coming constraint would refuse, seen and noted by triggers; nobody's write fails for it.

The triggers fire AFTER the row is written, where the constraint itself would be looked at, and only note: the row stays
as it is. What is asked of the row stands in functions that are stored parsed and take the row as a whole, so that a
column that is renamed at contract breaks nothing. A condition that fails for some row counts as violated, since the
constraint would fail the write as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Part, Step, Turn, Watch
from crossfade.operations.sync import row_functions, row_triggers
from crossfade.operations.sync.noting import note
from crossfade.operations.sync.row_functions import RowFunction
from crossfade.operations.sync.row_triggers import RowTrigger
from crossfade.operations.sync.sameness import differs, is_exact
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import Place
    from crossfade.postgres.catalog import Column, QualifiedName, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A condition on the rows of a table that a constraint is going to ask for."""

    place: Place
    table: Table
    members: tuple[QualifiedName, ...]
    """The tables that need triggers of their own, by the names that they have until contract."""
    constraint: str
    columns: tuple[Column, ...]
    """The columns that it is about."""
    holds: sql.Composable
    """An expression, as in the body of a `RowFunction`: false for a row that would be refused."""
    only_if_changed: bool = False
    """An UPDATE that leaves the columns as they are is not looked at, as with a foreign key."""
    reads_others: bool = False
    """It looks at other rows, and so only once a statement is over."""
    deferred: bool = False
    """It is looked at when the transaction ends."""
    inherited: bool = True
    """The rows of inheritance children are looked at, too."""

    def name(self, purpose: str) -> str:
        """A name of ours for this condition."""
        return self.place.name(purpose, self.table.name.schema, self.table.name.name, self.constraint)

    @property
    def key(self) -> str:
        """What tells it from others of the change: `public.orders/orders_worth`."""
        return f"{self.table.name}/{self.constraint}"

    @property
    def condition(self) -> RowFunction:
        """The function that is the condition."""
        return RowFunction(
            name=self.name("holds"),
            columns=self.columns,
            returns="bool",
            # A bare NULL is text to a function.
            body=sql.SQL("({})::bool").format(self.holds),
            volatile=self.reads_others,
        )

    @property
    def violated(self) -> RowFunction:
        """The function that says of columns whether they violate it; it never fails, and never gives NULL."""
        return RowFunction(name=self.name("violated"), columns=self.columns, returns="bool", body=sql.SQL(""))

    @property
    def pending(self) -> str:
        """The predicate of the rows that violate it, over columns by the names that they have until contract."""
        violated = self.violated.of_row()
        if not (self.inherited or self.table.kind == "partitioned"):
            table = sql.Literal(render(sql.Identifier(self.table.staged.schema, self.table.staged.name)))
            violated = sql.SQL("(tableoid = {}::pg_catalog.regclass AND {})").format(table, violated)
        return render(violated)

    @property
    def triggers(self) -> tuple[RowTrigger, RowTrigger]:
        """One for each event."""
        changed = sql.SQL(" OR ").join(
            differs(
                sql.SQL("NEW.{}").format(sql.Identifier(c.staged)),
                sql.SQL("OLD.{}").format(sql.Identifier(c.staged)),
                exact=is_exact(c),
            )
            for c in self.columns
        )
        insert = RowTrigger(
            name=f"~{self.name('watch')}_insert",
            event="INSERT",
            function=self.name("note"),
            timing="AFTER",
            deferred=self.deferred,
        )
        update = RowTrigger(
            name=f"~{self.name('watch')}_update",
            event="UPDATE",
            function=self.name("note"),
            when=changed if self.only_if_changed else None,
            timing="AFTER",
            deferred=self.deferred,
        )
        return insert, update


def condition(watched: Watched) -> Iterator[Statement]:
    """The functions that say whether a row violates it."""
    yield from row_functions.create(watched.place, (watched.condition,))
    types = sql.SQL(", ").join(sql.SQL(c.type) for c in watched.columns)
    values = [sql.SQL(f"${number}") for number in range(1, len(watched.columns) + 1)]
    body = sql.SQL("BEGIN RETURN {} IS FALSE; EXCEPTION WHEN OTHERS THEN RETURN true; END").format(
        watched.condition.call(values)
    )
    yield _function(watched, watched.violated.identifier, types, "bool", body)
    yield from row_triggers.close_function(watched.place.plan, watched.violated.identifier)


def _function(
    watched: Watched, name: sql.Identifier, types: sql.Composable, returns: str, body: sql.Composable
) -> Statement:
    """A PL/pgSQL function; STABLE, which spares it a snapshot for each statement, unless it has to see what is new."""
    return Statement(
        text=render(
            sql.SQL("CREATE FUNCTION {}({}) RETURNS {} LANGUAGE plpgsql {} SECURITY DEFINER AS {}").format(
                name,
                types,
                sql.SQL(returns),
                sql.SQL("VOLATILE" if watched.reads_others else "STABLE"),
                sql.Literal(render(body)),
            )
        )
    )


def drop_condition(watched: Watched) -> Iterator[Statement]:
    """Those functions away; does nothing where they are gone."""
    return row_functions.drop((watched.violated, watched.condition))


def _of_row(watched: Watched) -> sql.Identifier:
    return row_triggers.own_function(watched.name("row"))


def _noting(watched: Watched) -> Iterator[Statement]:
    """The function over a row as a whole, and that of the triggers."""
    table = watched.table.staged
    values = [sql.SQL("(checked).{}").format(sql.Identifier(c.staged)) for c in watched.columns]
    yield Statement(
        text=render(
            sql.SQL("CREATE FUNCTION {}(checked {}) RETURNS bool LANGUAGE sql {} BEGIN ATOMIC SELECT {}; END").format(
                _of_row(watched),
                sql.Identifier(table.schema, table.name),
                sql.SQL("VOLATILE" if watched.reads_others else "STABLE"),
                watched.violated.call(values),
            )
        )
    )
    noted = note(
        plan=watched.place.plan,
        kind="violation",
        about=watched.constraint,
        setting=watched.name("noted"),
        condition=sql.SQL("{}(NEW)").format(_of_row(watched)),
        once_a_second=True,
        example=sql.SQL("{}.key_of(TG_RELID, pg_catalog.to_jsonb(NEW))").format(sql.Identifier(LEDGER_SCHEMA)),
    )
    function = row_triggers.own_function(watched.name("note"))
    yield _function(watched, function, sql.SQL(""), "trigger", sql.SQL("BEGIN{} RETURN NULL; END").format(noted))
    for made in (_of_row(watched), function):
        yield from row_triggers.close_function(watched.place.plan, made)


def _away(watched: Watched, members: tuple[QualifiedName, ...]) -> tuple[Statement, ...]:
    functions = (row_triggers.own_function(watched.name("note")), _of_row(watched))
    return (
        *row_triggers.drop(members, watched.triggers),
        *row_triggers.drop_functions(functions),
        *drop_condition(watched),
    )


def begin(watched: Watched) -> Step:
    """The step of expand from which on violating writes are noted."""
    table = watched.table
    return Step(
        id=watched.place.id(f"watch/{watched.key}"),
        part=Part.EXPAND,
        turn=Turn.AFTER,
        title=f"count writes of {table.name} that {watched.constraint} would refuse; nobody is refused",
        statements=(
            *condition(watched),
            *_noting(watched),
            *row_triggers.create(watched.place.plan, watched.members, watched.triggers),
        ),
        undo=_away(watched, watched.members),
        done=in_place(watched),
    )


def end(watched: Watched, members: tuple[QualifiedName, ...]) -> Step:
    """The step that ends it, once the constraint is there to stay; `members` by their names after contract."""
    return Step(
        id=watched.place.id(f"unwatch/{watched.key}"),
        part=Part.DROP,
        title=f"count no more writes for {watched.constraint}, which refuses them by now",
        statements=_away(watched, members),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(in_place(watched)))),
    )


def in_place(watched: Watched) -> str:
    """A query: is the trigger function there?"""
    return function_exists(watched.name("note"))


def function_exists(name: str) -> str:
    """A query: is there this function of ours?"""
    return render(
        sql.SQL(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = {} "
            "AND p.pronamespace = pg_catalog.to_regnamespace({}))"
        ).format(sql.Literal(name), sql.Literal(LEDGER_SCHEMA))
    )


def watch(watched: Watched) -> Watch:
    """What the gate `violating_writes` needs to know."""
    table = watched.table.staged
    return Watch(
        id=watched.place.id(f"watch/{watched.key}"),
        schema=table.schema,
        table=table.name,
        constraint=watched.constraint,
        violated=render(_of_row(watched)),
        triggers=row_triggers.in_place(watched.members, watched.triggers),
        inherited=watched.inherited or watched.table.kind == "partitioned",
    )

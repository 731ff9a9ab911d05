"""Two columns of one table kept equal by triggers: the mechanism under every change that needs both shapes at once.

The old column is written by old versions of an app, the new one by new versions. One BEFORE row trigger for each event
carries a write over to the other side:

    INSERT  the new side is not its default       backward   old := new
            otherwise                             forward    new := old
    UPDATE  the new side was changed              backward   old := new
            otherwise                             forward    new := old

It does so only while the pair is out of step. Where a writer changed both sides to different values, the new side wins
and the conflict is noted; so is a write of the old shape, once a second and session. An update of another column in a
row that the backfill has not reached fills the pair from the old side.

There is one trigger per event, with a short WHEN clause on UPDATE and none on INSERT, since PostgreSQL reads and
prepares every WHEN clause anew for every statement: for one row that costs more than the function does.

A pinned search_path would cost each row as much again, so every operator, function and type in them is named with its
schema, and the default is compared in a function whose body is stored parsed. They are replaced in the
transaction that renames a column.

What an INSERT leaves out has its default. The new side has none, so that a value in it was written on purpose; only
where NULL is such a value too, and the default is a constant, have both sides the same one (the new side after its rows
exist, so that old rows stay NULL), and what differs from it was written. A default that is no constant cannot be
compared: it may be another one for the function's owner than for the writer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync import row_triggers
from crossfade.operations.sync.noting import note
from crossfade.operations.sync.plan_defaults import comparison
from crossfade.operations.sync.row_triggers import RowTrigger
from crossfade.operations.sync.sameness import differs, same
from crossfade.postgres.own_names import own_name
from crossfade.postgres.statement import Statement

if TYPE_CHECKING:
    from crossfade.operations.step import PairTrigger
    from crossfade.postgres.catalog import Default, QualifiedName


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An old and a new column of one table that hold the same facts."""

    plan: str
    table: QualifiedName
    members: tuple[QualifiedName, ...]
    """The tables that need triggers of their own: the table itself and its inheritance children."""
    old: str
    new: str
    type: str
    """The type of both, in SQL's quoting."""
    exact: bool
    """Whether `=` of the type tells all values apart."""
    default: Default | None
    """The old column's default if it is a constant, so that a value can be compared with it."""
    volatile_default: bool
    """It has another default, or generates its values."""
    nullable: bool
    """A writer may set NULL on purpose. Only then has the twin the default too; else its NULL says "not written"."""

    @property
    def shares_default(self) -> bool:
        """Whether the twin has the old column's default."""
        return self.default is not None and self.nullable

    def name(self, purpose: str) -> str:
        """A name of ours for this pair."""
        return own_name(purpose, self.plan, self.table.schema, self.table.name, self.old)


def pending_rows(pair: Pair) -> sql.Composed:
    """The predicate of the backfill and of the verification: the two sides are not equal."""
    return differs(sql.Identifier(pair.new), sql.Identifier(pair.old), exact=pair.exact)


def _triggers(pair: Pair) -> tuple[RowTrigger, ...]:
    apart = differs(_side("NEW", pair.new), _side("NEW", pair.old), exact=pair.exact)
    return (
        RowTrigger(name=f"~{pair.name('sync')}_insert", event="INSERT", function=pair.name("insert")),
        RowTrigger(name=f"~{pair.name('sync')}_update", event="UPDATE", function=pair.name("update"), when=apart),
    )


def _side(row: str, column: str) -> sql.Composed:
    return sql.SQL(row + ".{}").format(sql.Identifier(column))


def _trusted(expression: str) -> sql.SQL:
    """Text that PostgreSQL itself deparsed from its catalog."""
    return sql.SQL(expression)  # not a literal by nature


def _differs_from_default(pair: Pair, side: sql.Composable) -> sql.Composable:
    """Whether an INSERT gave this side a value of its own, as far as that can be told."""
    if pair.default is None:
        return sql.SQL("{} IS NOT NULL").format(side)
    return sql.SQL("{}({})").format(_function(pair, "written"), side)


def _note(pair: Pair, kind: str, condition: sql.Composable) -> sql.Composed:
    """Record a write of the old shape."""
    setting, often = pair.name("noted"), kind == "legacy"
    return note(plan=pair.plan, kind=kind, about=pair.old, setting=setting, condition=condition, once_a_second=often)


def _body(pair: Pair, event: str, old: str, new: str, *, noting: bool) -> sql.Composed:
    """The function of one event, for the names that the columns have now.

    With a volatile default an INSERT that leaves out both columns looks like an old writer's; only updates are noted.
    """
    new_old, new_new = _side("NEW", old), _side("NEW", new)
    guard = conflict = legacy = sql.SQL("").format()
    if event == "INSERT":
        guard = sql.SQL(" IF {} THEN RETURN NEW; END IF;").format(same(new_new, new_old, exact=pair.exact))
        old_written = _differs_from_default(pair, new_old)
        present = sql.SQL("{} IS NOT NULL").format(new_new)
        new_written = _differs_from_default(pair, new_new) if pair.shares_default else present
    else:
        old_written = sql.SQL("NOT {}").format(same(new_old, _side("OLD", old), exact=pair.exact))
        new_written = sql.SQL("NOT {}").format(same(new_new, _side("OLD", new), exact=pair.exact))
    if noting and not (event == "INSERT" and pair.volatile_default):
        conflict, legacy = _note(pair, "conflict", old_written), _note(pair, "legacy", old_written)
    return sql.SQL(
        "BEGIN{guard} IF {new_written} THEN{conflict} {new_old} := {new_new}; "
        "ELSE{legacy} {new_new} := {new_old}; END IF; RETURN NEW; END"
    ).format(guard=guard, new_written=new_written, conflict=conflict, legacy=legacy, new_old=new_old, new_new=new_new)


def _function(pair: Pair, side: str) -> sql.Identifier:
    return row_triggers.own_function(pair.name(side))


def functions(pair: Pair, *, old: str, new: str, noting: bool = True) -> Iterator[Statement]:
    """The two functions, for the names that the columns have now; replaced whenever a column is renamed.

    Without `noting` no write is noted: once the new shape has taken the old one's column, its writes would be.
    """
    for event in ("INSERT", "UPDATE"):
        body = _body(pair, event, old, new, noting=noting)
        yield row_triggers.replace_function(pair.name(event.lower()), body)


def _written(pair: Pair) -> Iterator[Statement]:
    """The comparison with the default; its names are settled now."""
    if pair.default is not None:
        yield from comparison(_function(pair, "written"), pair.type, pair.default, exact=pair.exact)


def _functions_of(pair: Pair) -> tuple[sql.Composed, ...]:
    """All functions of the pair, with their arguments."""
    own = tuple(sql.SQL("{}()").format(_function(pair, event)) for event in ("insert", "update"))
    if pair.default is None:
        return own
    return (*own, sql.SQL("{}({})").format(_function(pair, "written"), _trusted(pair.type)))


def create(pair: Pair) -> Iterator[Statement]:
    """Functions and triggers, with comments that name the run."""
    yield from _written(pair)
    yield from functions(pair, old=pair.old, new=pair.new)
    for function in _functions_of(pair):
        yield from row_triggers.close_function(pair.plan, function)
    yield from row_triggers.create(pair.plan, pair.members, _triggers(pair))


def drop(pair: Pair) -> Iterator[Statement]:
    """Triggers and functions away; does nothing where they are gone."""
    yield from row_triggers.drop(pair.members, _triggers(pair))
    yield from row_triggers.drop_functions(_functions_of(pair))


def in_place(pair: Pair) -> tuple[PairTrigger, ...]:
    """What a gate looks for before it believes that no write of the old shape happened."""
    return row_triggers.in_place(pair.members, _triggers(pair))

"""Two columns of one table kept equal by triggers: the mechanism under every change that needs both shapes at once.

The old column is written by old versions of an app, the new one by new versions. BEFORE row triggers carry each write
over to the other side; every decision stands in a trigger's WHEN clause, and the functions only assign:

    INSERT  the new side is not its default       backward   old := new
            otherwise                             forward    new := old
    UPDATE  the new side was changed              backward   old := new
            otherwise                             forward    new := old

Each fires only while the pair is out of step, so a write that touches neither column costs one comparison per trigger.
Where a writer changed both sides to different values, the new side wins and the conflict is noted. An update of another
column in a row that the backfill has not reached fills the pair from the old side.

WHEN clauses are stored parsed: what `=` means in them is settled when they are made, under our own search_path, and
columns are kept by number, so a rename does not disturb them. The functions are static SQL; they are replaced in the
transaction that renames a column. Both columns have the same default (the new one after its rows exist, so that old
rows stay NULL): a side that differs from the default was written on purpose. A volatile default cannot be compared;
there the new side's default is NULL.

Triggers are ENABLE ALWAYS, since rows applied by logical replication skip ordinary ones, and their names begin with
`~`, since BEFORE triggers fire in name order and ours have to see what the user's have made of the row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.own_names import LEDGER_SCHEMA, mark, own_name
from crossfade.operations.step import PairTrigger
from crossfade.postgres.statement import Lock, LockMode, Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, QualifiedName

# Types of pg_catalog whose `=` holds only for values that are the same in every way. For all others (numeric 1.0 and
# 1.00, jsonb, citext, float zeros, json, which has no `=` at all) the stored image is compared instead.
EXACT_TYPES = frozenset(
    {"bool", "int2", "int4", "int8", "oid", "text", "varchar", "name", "uuid", "date", "time", "timestamp"}
    | {"timestamptz", "bytea", "inet", "cidr", "macaddr", "macaddr8"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An old and a new column of one table that hold the same facts."""

    plan: str
    table: QualifiedName
    members: tuple[QualifiedName, ...]
    """The tables that need triggers of their own: the table itself and its inheritance children."""
    locked: tuple[str, ...]
    """Every relation that DDL on the table locks: the table, its children and partitions, in SQL's quoting."""
    old: str
    new: str
    exact: bool
    """Whether `=` of the type tells all values apart."""
    default: str | None
    """The default that both sides share; None where there is none or it is volatile."""
    volatile_default: bool
    deferrable: frozenset[str | None] = frozenset()
    """Deferrable constraints of the table."""

    def name(self, purpose: str) -> str:
        """A name of ours for this pair."""
        return own_name(purpose, self.plan, self.table.schema, self.table.name, self.old)


def is_exact(column: Column) -> bool:
    """Whether `IS DISTINCT FROM` sees every difference between two values of the column."""
    base = column.base_type
    return (base.schema == "pg_catalog" and base.name in EXACT_TYPES and column.collation_deterministic) or (
        column.type_category == "E"
    )


def differs(pair: Pair, left: sql.Composable, right: sql.Composable) -> sql.Composed:
    """True where two values are not the same fact, NULL counting as a value; never NULL."""
    if pair.exact:
        return sql.SQL("({} IS DISTINCT FROM {})").format(left, right)
    # A function call, since `ROW(a) *<> ROW(b)` is read as a row-wise comparison, which that operator does not support.
    return sql.SQL("pg_catalog.record_image_ne(ROW({}), ROW({}))").format(left, right)


def pending_rows(pair: Pair) -> sql.Composed:
    """The predicate of the backfill and of the verification: the two sides are not equal."""
    return differs(pair, sql.Identifier(pair.new), sql.Identifier(pair.old))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trigger:
    """One trigger of the pair: its name, event, function and condition."""

    name: str
    event: str
    function: sql.Composable
    when: sql.Composable
    arguments: tuple[str, ...] = ()


def _triggers(pair: Pair) -> tuple[_Trigger, ...]:
    return (*_note_triggers(pair), *_carry_triggers(pair))


def _sides(pair: Pair) -> tuple[sql.Composable, ...]:
    """NEW.old, NEW.new, OLD.old, OLD.new."""
    return tuple(sql.SQL(row + ".{}").format(sql.Identifier(c)) for row in ("NEW", "OLD") for c in (pair.old, pair.new))


def _default(pair: Pair) -> sql.Composable:
    return sql.SQL("({})").format(_trusted(pair.default)) if pair.default else sql.SQL("NULL")


def _trusted(expression: str) -> sql.SQL:
    """Text that PostgreSQL itself deparsed from its catalog."""
    return sql.SQL(expression)  # not a literal by nature


def _carry_triggers(pair: Pair) -> tuple[_Trigger, ...]:
    new_old, new_new, _, old_new = _sides(pair)
    apart = differs(pair, new_new, new_old)
    inserted = differs(pair, new_new, _default(pair)) if pair.default else sql.SQL("({} IS NOT NULL)").format(new_new)
    updated = differs(pair, new_new, old_new)
    backward, forward = _function(pair, "backward"), _function(pair, "forward")
    stem = pair.name("sync")
    return tuple(
        _Trigger(
            name=f"~{stem}_{order}_{event.lower()}_{side}",
            event=event,
            function=function,
            when=sql.SQL("{} AND {}{}").format(apart, sql.SQL(negation), written),
        )
        for event, written in (("INSERT", inserted), ("UPDATE", updated))
        for order, side, function, negation in ((2, "backward", backward, ""), (3, "forward", forward, "NOT "))
    )


def _note_triggers(pair: Pair) -> tuple[_Trigger, ...]:
    """Triggers that record writes of the old shape, before the pair is brought in step.

    The WHEN clause lets one write a second and session through: a session setting of the pair's own holds who was noted
    in which second. With a volatile default an INSERT that leaves out both columns looks like an old writer's; only
    updates are noted.
    """
    new_old, new_new, old_old, old_new = _sides(pair)
    apart = differs(pair, new_new, new_old)
    setting = f"{LEDGER_SCHEMA}.{pair.name('noted')}"
    due = sql.SQL(
        "(pg_catalog.current_setting({}, true) IS DISTINCT FROM "
        "pg_catalog.current_setting('application_name') || "
        "pg_catalog.trunc(pg_catalog.date_part('epoch', pg_catalog.statement_timestamp()))::text)"
    ).format(sql.Literal(setting))
    function = sql.SQL("{}.note_write").format(sql.Identifier(LEDGER_SCHEMA))
    stem = pair.name("sync")
    found = []
    for event, old_written, new_written in (
        ("INSERT", _is_written(pair, new_old), _is_written(pair, new_new)),
        ("UPDATE", differs(pair, new_old, old_old), differs(pair, new_new, old_new)),
    ):
        if event == "INSERT" and pair.volatile_default:
            continue
        for kind, condition in (
            ("legacy", sql.SQL("{} AND {} AND NOT {} AND {}").format(apart, old_written, new_written, due)),
            ("conflict", sql.SQL("{} AND {} AND {}").format(apart, old_written, new_written)),
        ):
            found.append(
                _Trigger(
                    name=f"~{stem}_1_{event.lower()}_{kind}",
                    event=event,
                    function=function,
                    when=condition,
                    arguments=(pair.plan, kind, pair.old, setting),
                )
            )
    return tuple(found)


def _is_written(pair: Pair, side: sql.Composable) -> sql.Composable:
    return differs(pair, side, _default(pair)) if pair.default else sql.SQL("({} IS NOT NULL)").format(side)


def _function(pair: Pair, side: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.Identifier(LEDGER_SCHEMA), sql.Identifier(pair.name(side)))


def _relation(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)


def _locks(pair: Pair, mode: LockMode) -> tuple[Lock, ...]:
    return tuple(Lock(relation=r, mode=mode) for r in pair.locked)


def functions(pair: Pair, *, old: str, new: str) -> Iterator[Statement]:
    """The two functions, for the names that the columns have now; replaced whenever a column is renamed."""
    for side, target, source in (("backward", old, new), ("forward", new, old)):
        body = sql.SQL("BEGIN NEW.{} := NEW.{}; RETURN NEW; END").format(sql.Identifier(target), sql.Identifier(source))
        yield Statement(
            text=render(
                sql.SQL("CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}").format(
                    _function(pair, side), sql.Literal(render(body))
                )
            )
        )


def create(pair: Pair) -> Iterator[Statement]:
    """Functions and triggers, with comments that name the run."""
    yield from functions(pair, old=pair.old, new=pair.new)
    comment = sql.Literal(mark(pair.plan))
    for side in ("backward", "forward"):
        yield Statement(text=render(sql.SQL("COMMENT ON FUNCTION {}() IS {}").format(_function(pair, side), comment)))
    for member in pair.members:
        for trigger in _triggers(pair):
            yield from _create_trigger(pair, member, trigger)


def _create_trigger(pair: Pair, member: QualifiedName, trigger: _Trigger) -> Iterator[Statement]:
    name, table = sql.Identifier(trigger.name), _relation(member)
    locks = _locks(pair, LockMode.SHARE_ROW_EXCLUSIVE)
    yield Statement(
        text=render(
            sql.SQL("CREATE TRIGGER {} BEFORE {} ON {} FOR EACH ROW WHEN ({}) EXECUTE FUNCTION {}({})").format(
                name,
                sql.SQL(trigger.event),  # INSERT or UPDATE, from this module
                table,
                trigger.when,
                trigger.function,
                sql.SQL(", ").join(sql.Literal(a) for a in trigger.arguments),
            )
        ),
        locks=locks,
    )
    yield Statement(
        text=render(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table, name)),
        locks=locks,
    )
    yield Statement(
        text=render(sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(name, table, sql.Literal(mark(pair.plan)))),
        locks=(),
    )


def start_noting(pair: Pair) -> Iterator[Statement]:
    """Watch for writes of the old shape (again)."""
    for member in pair.members:
        for trigger in _note_triggers(pair):
            yield from _create_trigger(pair, member, trigger)


def stop_noting(pair: Pair) -> Iterator[Statement]:
    """Stop watching: once the new shape has taken the old one's column, its writes would be noted."""
    yield from _drop_triggers(pair, _note_triggers(pair))


def drop(pair: Pair) -> Iterator[Statement]:
    """Triggers and functions away; does nothing where they are gone."""
    yield from _drop_triggers(pair, _triggers(pair))
    for side in ("backward", "forward"):
        yield Statement(text=render(sql.SQL("DROP FUNCTION IF EXISTS {}()").format(_function(pair, side))))


def _drop_triggers(pair: Pair, triggers: tuple[_Trigger, ...]) -> Iterator[Statement]:
    for member in pair.members:
        for trigger in triggers:
            yield Statement(
                text=render(
                    sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(sql.Identifier(trigger.name), _relation(member))
                ),
                locks=_locks(pair, LockMode.ACCESS_EXCLUSIVE),
            )


def in_place(pair: Pair) -> tuple[PairTrigger, ...]:
    """What a gate looks for before it believes that no write of the old shape happened."""
    return tuple(PairTrigger(relation=str(m), name=t.name) for m in pair.members for t in _triggers(pair))

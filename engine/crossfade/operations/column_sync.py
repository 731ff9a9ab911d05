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

The functions run with their owner's rights, so that a writer needs none in the ledger, and only triggers can call them.
A pinned search_path would cost each row as much again, so every operator, function and type in them is named with its
schema, and the default is compared in a function whose body is stored parsed. STABLE spares plpgsql a snapshot for each
look at a setting. They are replaced in the transaction that renames a column.

What an INSERT leaves out has its default. The new side has none, so that a value in it was written on purpose; only
where NULL is such a value too, and the default is a constant, have both sides the same one (the new side after its rows
exist, so that old rows stay NULL), and what differs from it was written. A default that is no constant cannot be
compared: it may be another one for the function's owner than for the writer.

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
    type: str
    """The type of both, in SQL's quoting."""
    exact: bool
    """Whether `=` of the type tells all values apart."""
    default: str | None
    """The old column's default if it is a constant, so that a value can be compared with it."""
    volatile_default: bool
    """It has another default, or generates its values."""
    nullable: bool
    """A writer may set NULL on purpose. Only then has the twin the default too; else its NULL says "not written"."""
    deferrable: frozenset[str | None] = frozenset()
    """Deferrable constraints of the table."""

    @property
    def shares_default(self) -> bool:
        """Whether the twin has the old column's default."""
        return self.default is not None and self.nullable

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
    when: sql.Composable | None = None


def _triggers(pair: Pair) -> tuple[_Trigger, ...]:
    apart = differs(pair, _side("NEW", pair.new), _side("NEW", pair.old))
    return tuple(
        _Trigger(
            name=f"~{pair.name('sync')}_{event.lower()}",
            event=event,
            function=_function(pair, event.lower()),
            when=apart if event == "UPDATE" else None,
        )
        for event in ("INSERT", "UPDATE")
    )


def _side(row: str, column: str) -> sql.Composed:
    return sql.SQL(row + ".{}").format(sql.Identifier(column))


def _same(pair: Pair, left: sql.Composable, right: sql.Composable) -> sql.Composed:
    """As `not differs`, for a function that pins no search_path: `IS DISTINCT FROM` would look for a `=` in it."""
    if pair.exact:
        return sql.SQL("coalesce({0} OPERATOR(pg_catalog.=) {1}, {0} IS NULL AND {1} IS NULL)").format(left, right)
    return sql.SQL("pg_catalog.record_image_eq(ROW({}), ROW({}))").format(left, right)


def _trusted(expression: str) -> sql.SQL:
    """Text that PostgreSQL itself deparsed from its catalog."""
    return sql.SQL(expression)  # not a literal by nature


def _differs_from_default(pair: Pair, side: sql.Composable) -> sql.Composable:
    """Whether an INSERT gave this side a value of its own, as far as that can be told."""
    if pair.default is None:
        return sql.SQL("{} IS NOT NULL").format(side)
    return sql.SQL("{}({})").format(_function(pair, "written"), side)


def _note(pair: Pair, kind: str, condition: sql.Composable) -> sql.Composed:
    """Record a write of the old shape; what is legacy once a second and session, as a setting of the session knows.

    By the clock: a statement may take hours, and a CALL may commit many times meanwhile.
    """
    setting = sql.Literal(f"{LEDGER_SCHEMA}.{pair.name('noted')}")
    if kind == "legacy":
        condition = sql.SQL(
            "coalesce(pg_catalog.current_setting({}, true) OPERATOR(pg_catalog.<>) ("
            "pg_catalog.current_setting('application_name') OPERATOR(pg_catalog.||) pg_catalog.date_part("
            "'epoch', pg_catalog.clock_timestamp())::pg_catalog.int8::pg_catalog.text), true) AND {}"
        ).format(setting, condition)
    arguments = (sql.Literal(pair.plan), sql.Literal(kind), sql.SQL("TG_RELID"), sql.Literal(pair.old), setting)
    return sql.SQL(" IF {} THEN PERFORM {}.note_write({}); END IF;").format(
        condition, sql.Identifier(LEDGER_SCHEMA), sql.SQL(", ").join(arguments)
    )


def _body(pair: Pair, event: str, old: str, new: str, *, noting: bool) -> sql.Composed:
    """The function of one event, for the names that the columns have now.

    With a volatile default an INSERT that leaves out both columns looks like an old writer's; only updates are noted.
    """
    new_old, new_new = _side("NEW", old), _side("NEW", new)
    guard = conflict = legacy = sql.SQL("").format()
    if event == "INSERT":
        guard = sql.SQL(" IF {} THEN RETURN NEW; END IF;").format(_same(pair, new_new, new_old))
        old_written = _differs_from_default(pair, new_old)
        present = sql.SQL("{} IS NOT NULL").format(new_new)
        new_written = _differs_from_default(pair, new_new) if pair.shares_default else present
    else:
        old_written = sql.SQL("NOT {}").format(_same(pair, new_old, _side("OLD", old)))
        new_written = sql.SQL("NOT {}").format(_same(pair, new_new, _side("OLD", new)))
    if noting and not (event == "INSERT" and pair.volatile_default):
        conflict, legacy = _note(pair, "conflict", old_written), _note(pair, "legacy", old_written)
    return sql.SQL(
        "BEGIN{guard} IF {new_written} THEN{conflict} {new_old} := {new_new}; "
        "ELSE{legacy} {new_new} := {new_old}; END IF; RETURN NEW; END"
    ).format(guard=guard, new_written=new_written, conflict=conflict, legacy=legacy, new_old=new_old, new_new=new_new)


def _function(pair: Pair, side: str) -> sql.Composed:
    return sql.SQL("{}.{}").format(sql.Identifier(LEDGER_SCHEMA), sql.Identifier(pair.name(side)))


def _relation(name: QualifiedName) -> sql.Identifier:
    return sql.Identifier(name.schema, name.name)


def _locks(pair: Pair, mode: LockMode) -> tuple[Lock, ...]:
    return tuple(Lock(relation=r, mode=mode) for r in pair.locked)


def functions(pair: Pair, *, old: str, new: str, noting: bool = True) -> Iterator[Statement]:
    """The two functions, for the names that the columns have now; replaced whenever a column is renamed.

    Without `noting` no write is noted: once the new shape has taken the old one's column, its writes would be.
    """
    for event in ("INSERT", "UPDATE"):
        body = _body(pair, event, old, new, noting=noting)
        yield Statement(
            text=render(
                sql.SQL(
                    "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql STABLE SECURITY DEFINER AS {}"
                ).format(_function(pair, event.lower()), sql.Literal(render(body)))
            )
        )


def _written(pair: Pair) -> Iterator[Statement]:
    """The comparison with the default; its names are settled now, under our own search_path."""
    if pair.default is not None:
        yield Statement(
            text=render(
                sql.SQL(
                    "CREATE FUNCTION {}(value {}) RETURNS bool LANGUAGE sql STABLE BEGIN ATOMIC SELECT {}; END"
                ).format(
                    _function(pair, "written"),
                    _trusted(pair.type),
                    differs(pair, sql.Identifier("value"), sql.SQL("({})").format(_trusted(pair.default))),
                )
            )
        )


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
    comment = sql.Literal(mark(pair.plan))
    for function in _functions_of(pair):
        yield Statement(text=render(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(function)))
        yield Statement(text=render(sql.SQL("COMMENT ON FUNCTION {} IS {}").format(function, comment)))
    for member in pair.members:
        for trigger in _triggers(pair):
            yield from _create_trigger(pair, member, trigger)


def _create_trigger(pair: Pair, member: QualifiedName, trigger: _Trigger) -> Iterator[Statement]:
    name, table = sql.Identifier(trigger.name), _relation(member)
    locks = _locks(pair, LockMode.SHARE_ROW_EXCLUSIVE)
    yield Statement(
        text=render(
            sql.SQL("CREATE TRIGGER {} BEFORE {} ON {} FOR EACH ROW {}EXECUTE FUNCTION {}()").format(
                name,
                sql.SQL(trigger.event),  # INSERT or UPDATE, from this module
                table,
                sql.SQL("WHEN ({}) ").format(trigger.when) if trigger.when else sql.SQL(""),
                trigger.function,
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


def drop(pair: Pair) -> Iterator[Statement]:
    """Triggers and functions away; does nothing where they are gone."""
    yield from _drop_triggers(pair, _triggers(pair))
    for function in _functions_of(pair):
        yield Statement(text=render(sql.SQL("DROP FUNCTION IF EXISTS {}").format(function)))


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

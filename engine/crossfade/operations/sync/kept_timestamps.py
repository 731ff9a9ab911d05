"""Columns such as `updated_at`, which a trigger of the user sets, keep their value while a backfill writes their rows.

A row that is only filled was not updated: whatever polls `updated_at` (sync jobs, caches, exports) would take every row
for a new one. So a trigger of ours fires after the user's and puts the old value back, for the sessions of the backfill
alone; they say by `crossfade.backfill` that they are.

    expand    one BEFORE UPDATE row trigger on each table that has such a column; partitions get clones of it
    backfill  once the rows are filled, it is dropped

The session is asked inside the function: a WHEN clause is read and prepared for every statement, and costs a live
writer of one row three times as much (2.6 µs against 0.8 µs). The name begins with `~`, as those of `column_sync` do,
since BEFORE triggers fire in name order. A column that the plan itself sets is left alone.

What else the user's triggers do is not held back: it is said before, with a caution for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.rows.trigger_effects import effects_of, fires
from crossfade.operations.step import Caution, Compiled, DataChange, Part, Step, Update
from crossfade.operations.tables.table_preflight import family_of
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA, mark, own_name
from crossfade.postgres.statement import Lock, LockMode, Statement, render

if TYPE_CHECKING:
    from crossfade.operations.step import RowWork
    from crossfade.postgres.catalog import Catalog, Table, Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guard:
    """Our trigger on one table, for the columns that it keeps."""

    plan: str
    table: QualifiedName
    columns: tuple[str, ...]
    locked: tuple[str, ...]
    """The table and its partitions, in SQL's quoting."""

    @property
    def name(self) -> str:
        return own_name("keep", self.plan, self.table.schema, self.table.name)

    @property
    def trigger_name(self) -> str:
        return f"~{self.name}"

    @property
    def function(self) -> sql.Composed:
        return sql.SQL("{}()").format(sql.Identifier(LEDGER_SCHEMA, self.name))

    @property
    def relation(self) -> sql.Identifier:
        return sql.Identifier(self.table.schema, self.table.name)

    def locks(self, mode: LockMode) -> tuple[Lock, ...]:
        return tuple(Lock(relation=r, mode=mode) for r in self.locked)


@dataclass(frozen=True, slots=True)
class _Written:
    """One table whose rows are updated, and by which of the plan's changes."""

    table: Table
    works: tuple[RowWork, ...]
    catalog: Catalog

    @property
    def touched(self) -> frozenset[str]:
        """The columns that the plan sets there."""
        return frozenset(c for w in self.works for c in w.touched)

    @property
    def family(self) -> tuple[Table, ...]:
        return family_of(self.table, self.catalog)


def compile_guards(
    plan: str, works: Sequence[RowWork], catalog: Catalog, updated_at: Literal["keep", "touch"]
) -> Compiled:
    """What keeps the timestamps of all tables whose rows a plan updates, and what their triggers do besides.

    `catalog` is the one before any of the plan's changes.
    """
    steps: list[Step] = []
    refusals: list[Refusal] = []
    cautions: list[Caution] = []
    for written in _written(works, catalog):
        guards = tuple(_guards(plan, written)) if updated_at == "keep" else ()
        refusals += _against(guards, written)
        cautions += _about_triggers(guards, written)
        if guards:
            prefix = written.works[0].id.removesuffix("/rows")
            steps += (_create(guards, prefix, written.table), _drop(guards, prefix, written.table))
    return Compiled(steps=tuple(steps), refusals=tuple(refusals), cautions=tuple(cautions), catalog=catalog)


def _written(works: Sequence[RowWork], catalog: Catalog) -> Iterator[_Written]:
    updates = [w for w in works if isinstance(w.write, Update)]
    for name in dict.fromkeys(QualifiedName(w.schema, w.table) for w in updates):
        table = catalog.table(name)
        if table is not None:
            yield _Written(table, tuple(w for w in updates if (w.schema, w.table) == (name.schema, name.name)), catalog)


def stamped(trigger: Trigger, table: Table) -> frozenset[str]:
    """The columns of a table that a BEFORE row trigger of the user sets to the present time."""
    if trigger.timing != "before" or not trigger.row:
        return frozenset()
    return effects_of(trigger).stamps & {c.name for c in table.columns if c.generated is None}


def _guards(plan: str, written: _Written) -> Iterator[_Guard]:
    """One for each table that has triggers of its own: rows of an inheritance child do not fire its parent's."""
    for member in written.family:
        if member.partition_parent is not None and member is not written.table:
            continue
        partitioned = _with_partitions(member, written.catalog)
        found = {c for t in partitioned for c in _stamps(t, written.touched)} - written.touched
        if found:
            yield _Guard(
                plan=plan,
                table=member.name,
                columns=tuple(c.name for c in member.columns if c.name in found),
                locked=tuple(str(t.name) for t in partitioned),
            )


def _with_partitions(table: Table, catalog: Catalog) -> tuple[Table, ...]:
    below = (catalog.table(name) for name in table.partitions)
    return (table, *(t for b in below if b is not None for t in _with_partitions(b, catalog)))


def _stamps(table: Table, touched: frozenset[str]) -> Iterator[str]:
    for trigger in table.triggers:
        if fires(trigger, "update", touched):
            yield from stamped(trigger, table)


# Steps


def _create(guards: tuple[_Guard, ...], prefix: str, table: Table) -> Step:
    columns = ", ".join(dict.fromkeys(quoted(c) for guard in guards for c in guard.columns))
    return Step(
        id=f"{prefix}/keep",
        part=Part.EXPAND,
        title=f"keep {columns} of {table.name} as it is in rows that the backfill writes",
        statements=tuple(s for guard in guards for s in _creating(guard)),
        undo=tuple(s for guard in guards for s in _dropping(guard)),
        done=_exist(guards),
    )


def _drop(guards: tuple[_Guard, ...], prefix: str, table: Table) -> Step:
    return Step(
        id=f"{prefix}/let_go",
        part=Part.SEAL,
        title=f"drop what kept the timestamps of {table.name}",
        statements=tuple(s for guard in guards for s in _dropping(guard)),
        done=render(sql.SQL("SELECT NOT ({})").format(sql.SQL(_exist(guards)))),
    )


def _creating(guard: _Guard) -> Iterator[Statement]:
    comment = sql.Literal(mark(guard.plan))
    yield Statement(
        text=render(
            sql.SQL("CREATE FUNCTION {} RETURNS trigger LANGUAGE plpgsql STABLE AS {}").format(
                guard.function, sql.Literal(render(_body(guard)))
            )
        )
    )
    yield Statement(text=render(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(guard.function)))
    yield Statement(text=render(sql.SQL("COMMENT ON FUNCTION {} IS {}").format(guard.function, comment)))
    trigger = sql.Identifier(guard.trigger_name)
    yield Statement(
        text=render(
            sql.SQL("CREATE TRIGGER {} BEFORE UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}").format(
                trigger, guard.relation, guard.function
            )
        ),
        locks=guard.locks(LockMode.SHARE_ROW_EXCLUSIVE),
    )
    yield Statement(
        text=render(sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(trigger, guard.relation, comment)), locks=()
    )


def _body(guard: _Guard) -> sql.Composed:
    """Every name in it has its schema, since a pinned search_path would cost each row more than the rest."""
    back = sql.SQL(" ").join(sql.SQL("NEW.{0} := OLD.{0};").format(sql.Identifier(column)) for column in guard.columns)
    return sql.SQL(
        "BEGIN IF pg_catalog.current_setting('crossfade.backfill', true) OPERATOR(pg_catalog.=) 'on' "
        "THEN {} END IF; RETURN NEW; END"
    ).format(back)


def _dropping(guard: _Guard) -> Iterator[Statement]:
    yield Statement(
        text=render(
            sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(sql.Identifier(guard.trigger_name), guard.relation)
        ),
        locks=guard.locks(LockMode.ACCESS_EXCLUSIVE),
    )
    yield Statement(text=render(sql.SQL("DROP FUNCTION IF EXISTS {}").format(guard.function)))


def _exist(guards: Iterable[_Guard]) -> str:
    return render(
        sql.SQL("SELECT {}").format(
            sql.SQL(" AND ").join(
                sql.SQL(
                    "EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = pg_catalog.to_regclass({})"
                    " AND tgname = {})"
                ).format(sql.Literal(render(guard.relation)), sql.Literal(guard.trigger_name))
                for guard in guards
            )
        )
    )


# What speaks against it, and what to know


def _against(guards: tuple[_Guard, ...], written: _Written) -> Iterator[Refusal]:
    """For a change of rows; a change of the schema has to do with the same rights and the same order anyway."""
    if not all(isinstance(work, DataChange) for work in written.works):
        return
    for guard in guards:
        for member in written.family:
            if str(member.name) in guard.locked:
                yield from _not_owned(guard, member)
                yield from _too_late(guard, member, written.touched)


def _not_owned(guard: _Guard, member: Table) -> Iterator[Refusal]:
    if not member.owned:
        columns = " and ".join(quoted(c) for c in guard.columns)
        yield Refusal(
            code="not_owner",
            object=str(member.name),
            message=f"a trigger sets {columns} to the present time in every row that is written; to keep the old value "
            f"crossfade needs a trigger of its own, and this role is not (a member of) the owner {member.owner}.",
            instead=f"Write `updated_at: touch` under `backfill` if it may change, or connect as {member.owner}.",
        )


def _too_late(guard: _Guard, member: Table, touched: frozenset[str]) -> Iterator[Refusal]:
    for trigger in member.triggers:
        is_later = trigger.name > guard.trigger_name and not trigger.parent_inherited
        if is_later and fires(trigger, "update", touched) and stamped(trigger, member):
            yield Refusal(
                code="trigger_order",
                object=f"trigger {trigger.name} on {member.name}",
                message="it sorts after crossfade's trigger (BEFORE triggers fire in name order), which therefore "
                "could not put back what it sets.",
                instead=f"Rename it, for example: ALTER TRIGGER {quoted(trigger.name)} ON {member.name} RENAME TO "
                "a_name_before_it; or write `updated_at: touch` under `backfill`.",
            )


def _about_triggers(guards: tuple[_Guard, ...], written: _Written) -> Iterator[Caution]:
    """Every trigger that the backfill fires, but for those whose whole effect is taken back."""
    kept = {(relation, column) for guard in guards for relation in guard.locked for column in guard.columns}
    for member in written.family:
        for trigger in member.triggers:
            if trigger.parent_inherited or not fires(trigger, "update", written.touched):
                continue
            stamps = stamped(trigger, member)
            is_undone = all((str(member.name), column) in kept for column in stamps)
            if effects_of(trigger).only_stamps and stamps and is_undone:
                continue
            yield Caution(
                code="triggers_fire",
                object=f"trigger {quoted(trigger.name)} on {member.name}",
                message=_what_it_does(trigger, stamps & written.touched),
            )


def _what_it_does(trigger: Trigger, overridden: frozenset[str]) -> str:
    each = "row" if trigger.row else "batch"
    known = str(effects_of(trigger))
    said = f"the backfill's UPDATE fires it once for each {each}"
    said += f": it {known}." if known else f". Look at what its function {trigger.function} does."
    if overridden:
        said += f" What the plan sets {', '.join(quoted(c) for c in sorted(overridden))} to is lost to it."
    return said

"""The dry run of a backfill: what it would come to on this database, from batches that are rolled back.

Of a plan whose expand has not run the new column is not there. No lock is taken to make it: the old column is written
in its place, with its own values, which comes to nearly the same, and the rehearsal says that it did so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from crossfade.backfill.hints import Note, Server, about_keys, hints
from crossfade.backfill.keys import relations_of
from crossfade.backfill.look import Trial
from crossfade.backfill.rehearsal import Measured, Rehearsal, forecast, outlook
from crossfade.backfill.retry import Link
from crossfade.backfill.sampling import tells_own_wal, try_out
from crossfade.backfill.task import TASK_COLUMNS, task_of
from crossfade.errors import WrongState
from crossfade.operations.rows.row_effects import Written, keys_checked, rights_needed, triggers_fired
from crossfade.operations.step import Copy, Delete, RowChange
from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.plan.model import Plan
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.clock import database_now
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.statement import render
from crossfade.workflow import ledger, registration
from crossfade.workflow.missing_rights import missing_rights
from crossfade.workflow.preflight import examine
from crossfade.workflow.program import Program, from_json
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.backfill.retry import Attempt
    from crossfade.backfill.task import Task
    from crossfade.operations.step import RowWork
    from crossfade.postgres.catalog import Catalog
    from crossfade.workflow.ledger import RunRow

Connection = psycopg.Connection[Any]
_MOST = 20
"""Relations of one change in which batches are tried, the largest; the others are taken to be like them."""
_BEFORE_THE_END = (State.PLANNED, State.EXPANDING, State.EXPANDED, State.BACKFILLING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """What is rehearsed."""

    plan: Plan
    program: Program
    run: RunRow | None

    @property
    def works(self) -> tuple[RowWork, ...]:
        return self.program.work


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """One change, and what was measured of its relations."""

    written: Written
    measured: tuple[Measured, ...]
    stands_in: bool
    missing: tuple[str, ...]


def rehearse(
    connect: Callable[[], Connection], target: Plan | str, acks: Iterable[str] = (), fixed: Fixed = NOTHING_FIXED
) -> Rehearsal:
    """What the backfill of a run, or of a plan that need not have been started, would come to; nothing is changed.

    Raises PreflightRefused, PlanChanged, and WrongState where the rows are done.
    """
    with connect() as connection:
        subject = _subject(connection, connect, target, acks, fixed)
        catalog = _catalog(connection, subject)
        server = _server(connection)
        begun = {} if subject.run is None else _tasks(connection, subject.run.id)
    table = next((QualifiedName(w.schema, w.table) for w in subject.works), QualifiedName("", ""))
    with Link(connect, go_on=_go_on, tell=_say_nothing, where=table) as link:
        tried = [
            link.run(partial(_try, work=work, plan=subject.plan, catalog=catalog, begun=begun))
            for work in subject.works
        ]
        now = link.run(lambda c, _attempt: database_now(c))
    return _composed(subject, catalog, server, tried, now)


def _go_on() -> None:
    return


def _say_nothing(*_said: object) -> None:
    return


def _subject(
    connection: Connection, connect: Callable[[], Connection], target: Plan | str, acks: Iterable[str], fixed: Fixed
) -> _Subject:
    run = None
    if isinstance(target, str):
        ledger.require(connection)
        run = ledger.get_run(connection, target)
    elif ledger.installed_version(connection):
        ledger.require(connection)
        run = registration.run_of(connection, target)
    if run is not None and run.state not in _BEFORE_THE_END:
        raise WrongState(
            f"run {run.name} is {run.state}; there is no backfill to rehearse", hint=f"See crossfade status {run.name}."
        )
    plan = target if isinstance(target, Plan) else Plan.from_json(dict(run.plan)) if run is not None else None
    assert plan is not None
    if run is not None and run.state is not State.PLANNED:
        return _Subject(plan=plan, program=from_json(run.program), run=run)
    found = examine(connect, plan, (*acks, *(run.acks if run is not None else ())), fixed)
    # Which rights are missing is one of the answers.
    others = tuple(r for r in found.refusals if r.code != "no_right")
    return _Subject(plan=plan, program=replace(found, refusals=others).checked(), run=run)


def _catalog(connection: Connection, subject: _Subject) -> Catalog:
    """The tables that are written to, and those that reference them."""
    named: list[tuple[str | None, str]] = [(w.schema, w.table) for w in subject.works]
    named += [(other.schema, other.name) for w in subject.works if (other := _other(connection, w)) is not None]
    catalog = read_catalog(connection, named)
    referencing = {k.table for t in catalog.tables for k in t.incoming_foreign_keys}
    if not referencing:
        return catalog
    return read_catalog(connection, [*named, *((name.schema, name.name) for name in sorted(referencing))])


def _other(connection: Connection, work: RowWork) -> QualifiedName | None:
    """The other table that a change writes to."""
    match work.write:
        case Copy(into=str(text)) | Delete(archive=str(text)):
            row = connection.execute("SELECT pg_catalog.parse_ident(%s)", [text]).fetchone()
            return None if row is None else QualifiedName(*row[0])
    return None


def _server(connection: Connection) -> Server:
    row = connection.execute(
        "SELECT pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size')),"
        " pg_catalog.date_part('epoch', pg_catalog.current_setting('checkpoint_timeout')::pg_catalog.interval)"
    ).fetchone()
    assert row is not None
    return Server(max_wal_bytes=int(row[0]), checkpoint_seconds=int(row[1]), tells_own_wal=tells_own_wal(connection))


def _tasks(connection: Connection, run_id: int) -> dict[tuple[str, QualifiedName], Task]:
    """Where the run stands, by change and relation."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"SELECT f.change_id, {TASK_COLUMNS} FROM crossfade.backfills f WHERE f.run_id = %s",  # noqa: S608 -- ours
            [run_id],
        ).fetchall()
    return {(row["change_id"], task.relation): task for row in rows for task in [task_of(row)]}


# One change


def _try(
    connection: Connection,
    _attempt: Attempt,
    *,
    work: RowWork,
    plan: Plan,
    catalog: Catalog,
    begun: dict[tuple[str, QualifiedName], Task],
) -> _Tried:
    table = QualifiedName(work.schema, work.table)
    other = _other(connection, work)
    found = catalog.table(table)
    assert found is not None
    written = Written(work=work, table=found, other=None if other is None else catalog.table(other))
    stands_in = isinstance(work, RowChange) and any(found.column(name) is None for name in work.new)
    asked = _stand_in(work) if stands_in and isinstance(work, RowChange) else work
    relations = relations_of(connection, table)
    largest = _largest(connection, [r.oid for r in relations])
    measured = tuple(
        try_out(
            connection,
            Trial(
                change=asked,
                relation=relation,
                grows=other if other is not None and isinstance(work.write, Copy) else relation.name,
                batch_rows=plan.backfill.batch_rows,
                begun=begun.get((work.id, relation.name)),
                is_sampled=relation.oid in largest,
            ),
        )
        for relation in relations
    )
    rights = rights_needed(replace(written, work=asked), [r.name for r in relations])
    return _Tried(
        written=written,
        measured=measured,
        stands_in=stands_in,
        missing=tuple(missing_rights(connection, rights, catalog.current_user)),
    )


def _stand_in(change: RowChange) -> RowChange:
    """The same rows, written without the new column: while that is empty, every row with an old value is pending."""
    old = sql.Identifier(change.old[0])
    return replace(
        change,
        new=change.old[:1],
        assignment=render(sql.SQL("{0} = {0}").format(old)),
        pending=render(sql.SQL("({} IS NOT NULL)").format(old)),
    )


def _largest(connection: Connection, oids: list[int]) -> frozenset[int]:
    rows = connection.execute(
        "SELECT oid FROM pg_catalog.unnest(%s::oid[]) AS r (oid)"
        " ORDER BY pg_catalog.pg_relation_size(oid) DESC NULLS LAST, oid LIMIT %s",
        [oids, _MOST],
    ).fetchall()
    return frozenset(row[0] for row in rows)


# All of it


def _composed(subject: _Subject, catalog: Catalog, server: Server, tried: list[_Tried], now: Any) -> Rehearsal:
    plan = subject.plan.backfill
    measured = [one for t in tried for one in t.measured]
    forecasts = [forecast(one, t.measured) for t in tried for one in t.measured]
    total = outlook(measured, forecasts, plan, now)
    keys = tuple(dict.fromkeys(k for t in tried for k in keys_checked(t.written, catalog)))
    keeps = plan.updated_at == "keep"
    fired = dict.fromkeys(f for t in tried for f in triggers_fired(t.written, catalog, keeps=keeps))
    missing = tuple(dict.fromkeys(m for t in tried for m in t.missing))
    return Rehearsal(
        name=subject.plan.name,
        state=None if subject.run is None else subject.run.state.value,
        relations=tuple(zip(measured, forecasts, strict=True)),
        total=total,
        stands_in=any(t.stands_in for t in tried),
        triggers=tuple(fired),
        foreign_keys=keys,
        missing_rights=missing,
        notes=(*_about(tried, server), *about_keys(keys), *hints(measured, forecasts, total, plan, server)),
    )


def _about(tried: list[_Tried], server: Server) -> Iterator[Note]:
    """What the numbers are worth."""
    for one in tried:
        name = str(one.written.table.name)
        if one.stands_in and isinstance(one.written.work, RowChange):
            yield Note(
                about=name,
                message=f"column {one.written.work.new_names} is not there before expand: in its place "
                f"{one.written.work.old[0]} was written with its own values, which no trigger of crossfade saw. Run "
                "`crossfade expand` and rehearse again for what time, WAL, growth and HOT updates really come to",
            )
        if len(one.measured) > _MOST:
            yield Note(
                about=name,
                message=f"batches were tried in the {_MOST} largest of {len(one.measured)} relations; the others are "
                "taken to be like them",
            )
    if any(m.timed for t in tried for m in t.measured) and not server.tells_own_wal:
        yield Note(
            about="WAL",
            message="this server counts the WAL of all sessions together: the numbers are upper bounds, since what "
            "others wrote meanwhile is in them",
        )

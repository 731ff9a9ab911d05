"""Everything that a reviewer asks of a run, read from the ledger as it is at one instant; nothing is written.

It needs no more than the rights of `crossfade_reader`, and works in every state. Of values of users' rows there is none
but their keys. Addresses in the plan and in what gates saw are without user, password and query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from psycopg.rows import dict_row

from crossfade.operations.rows.data_statement import statement
from crossfade.postgres.connect import masked
from crossfade.postgres.names import QualifiedName
from crossfade.workflow import ledger
from crossfade.workflow.program import from_json
from crossfade.workflow.queries import query

if TYPE_CHECKING:
    import psycopg

    from crossfade.operations.step import Step
    from crossfade.workflow.ledger import RunRow
    from crossfade.workflow.program import Program

Row = Mapping[str, Any]
_MOST_EVALUATIONS = 500
_MOST_ROWS = 500
_MOST_EVENTS = 2000
_ADDRESS = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>]+")
_WRITTEN = "changes"
"""What the plan has in SQL: it is shown as it is, and so are the statements that it becomes."""

_RUN = (
    "SELECT created_by, started_by, pg_catalog.current_database() AS database FROM crossfade.runs WHERE id = %(run_id)s"
)
_EARLIER = (
    "SELECT id, state, digest, created_at, state_since AS ended_at, created_by, started_by FROM crossfade.runs"
    " WHERE name = %(name)s AND id <> %(run_id)s ORDER BY id"
)
_PHASES = "SELECT phase, started_at, finished_at FROM crossfade.phases WHERE run_id = %(run_id)s ORDER BY started_at"
_STEPS = (
    "SELECT id, state, attempts, lock_wait_ms, duration_ms, started_at, finished_at FROM crossfade.steps"
    " WHERE run_id = %(run_id)s"
)
_APPROVALS = (
    "SELECT phase, approver, role, reason, withdraws, at, db_user, digest,"
    " digest = crossfade.approved_digest(run_id) AS is_of_this_plan FROM crossfade.approvals"
    " WHERE run_id = %(run_id)s ORDER BY id"
)
_OVERRIDES = (
    "SELECT phase, gate, actor, reason, at, until, db_user, digest FROM crossfade.overrides"
    " WHERE run_id = %(run_id)s ORDER BY id"
)
_EVENTS = (
    "SELECT at, kind, actor, data, pg_catalog.count(*) OVER () AS all_events FROM crossfade.events"
    " WHERE run_id = %(run_id)s ORDER BY id DESC LIMIT %(most)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedStep:
    """A step of the program, and how it went; one that was never begun is `pending`."""

    id: str
    phase: str
    part: str
    title: str
    sql: tuple[str, ...]
    undo: tuple[str, ...]
    transactional: bool
    locks: tuple[Mapping[str, str], ...]
    state: str = "pending"
    attempts: int = 0
    lock_wait_ms: float = 0.0
    duration_ms: float = 0.0
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A run with all that was decided and done. Rows are the ledger's, the oldest first; times are the database's."""

    name: str
    database: str
    run: int
    """The run's id in the ledger."""
    state: str
    state_since: datetime
    paused: str | None
    failed: Row | None
    retain_until: datetime | None
    digest: str
    """Of the plan as it was written, with what is left out here."""
    plan: Row
    acks: tuple[str, ...]
    started_by: str
    """The person who asked for it."""
    created_by: str
    """The database role that registered it."""
    created_at: datetime
    earlier: tuple[Row, ...]
    """Runs of the same name that were over before this one began."""
    phases: tuple[Row, ...]
    steps: tuple[AuditedStep, ...]
    rows: tuple[Row, ...]
    """The statement that batches of each table send."""
    batches: tuple[Row, ...]
    """What they came to, by table."""
    approvals: tuple[Row, ...]
    overrides: tuple[Row, ...]
    evaluations: tuple[Row, ...]
    """Those that say something new, and those on whose word a step ran."""
    evaluations_left_out: int
    quarantined: tuple[Row, ...]
    quarantined_left_out: int
    events: tuple[Row, ...]
    events_left_out: int

    def as_json(self) -> dict[str, Any]:
        """The document of `audit RUN --json`."""
        document: dict[str, Any] = _json(asdict(self))
        return document


def read_audit(connection: psycopg.Connection[Any], name: str) -> Audit:
    """The latest run of that name. Raises UnknownRun and psycopg.Error."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _read(connection, ledger.get_run(connection, name))


def _read(connection: psycopg.Connection[Any], run: RunRow) -> Audit:
    def rows(query: str | bytes, most: int | None = None) -> list[dict[str, Any]]:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, {"run_id": run.id, "name": run.name, "most": most}).fetchall()

    program = from_json(run.program)
    steps = {row.pop("id"): row for row in rows(_STEPS)}
    evaluations, left_out = _counted(rows(query("audit_evaluations"), _MOST_EVALUATIONS), "all_evaluations")
    quarantined, rows_left_out = _counted(rows(query("audit_quarantine"), _MOST_ROWS), "all_rows")
    events, events_left_out = _counted(rows(_EVENTS, _MOST_EVENTS), "all_events")
    (about,) = rows(_RUN)
    return Audit(
        name=run.name,
        run=run.id,
        state=run.state.value,
        state_since=run.state_since,
        paused=run.paused,
        failed=without_secrets(run.failed),
        retain_until=run.retain_until,
        digest=run.digest,
        plan={key: value if key == _WRITTEN else without_secrets(value) for key, value in run.plan.items()},
        acks=run.acks,
        created_at=run.created_at,
        earlier=tuple(rows(_EARLIER)),
        phases=tuple(rows(_PHASES)),
        steps=tuple(_step(step, steps.get(step.id, {})) for step in program.steps),
        rows=_row_statements(program),
        batches=tuple(rows(query("audit_batches"))),
        approvals=tuple(rows(_APPROVALS)),
        overrides=tuple(rows(_OVERRIDES)),
        evaluations=tuple(without_secrets(evaluations[::-1])),
        evaluations_left_out=left_out,
        quarantined=tuple(quarantined),
        quarantined_left_out=rows_left_out,
        events=tuple(without_secrets(events[::-1])),
        events_left_out=events_left_out,
        **about,
    )


def _counted(rows: list[dict[str, Any]], total: str) -> tuple[list[dict[str, Any]], int]:
    """The rows without the column that counts all of them, and how many are missing."""
    found = max((row[total] for row in rows), default=0)
    return [{k: v for k, v in row.items() if not k.startswith("all_")} for row in rows], found - len(rows)


def _step(step: Step, row: Row) -> AuditedStep:
    return AuditedStep(
        id=step.id,
        phase=step.phase.value,
        part=step.part.value,
        title=step.title,
        sql=tuple(s.text for s in step.statements),
        undo=tuple(s.text for s in step.undo),
        transactional=step.transactional,
        locks=tuple({"relation": lock.relation, "mode": lock.mode.words} for lock in step.locks),
        **row,
    )


def _row_statements(program: Program) -> tuple[Row, ...]:
    return tuple({"relation": str(QualifiedName(w.schema, w.table)), "sql": statement(w)} for w in program.work)


def without_secrets(value: Any) -> Any:
    """The value with every address in it without user, password, query and fragment, and no password of a conninfo."""
    if isinstance(value, str):
        return masked(_ADDRESS.sub(lambda found: _bare(found[0]), value))
    if isinstance(value, Mapping):
        return {key: without_secrets(item) for key, item in value.items()}
    return [without_secrets(item) for item in value] if isinstance(value, list | tuple) else value


def _bare(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address.partition('://')[0]}://***"
    place = parts.netloc.rpartition("@")[2]
    who = "***@" if "@" in parts.netloc else ""
    asked = "***" if parts.query else ""
    return urlunsplit((parts.scheme, f"{who}{place}", parts.path, asked, ""))


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value

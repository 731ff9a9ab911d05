"""What others' work on partitions leaves of ours, taken away before a run gets into its next state.

On DETACH PostgreSQL drops the triggers that keep a partition's twin in step and keeps the CHECK on the twin, so that
inserts into the detached table fail for want of the twin's value. Once the run has gone on without it, the CHECK goes;
at the end of the run, when no statement looks for them any more, the twin goes, and indexes and constraints get their
names back.
Before a rollback the twin goes as well, since it would keep a type of ours from being dropped. A hidden column that had
a user's name holds a user's data: it only stops being NOT NULL, and goes where its drop was due.

A partition that is made or attached meanwhile gets indexes that PostgreSQL names after our columns, and with LIKE our
comments. At the end the indexes get the names that they would have got without the run, and the comments go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from crossfade.operations.indexes.chosen_names import relation_name
from crossfade.operations.step import Part
from crossfade.postgres.forecast.chosen_names import numbered
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import OWN_NAME, is_own_name, mark
from crossfade.postgres.statement import Lock, LockMode
from crossfade.workflow import baseline, baseline_rows, in_its_place, ledger
from crossfade.workflow.affected_names import forwards
from crossfade.workflow.names_back import WayBack, is_there
from crossfade.workflow.names_in_statements import Kind, Name, given_by, parsed
from crossfade.workflow.queries import query
from crossfade.workflow.states import FINAL, State
from crossfade.workflow.step_locks import locked, waiting_for

if TYPE_CHECKING:
    from crossfade.workflow.session import Session

_TWINS = frozenset({"twin"})
_CHECKS = frozenset({"nn", "back"})
_SPARE = frozenset({"key"})
_COPIES = frozenset({"ck", "fk"})
"""Over a twin that stays, since it has a user's name."""
_STATISTICS = frozenset({"st"})
_BUILT_IN = {State.EXPANDED: Part.EXPAND, State.RETAINED: Part.HIDE}
_NAMED_BACK: dict[str, Kind] = {"name": "constraint", "statistics": "statistics"}
"""What gets its former name back, and how that is looked up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """Something of ours on a table."""

    kind: str
    schema: str
    table: str
    name: str
    columns: list[str] | None = None
    """Of an index that has to get another name: what its columns and expressions are called now."""
    label: str | None = None
    """What PostgreSQL puts behind them in the index's name."""
    comment: str | None = None
    """What its parent has, in place of ours."""


def clear(session: Session, target: State) -> None:
    """Before a run gets into its next state. Raises LockNotAcquired and WorkLeft; nothing was changed then."""
    alone, left = _on_detached(session, target), _unlike(session, target)
    if not alone and not left:
        return
    wanted = {_relation(one): Lock(relation=_relation(one), mode=LockMode.SHARE_UPDATE_EXCLUSIVE) for one in left}
    # Statistics may be in another schema than their table, and their names are nobody's but theirs.
    on_tables = {_relation(one) for one in alone if "statistics" not in one.kind}
    wanted |= {name: Lock(relation=name, mode=LockMode.ACCESS_EXCLUSIVE) for name in on_tables}

    def body() -> None:
        ledger.prove_lease(session.work, session.run_id, session.token)
        # One after the other: which names are free depends on those before.
        for statement in chain(_taken_away(session, target), _put_right(session, target)):
            # What somebody made on a twin since then does not hold the run up: `doctor --orphans` names the twin.
            with suppress(psycopg.errors.DependentObjectsStillExist), session.work.transaction():
                session.work.execute(statement)
        baseline.keep(session)

    what = "take away what is left on partitions"
    locked(session, what, tuple(wanted.values()), body, waiting_for(session, "left"))


def _taken_away(session: Session, target: State) -> Iterator[sql.Composed]:
    former = _former_names(session)
    for one in _on_detached(session, target):
        if one.kind not in _NAMED_BACK:
            yield _dropped(one)
        elif not _has_name(session, one, former[one.name]):
            yield _named_back(one, former[one.name])


def _has_name(session: Session, left: _Left, name: str) -> bool:
    looked_up = _NAMED_BACK[left.kind]
    asked = Name(kind=looked_up, what=looked_up, schema=left.schema, table=left.table, name=name)
    return is_there(session.work, WayBack(), asked)


def _named_back(left: _Left, name: str) -> sql.Composed:
    new = sql.Identifier(name)
    if left.kind == "statistics":
        return sql.SQL("ALTER STATISTICS {} RENAME TO {}").format(sql.Identifier(left.schema, left.name), new)
    table, old = sql.Identifier(left.schema, left.table), sql.Identifier(left.name)
    return sql.SQL("ALTER TABLE {} RENAME CONSTRAINT {} TO {}").format(table, old, new)


def _put_right(session: Session, target: State) -> Iterator[sql.Composed]:
    left, former = _unlike(session, target), _former_names(session)
    yield from (_commented(one) for one in left if one.columns is None)
    yield from (_renamed(session, one, former.get(one.name)) for one in left if one.columns is not None)


def _relation(left: _Left) -> str:
    return str(QualifiedName(left.schema, left.table))


def _on_detached(session: Session, target: State) -> tuple[_Left, ...]:
    detached = baseline_rows.detached(session)
    if not detached:
        return ()
    names, ends = _own_names(session), target in FINAL
    hidden = frozenset(d.hidden for rows in session.program.rows for d in rows.dropped)
    twins = _with_purpose(names, _TWINS)
    dropped = twins | (hidden if target is State.CONTRACTED else frozenset())
    asked = {
        "detached": detached,
        "columns": [*dropped] if ends or target is State.ROLLING_BACK else [],
        "hidden": [*hidden - dropped],
        "constraints": [*_with_purpose(names, _CHECKS | _COPIES if ends else _CHECKS)],
        "statistics": [*_with_purpose(names, _STATISTICS)] if ends else [],
        "indexes": [*_with_purpose(names, _SPARE)] if ends else [],
        "built": _built(session, target),
        "aside": [*_former_names(session)] if ends else [],
    }
    with session.work.cursor(row_factory=class_row(_Left)) as cursor:
        return tuple(cursor.execute(query("left_on_detached"), asked).fetchall())


def _built(session: Session, target: State) -> list[int]:
    """Indexes of the phase that ends: on a partition that left meanwhile, nothing was made of them."""
    parts = [part for state, part in _BUILT_IN.items() if state is target]
    steps = (step for step in session.program.of(*parts) if not step.transactional)
    return in_its_place.oids_left_by(session.work, session.run_id, steps)


def _own_names(session: Session) -> dict[str, str]:
    """The purpose of each name of ours in the program."""
    text = json.dumps(session.program.as_json())
    return {found.group(): found.group(1) for found in OWN_NAME.finditer(text)}


def _with_purpose(names: dict[str, str], purposes: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name, purpose in names.items() if purpose in purposes)


def _former_names(session: Session) -> dict[str, str]:
    """What the steps that hide gave names of ours to, by these: the names that it had."""
    nodes = (node for text in forwards(session.program.of(Part.HIDE)) for node in parsed(text))
    renamed = (given for node in nodes for given in given_by(node))
    return {g.target.name: g.source.name for g in renamed if g.source is not None and is_own_name(g.target.name)}


def _unlike(session: Session, target: State) -> tuple[_Left, ...]:
    """What is to be put right at the end; an index over a column that is another run's is that one's matter."""
    if target not in FINAL or session.program.data:
        # Of a change of rows nothing is on a table.
        return ()
    asked: dict[str, Any] = {
        "family": [*baseline_rows.family(session), *baseline_rows.detached(session)],
        "mark": mark(session.name),
        "names": [*_own_names(session)],
    }
    with session.work.cursor(row_factory=class_row(_Left)) as cursor:
        found = cursor.execute(query("left_on_family"), asked).fetchall()
    goes = {(one.table, one.name) for one in _on_detached(session, target)}
    return tuple(
        one
        for one in found
        if (one.table, one.name) not in goes and not any(OWN_NAME.search(column) for column in one.columns or ())
    )


def _dropped(left: _Left) -> sql.Composed:
    table, name = sql.Identifier(left.schema, left.table), sql.Identifier(left.name)
    if left.kind == "column":
        return sql.SQL("ALTER TABLE {} DROP COLUMN IF EXISTS {}").format(table, name)
    if left.kind == "not null":
        return sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL").format(table, name)
    if left.kind == "constraint":
        return sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(table, name)
    what = sql.SQL("STATISTICS" if left.kind == "copied statistics" else "INDEX")
    return sql.SQL("DROP {} IF EXISTS {}").format(what, sql.Identifier(left.schema, left.name))


def _commented(left: _Left) -> sql.Composed:
    table, comment = sql.Identifier(left.schema, left.table), sql.Literal(left.comment)
    if left.kind == "column":
        column = sql.Identifier(left.schema, left.table, left.name)
        return sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, comment)
    if left.kind == "constraint":
        name = sql.Identifier(left.name)
        return sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(name, table, comment)
    return sql.SQL("COMMENT ON INDEX {} IS {}").format(sql.Identifier(left.schema, left.name), comment)


def _renamed(session: Session, left: _Left, former: str | None) -> sql.Composed:
    """As it was called before, or as PostgreSQL would have called it."""
    rows = session.work.execute(
        "SELECT relname::pg_catalog.text FROM pg_catalog.pg_class"
        " WHERE relnamespace = %(schema)s::pg_catalog.regnamespace"
        " UNION SELECT conname::pg_catalog.text FROM pg_catalog.pg_constraint"
        " WHERE %(label)s <> 'idx' AND connamespace = %(schema)s::pg_catalog.regnamespace",
        {"schema": quoted(left.schema), "label": left.label},
    ).fetchall()
    taken = {QualifiedName(left.schema, name) for (name,) in rows}
    columns = () if left.label == "pkey" else numbered(left.columns or ())
    name = relation_name(QualifiedName(left.schema, left.table), columns, left.label or "idx", taken)
    if former is not None and QualifiedName(left.schema, former) not in taken:
        name = former
    return sql.SQL("ALTER INDEX {} RENAME TO {}").format(sql.Identifier(left.schema, left.name), sql.Identifier(name))

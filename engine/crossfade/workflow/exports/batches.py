"""The rows of a backfill as one statement that commits after each batch, and the comparison of both shapes. Pure.

A batch is a stretch of the table's blocks, so no key is needed and every block is read once in a pass. A batch that
meets a locked row waits a moment only and is left to the next pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.rows.data_statement import listed, statement
from crossfade.operations.step import Copy, DataChange, Delete, RowCopy, Update
from crossfade.postgres.statement import render
from crossfade.workflow.exports.block import block, body

if TYPE_CHECKING:
    from crossfade.operations.step import RowChange, RowLook, RowWork

BLOCKS = 16
"""Blocks of a batch."""
LOCK_TIMEOUT = "200ms"
"""How long a batch waits for a row that others hold."""
PASSES = 100
"""How often the table is gone through before the rows count as never finished."""

_RANGE = sql.SQL(
    "ctid >= pg_catalog.format('(%s,0)', crossfade_block)::pg_catalog.tid"
    " AND ctid < pg_catalog.format('(%s,0)', crossfade_block + {})::pg_catalog.tid AND ({})"
)
_UPDATE = sql.SQL("UPDATE {table} SET {set}\n                WHERE {rows}")
_UPDATE_ONCE = sql.SQL(
    "WITH written AS (UPDATE {table} SET {set}\n                WHERE {rows}\n"
    "                RETURNING ({pending}) AS again)\n"
    "                SELECT pg_catalog.count(*) FILTER (WHERE w.again) INTO crossfade_again FROM written AS w;\n"
    "                IF crossfade_again > 0 THEN\n"
    "                    RAISE EXCEPTION USING MESSAGE = {message};\n"
    "                END IF"
)
_DELETE = sql.SQL("DELETE FROM {table}\n                WHERE {rows}")
_DELETE_AND_KEEP = sql.SQL(
    "WITH gone AS (DELETE FROM {table}\n                WHERE {rows} RETURNING *)\n"
    "                INSERT INTO {archive} ({columns}) SELECT {columns} FROM gone"
)
_COPY = sql.SQL(
    "INSERT INTO {into} ({columns})\n                SELECT {values} FROM {table}\n                WHERE {rows} {last}"
)
_IS_THERE = sql.SQL("EXISTS (SELECT FROM {} WHERE {})")
_COMPARE = sql.SQL(
    "BEGIN\n    IF {} THEN\n        RAISE EXCEPTION USING MESSAGE = {}, HINT = 'Apply the backfill again.';\n"
    "    END IF;\nEND"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """The statement for the rows of one table."""

    statement: str
    is_batched: bool
    """Whether it commits after each batch, and so cannot run in a transaction."""


def in_batches(work: RowWork) -> Batches:
    """What does to every pending row what is to be done.

    A copy that would make a row twice if it was met twice is one statement.
    """
    if isinstance(work, DataChange) and isinstance(work.write, Copy) and not work.write.on_conflict:
        return Batches(statement=statement(work), is_batched=False)
    # Rows that come while the data is changed are not meant.
    over = sql.SQL("true") if isinstance(work, DataChange) else sql.SQL("NOT {}").format(_is_there(work))
    made = body("batches").format(
        passes=sql.Literal(PASSES),
        name=sql.Literal(render(_table(work))),
        lock_timeout=sql.Literal(LOCK_TIMEOUT),
        write=_write(work),
        blocks=sql.Literal(BLOCKS),
        over=over,
        message=sql.Literal(f"rows of {work.schema}.{work.table} are still to be worked on after {PASSES} passes"),
    )
    return Batches(statement=block(render(made)), is_batched=True)


def _write(work: RowWork) -> sql.Composed:
    table, pending = _table(work), sql.SQL(work.pending)
    rows = _RANGE.format(sql.Literal(BLOCKS), pending)
    match work.write:
        case Update(assignment=assignment):
            form = _UPDATE_ONCE if isinstance(work, DataChange) else _UPDATE
            message = f"rows of {work.schema}.{work.table} are still meant after they were changed"
            return form.format(
                table=table, set=sql.SQL(assignment), rows=rows, pending=pending, message=sql.Literal(message)
            )
        case Delete(archive=None):
            return _DELETE.format(table=table, rows=rows)
        case Delete(archive=archive, columns=columns):
            return _DELETE_AND_KEEP.format(
                table=table, rows=rows, archive=sql.SQL(archive or ""), columns=listed(columns)
            )
        case Copy(into=into, columns=columns, values=values, on_conflict=on_conflict, locking=locking):
            return _COPY.format(
                into=sql.SQL(into),
                columns=listed(columns),
                values=listed(values),
                table=table,
                rows=rows,
                last=sql.SQL(f"{locking} {on_conflict}".strip()),
            )


def compared(work: RowChange | RowCopy) -> str:
    """Fails if there is a row whose two shapes differ; reads only."""
    looks: list[RowWork | RowLook] = [work]
    if isinstance(work, RowCopy):
        looks.append(work.surplus)
    found = sql.SQL(" OR ").join(_is_there(look) for look in looks)
    message = f"rows of {work.schema}.{work.table} do not hold the same in both shapes"
    return block(render(_COMPARE.format(found, sql.Literal(message))))


def _is_there(work: RowWork | RowLook) -> sql.Composed:
    return _IS_THERE.format(_table(work), sql.SQL(work.pending))


def _table(work: RowWork | RowLook) -> sql.Identifier:
    return sql.Identifier(work.schema, work.table)

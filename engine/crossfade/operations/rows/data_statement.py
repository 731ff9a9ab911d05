"""A change of rows as one statement, for people and for preflight; a run sends it with the bounds of a batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.step import Copy, Delete, Update
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.step import RowWork
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.names import QualifiedName


def statement(work: RowWork, relation: QualifiedName | None = None) -> str:
    """The whole statement; on one relation alone that holds rows of the table, if it is given."""
    table: sql.Composable = sql.Identifier(work.schema, work.table)
    if relation is not None:
        table = sql.SQL("ONLY {}").format(sql.Identifier(relation.schema, relation.name))
    pending = sql.SQL(work.pending)
    match work.write:
        case Update(assignment=assignment):
            return render(sql.SQL("UPDATE {} SET {} WHERE {}").format(table, sql.SQL(assignment), pending))
        case Delete(archive=None):
            return render(sql.SQL("DELETE FROM {} WHERE {}").format(table, pending))
        case Delete(archive=archive, columns=columns):
            kept = listed(columns)
            return render(
                sql.SQL(
                    "WITH gone AS (DELETE FROM {} WHERE {} RETURNING *) INSERT INTO {} ({}) SELECT {} FROM gone"
                ).format(table, pending, sql.SQL(str(archive)), kept, kept)
            )
        case Copy(into=into, columns=columns, values=values, on_conflict=on_conflict, locking=locking):
            last = sql.SQL("".join(f" {clause}" for clause in (locking, on_conflict) if clause))
            return render(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} WHERE {}{}").format(
                    sql.SQL(into), listed(columns), listed(values), table, pending, last
                )
            )


def listed(parts: Iterable[str]) -> sql.Composed:
    """Pieces of SQL, in SQL's quoting already, with commas between them."""
    return sql.SQL(", ").join(sql.SQL(part) for part in parts)


def pending(where: Expression | None) -> str:
    """The condition that is true for the rows that are meant, and never NULL."""
    return "true" if where is None else f"({where.sql}) IS TRUE"

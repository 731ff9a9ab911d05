"""SQL of a schema plan put before the database: each piece is tried on an empty table, and taken back.

Whether a type or a function exists, whether a cast does, whether an index's expression is immutable or a default fits,
only the server knows. The table is temporary and has the columns that the piece is about, so that no user's table is
locked or even looked at. A statement that is about no table is tried as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.trial import TRIAL_TABLE
from crossfade.plan.words import shown
from crossfade.workflow.queries import query
from crossfade.workflow.server_says import explained, is_volatile, refusal_of, volatile

if TYPE_CHECKING:
    from crossfade.operations.trial import Trial
    from crossfade.postgres.catalog import Catalog

Connection = psycopg.Connection[Any]


def trial_refusals(connection: Connection, trials: Iterable[Trial], catalog: Catalog) -> Iterator[Refusal]:
    """What the database has against them; the session's search_path is `pg_catalog`."""
    for trial in trials:
        try:
            if _try(connection, trial):
                yield volatile(connection, trial.where, (trial.shown, trial.functions), catalog)
        except psycopg.errors.TooManyColumns:
            # Of the table itself this is known from its catalog, with the columns that were dropped.
            continue
        except psycopg.Error as error:
            if trial.about is not None and error.sqlstate is not None and error.sqlstate not in trial.about:
                continue
            if _calls_row_functions(connection, trial):
                continue
            refusal = _in_users_names(refusal_of(error, trial.where, f"{shown(trial.shown)}: ", catalog), trial)
            parts = (replace(part, made=trial.made, prelude=(*trial.prelude, *part.prelude)) for part in trial.parts)
            yield from _each_fault_once(trial_refusals(connection, parts, catalog)) or (refusal,)


def _each_fault_once(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """What is wrong with one part fails those that use it too, with the same words behind their own."""
    first = {refusal.message.partition(": ")[2]: refusal for refusal in reversed(tuple(refusals))}
    return tuple(reversed(first.values()))


def _in_users_names(refusal: Refusal, trial: Trial) -> Refusal:
    """The server's words with the users' names in place of ours; what is ours never stands alone in them."""
    message, instead = refusal.message, trial.instead or refusal.instead
    for ours, theirs in ((f"{TRIAL_TABLE.partition('.')[2]}.", ""), *trial.called):
        message, instead = message.replace(ours, theirs), instead.replace(ours, theirs)
    return replace(refusal, message=message, instead=instead)


def _try(connection: Connection, trial: Trial) -> bool:
    """Try it, and take it back; whether its value turns out to be volatile. Raises psycopg.Error."""
    columns = [sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(spelling)) for name, spelling in trial.columns]
    if trial.key:
        columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, trial.key))))
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path TO DEFAULT")
        if not _has_made(connection, trial):
            return False
        for statement in trial.prelude:
            connection.execute(statement.encode())
        connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE {} ({})").format(sql.SQL(TRIAL_TABLE), sql.SQL(", ").join(columns))
        )
        connection.execute(trial.statement.encode())
        if trial.value is None:
            return False
        return is_volatile(explained(connection, _over_rows(trial)))


def _has_made(connection: Connection, trial: Trial) -> bool:
    """Make what the trial needs of the plan; the bodies of functions may be about tables that are not there yet."""
    connection.execute("SET LOCAL check_function_bodies = off")
    try:
        for statement in trial.made:
            connection.execute(statement.encode())
    except psycopg.OperationalError:
        raise
    except psycopg.Error:
        return False
    return True


def _calls_row_functions(connection: Connection, trial: Trial) -> bool:
    if not trial.row_functions:
        return False
    row = connection.execute(query("row_functions"), {"names": list(trial.row_functions)}).fetchone()
    return row is not None


def _over_rows(trial: Trial) -> str:
    """A query whose plan says whether the value is volatile: over rows, since the planner folds what is constant.

    The planner merges a subquery into the query around it unless one of its values is volatile: operators and casts
    count too, and of a function's forms only the one that is meant.
    """
    row = sql.SQL(", ").join(sql.SQL("NULL::{}").format(sql.SQL(spelling)) for _, spelling in trial.columns)
    names = sql.SQL(", ").join(sql.Identifier(name) for name, _ in trial.columns)
    return (
        sql.SQL("SELECT FROM (SELECT {} AS x FROM (VALUES ({}), ({})) AS r ({})) AS s WHERE x IS NOT NULL")
        .format(sql.SQL(trial.value or ""), row, row, names)
        .as_string(None)
    )

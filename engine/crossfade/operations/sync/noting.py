"""Notes that our triggers leave of writes: PL/pgSQL that calls `crossfade.note_write`.

Every operator and function in it is named with its schema, since a pinned search_path would cost each row as much
again as the trigger does.
"""

from __future__ import annotations

from psycopg import sql

from crossfade.postgres.own_names import LEDGER_SCHEMA


def note(
    *,
    plan: str,
    kind: str,
    about: str,
    setting: str,
    condition: sql.Composable,
    once_a_second: bool,
    example: sql.Composable | None = None,
) -> sql.Composed:
    """An IF that records a write under `kind` (`legacy`, `conflict`, `violation`) where the condition holds.

    `example` is the row's key, as jsonb, for the note to tell.

    What may come often is noted once a second and session, as a setting of the session knows. By the clock: a statement
    may take hours, and a CALL may commit many times meanwhile.
    """
    name = sql.Literal(f"{LEDGER_SCHEMA}.{setting}")
    if once_a_second:
        condition = sql.SQL(
            "coalesce(pg_catalog.current_setting({}, true) OPERATOR(pg_catalog.<>) ("
            "pg_catalog.current_setting('application_name') OPERATOR(pg_catalog.||) pg_catalog.date_part("
            "'epoch', pg_catalog.clock_timestamp())::pg_catalog.int8::pg_catalog.text), true) AND {}"
        ).format(name, condition)
    arguments = [sql.Literal(plan), sql.Literal(kind), sql.SQL("TG_RELID"), sql.Literal(about), name]
    arguments += [] if example is None else [example]
    return sql.SQL(" IF {} THEN PERFORM {}.note_write({}); END IF;").format(
        condition, sql.Identifier(LEDGER_SCHEMA), sql.SQL(", ").join(arguments)
    )

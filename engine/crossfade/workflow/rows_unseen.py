"""Whether our role can look for rows that a way back would stop at: row security may hide them from it, and a unique
index is tried on a copy in a temporary table, which it may not be allowed to make. By the catalog alone.

PostgreSQL checks every row by a CHECK, NOT NULL and what stands on an index, whoever asks; by a foreign key those that
the role sees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg
from psycopg import sql

from crossfade.operations.step import Step
from crossfade.postgres.statement import render
from crossfade.workflow.constraints_back import Validated, coming_back

Connection = psycopg.Connection[Any]


def in_the_way(connection: Connection, steps: Iterable[Step], validated: Validated) -> Iterator[str]:
    """What the undo of these steps may stop at without our being able to tell, in words with what to do."""
    steps = tuple(steps)
    for way in (way for step in steps for way in step.in_the_way):
        yield from hidden(connection, way.relation, f"NULL in {way.columns[-1]}, which is NOT NULL again then,")
    for back in coming_back(steps, validated):
        if back.constraint is None or back.constraint.contype.name != "CONSTR_FOREIGN":
            yield from hidden(connection, str(back.name), f"what {back.what} refuses, which comes back,")
        if back.trial:
            yield from _no_copy(connection, f"{back.what} of {back.name}")


def hidden(connection: Connection, relation: str, what: str) -> Iterator[str]:
    """That there may be something in rows which row security hides from our role, if it does."""
    row = connection.execute(
        "SELECT current_user::pg_catalog.text"
        " WHERE pg_catalog.row_security_active(pg_catalog.to_regclass(%s)::pg_catalog.oid)",
        [relation],
    ).fetchone()
    if row is not None:
        forced = render(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(sql.SQL(relation)))
        yield (
            f"row security hides rows of {relation} from role {row[0]}, so that {what} cannot be looked for: connect "
            f"as a role with BYPASSRLS, or as the owner after {forced}"
        )


def _no_copy(connection: Connection, what: str) -> Iterator[str]:
    row = connection.execute(
        "SELECT pg_catalog.current_database()::pg_catalog.text, current_user::pg_catalog.text"
        " WHERE NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY')"
    ).fetchone()
    if row is not None:
        grant = sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(*map(sql.Identifier, row))
        yield f"role {row[1]} may make no temporary table to try {what} in before it comes back: {render(grant)}"

"""Preflight: a plan against the database as it is now, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import Refusal
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.pooler import transaction_pooler
from crossfade.workflow.program import Compilation, compile_plan
from crossfade.workflow.star_statements import star_cautions

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

Connection = psycopg.Connection[Any]


def examine(connect: Callable[[], Connection], url: str, plan: Plan, acks: Iterable[str]) -> Compilation:
    """The plan compiled against the database, with all that speaks against it, less what `acks` accept.

    The session's own search_path says which table an unqualified name means, so ours is reset for the reading.
    """
    with connect() as connection:
        connection.execute("RESET search_path")
        catalog = read_catalog(connection, [(c.table.schema, c.table.name) for c in plan.changes])
        connection.execute("SET search_path = pg_catalog")
        compilation = compile_plan(plan, catalog)
        tables = tuple(t.name for t in catalog.tables)
        stars = star_cautions(connection, tables, catalog.statements_extension)
    pooled = transaction_pooler(url)
    refusals = (*_pooler_refusals(pooled), *compilation.refusals)
    return replace(compilation, refusals=refusals, cautions=(*compilation.cautions, *stars)).accepting(acks)


def _pooler_refusals(pooled: str | None) -> tuple[Refusal, ...]:
    if pooled is None:
        return ()
    return (
        Refusal(
            code="transaction_pooler",
            object="connection",
            message=f"{pooled} Leases, session settings and lock reports need a session of their own.",
            instead="Connect crossfade to the server itself, or through a pool in session mode; apps may stay.",
        ),
    )

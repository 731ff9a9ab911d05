"""Preflight: a plan against the database as it is now, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.postgres.catalog_read import read_catalog
from crossfade.workflow.program import Compilation, compile_plan
from crossfade.workflow.star_statements import star_cautions

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

Connection = psycopg.Connection[Any]


def examine(connect: Callable[[], Connection], plan: Plan, acks: Iterable[str]) -> Compilation:
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
    return replace(compilation, cautions=(*compilation.cautions, *stars)).accepting(acks)

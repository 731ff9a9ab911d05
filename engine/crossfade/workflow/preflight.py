"""Preflight: a plan against the database as it is now, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.plan.fixed import NOTHING_FIXED, Fixed
from crossfade.postgres.catalog_read import read_with_partners, read_with_references
from crossfade.postgres.domain_users import tables_with
from crossfade.workflow.data_preflight import data_refusals
from crossfade.workflow.duplicates import duplicate_cautions
from crossfade.workflow.fixed_schemas import fixed_refusals
from crossfade.workflow.gate_queries import gate_query_cautions
from crossfade.workflow.program import Compilation, compile_plan
from crossfade.workflow.published_writes import published_refusals
from crossfade.workflow.recordable import recordable
from crossfade.workflow.recording import with_records
from crossfade.workflow.reference_rights import reference_refusals
from crossfade.workflow.star_statements import star_cautions
from crossfade.workflow.stranger_cautions import stranger_cautions
from crossfade.workflow.trials import trial_refusals
from crossfade.workflow.violations import violation_cautions

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

Connection = psycopg.Connection[Any]


def examine(
    connect: Callable[[], Connection], plan: Plan, acks: Iterable[str], fixed: Fixed = NOTHING_FIXED
) -> Compilation:
    """The plan compiled against the database, with all that speaks against it, less what `acks` accept.

    What it changes of `fixed` speaks against it, too.

    The session's own search_path says which table an unqualified name means, so ours is reset for the reading.
    """
    with connect() as connection:
        connection.execute("RESET search_path")
        named = dict.fromkeys(table for change in plan.changes for table in change.tables)
        types = tuple(t for change in plan.changes for t in change.types)
        follows = any(change.follows_references for change in plan.changes)
        read = read_with_references if follows else read_with_partners
        everywhere = [(domain.schema, domain.name) for change in plan.changes for domain in change.domains]
        everywhere += [(enum.schema, enum.name) for change in plan.changes for enum in change.changed_types]
        wanted = [(table.schema, table.name) for table in named]
        catalog = read(connection, [*wanted, *tables_with(connection, everywhere)], types)
        connection.execute("SET search_path = pg_catalog")
        compilation = compile_plan(plan, catalog)
        against = (
            *fixed_refusals(connection, compilation.program, catalog, fixed),
            *data_refusals(connection, plan, compilation.program, catalog),
            *published_refusals(connection, compilation.program, catalog),
            *reference_refusals(connection, compilation.program, catalog),
            *trial_refusals(connection, compilation.trials, catalog),
        )
        # Changes of rows leave the columns as they are.
        of_shape = compilation.program.steps and not compilation.program.data
        tables = tuple(t.name for t in catalog.tables) if of_shape else ()
        stars = star_cautions(connection, tables, catalog.statements_extension)
        strange = stranger_cautions(connection, plan, compilation.program)
        asked = tuple(gate_query_cautions(connection, plan, compilation.program))
        alike = duplicate_cautions(connection, compilation.looks, catalog)
        violating = violation_cautions(connection, compilation.looks)
        histories = recordable(connection, plan)
    return replace(
        compilation,
        program=with_records(compilation.program, histories.records),
        refusals=(*compilation.refusals, *against, *histories.refusals),
        cautions=(*compilation.cautions, *stars, *strange, *asked, *alike, *violating),
    ).accepting(acks)

"""Cautions about what the queries of a plan's gates `sql` read: a started plan cannot be corrected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.gates.phase_gates import gates_of, leaves
from crossfade.operations.step import Caution, Phase
from crossfade.plan.gates import Sql
from crossfade.postgres.forecast.trees import parse, relations_of
from crossfade.postgres.names import quoted
from crossfade.workflow.queries import query

if TYPE_CHECKING:
    from crossfade.plan.model import Plan
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]


def gate_query_cautions(connection: Connection, plan: Plan, program: Program) -> Iterator[Caution]:
    """One for each relation that such a query names and that is not there, or that our role may not read.

    Names are looked up as the gate does, by the role's own search_path. What a statement of the plan names may come to
    be there by it, and nothing is said of it.
    """
    named = {
        (phase, relation.schemaname, relation.relname): None
        for phase in Phase
        for gate in leaves(gates_of(plan, phase))
        if isinstance(gate.entry, Sql)
        for tree in parse(gate.entry.query)
        for relation in relations_of(tree)
    }
    for phase, schema, name in named:
        readable = _readable(connection, schema, name)
        shown = quoted(name) if schema is None else f"{quoted(schema)}.{quoted(name)}"
        reads = f"the query of a gate `sql` before {phase} reads it"
        if readable is None and not _are_named((schema or name, name), program):
            where = "and there is none of that name on the search_path" if schema is None else "and it is not there"
            yield Caution(code="gate_query", object=shown, message=f"{reads}, {where}")
        elif readable is False:
            yield Caution(code="gate_query", object=shown, message=f"{reads}, which our role may not")


def _readable(connection: Connection, schema: str | None, name: str) -> bool | None:
    """None where there is no such relation."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL search_path TO DEFAULT")
        row = connection.execute(query("readable_relation"), {"schema": schema, "name": name}).fetchone()
    return None if row is None else bool(row[0])


def _are_named(words: tuple[str, ...], program: Program) -> bool:
    """Whether some statement has all of them."""
    found = [re.compile(rf"\b{re.escape(word)}\b") for word in words]
    texts = (statement.text for step in program.steps for statement in step.statements)
    return any(all(one.search(text) for one in found) for text in texts)

"""Objects of ours that no living run accounts for: what a run left behind, or what lost its run.

Every object that crossfade makes on a user's table carries a comment that names its run. One is an orphan where the run
is unknown or over, or where the comment is missing. Nothing is changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import class_row

from crossfade.operations.own_names import mark
from crossfade.postgres.names import QualifiedName, quoted
from crossfade.workflow import ledger
from crossfade.workflow.states import FINAL, State

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """Something with a name or a comment of ours."""

    kind: str
    name: str
    schema: str
    relation: str | None
    """The table it belongs to; None for a function."""
    comment: str | None

    def __str__(self) -> str:
        if self.relation is None:
            return f"{self.kind} {QualifiedName(self.schema, self.name)}()"
        table = QualifiedName(self.schema, self.relation)
        if self.kind == "trigger":
            return f"trigger {self.name} on {table}"
        if self.kind == "column":
            return f"column {table}.{quoted(self.name)}"
        return f"{self.kind} {QualifiedName(self.schema, self.name)} on {table}"


def orphans(connection: Connection) -> tuple[str, ...]:
    """The objects, each with the run that it belonged to and why that does not count; works without a ledger too."""
    query = resources.files("crossfade.workflow").joinpath("sql", "orphans.sql").read_bytes()
    with connection.cursor(row_factory=class_row(_Object)) as cursor:
        objects = cursor.execute(query).fetchall()
    runs = _runs(connection) if objects else {}
    judged = ((found, _why(found.comment, runs)) for found in objects)
    return tuple(f"{found} ({why})" for found, why in judged if why is not None)


def _why(comment: str | None, runs: dict[str, State]) -> str | None:
    """Why nobody accounts for an object with this comment; None where a living run does."""
    if comment is None or not comment.startswith(mark("")):
        return "no comment that names its run"
    name = comment.removeprefix(mark(""))
    state = runs.get(name)
    if state is None:
        return f"run {name}: unknown"
    return f"run {name}: {state}" if state in FINAL else None


def _runs(connection: Connection) -> dict[str, State]:
    """The latest state under each name: only a run that was rolled back leaves its name to another."""
    if ledger.installed_version(connection) == 0:
        return {}
    rows = connection.execute("SELECT name, state FROM crossfade.runs ORDER BY id").fetchall()
    return {name: State(state) for name, state in rows}

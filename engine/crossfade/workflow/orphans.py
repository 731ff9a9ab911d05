"""Objects of ours that no living run accounts for: what a run left behind, or what lost its run.

Every object that crossfade makes on a user's table carries a comment that names its run. One is an orphan where the run
is unknown or over, or where the comment is missing. What a run has hidden keeps the user's own comment, or none: that
is known by its name, which stands in the run's program. Nothing is changed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row

from crossfade.postgres.names import QualifiedName, quoted
from crossfade.postgres.own_names import mark
from crossfade.workflow import ledger
from crossfade.workflow.queries import query
from crossfade.workflow.states import FINAL, State

Connection = psycopg.Connection[Any]
_HIDDEN = frozenset({"column", "index"})
"""What keeps the comment that it had."""
_HIDING = (State.CONTRACTING, State.RETAINED, State.DROPPING, State.REVERTING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """Something with a name or a comment of ours."""

    kind: str
    name: str
    schema: str
    relation: str | None
    """The table it belongs to; None for a function, and for a table of ours."""
    comment: str | None

    def __str__(self) -> str:
        if self.relation is None:
            return f"{self.kind} {QualifiedName(self.schema, self.name)}{'()' if self.kind == 'function' else ''}"
        table = QualifiedName(self.schema, self.relation)
        if self.kind == "trigger":
            return f"trigger {self.name} on {table}"
        if self.kind == "column":
            return f"column {table}.{quoted(self.name)}"
        return f"{self.kind} {QualifiedName(self.schema, self.name)} on {table}"


def orphans(connection: Connection) -> tuple[str, ...]:
    """The objects, each with the run that it belonged to and why that does not count; works without a ledger too."""
    with connection.cursor(row_factory=class_row(_Object)) as cursor:
        objects = cursor.execute(query("orphans")).fetchall()
    runs = _runs(connection) if objects else {}
    hidden = _hidden(connection, [o.name for o in objects if o.kind in _HIDDEN]) if runs else frozenset()
    judged = (
        (found, _why(found.comment, runs))
        for found in objects
        if not (found.kind in _HIDDEN and found.name in hidden and not _is_marked(found.comment))
    )
    return tuple(f"{found} ({why})" for found, why in judged if why is not None)


def _is_marked(comment: str | None) -> bool:
    return comment is not None and comment.startswith(mark(""))


def _hidden(connection: Connection, names: list[str]) -> frozenset[str]:
    """Those of these names by which a living run hides something."""
    rows = connection.execute(
        "SELECT DISTINCT n.name FROM crossfade.runs r, pg_catalog.unnest(%s::pg_catalog.text[]) AS n (name)"
        " WHERE r.state = ANY (%s) AND n.name ~ %s AND pg_catalog.strpos(r.program::pg_catalog.text, n.name) > 0",
        [names, [state.value for state in _HIDING], "^crossfade_[a-z_]+_[0-9a-f]{12}"],
    ).fetchall()
    return frozenset(name for (name,) in rows)


def _why(comment: str | None, runs: dict[str, State]) -> str | None:
    """Why nobody accounts for an object with this comment; None where a living run does."""
    if comment is None or not _is_marked(comment):
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

"""What others have built on something that a way back drops: PostgreSQL drops nothing that something else depends on.

The statements that take steps back are read in the order in which they are going to be sent. What one of them drops,
renames or makes anew does not count, whatever it is the name of, nor does anything that has a name of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.own_names import is_own_name
from crossfade.workflow.names_back import WayBack
from crossfade.workflow.names_in_statements import Name, given_by, goes, index_let_go, let_go, made, parsed, replaced
from crossfade.workflow.queries import query

Connection = psycopg.Connection[Any]


def in_the_way(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """What depends on something that the undo of these steps drops, in words."""
    way = WayBack()
    dropped: list[tuple[Name, dict[str, str]]] = []
    ours: set[str] = set()
    has_moved = False
    for step in reversed(tuple(steps)):
        for statement in step.undo:
            for node in parsed(statement.text):
                if not has_moved:
                    # What moves along is not known by its name here.
                    dropped += ((name, way.now(name)) for name in goes(node) if not way.has_brought(name))
                ours |= {*let_go(node), *index_let_go(node), *made(node), *replaced(node)}
                for given in given_by(node):
                    way.follow(given)
                has_moved = has_moved or kind(node) == "AlterObjectSchemaStmt"
    ours |= way.freed
    for name, now in dropped:
        rows = connection.execute(query("dependents_of_dropped"), {"kind": name.kind, **now}).fetchall()
        for dependent, described in rows:
            if dependent not in ours and not is_own_name(dependent):
                yield f"{described} depends on {name.shown}"

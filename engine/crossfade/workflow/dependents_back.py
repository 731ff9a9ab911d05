"""What others have built on something that a way back drops: PostgreSQL drops nothing that something else depends on.

The statements that take steps back are read in the order in which they are going to be sent. What one of them drops,
renames or makes anew does not count, whatever it is the name of, nor does anything that has a name of ours; but of a
function of ours each trigger counts that is not itself dropped. What is the run's but has another name by now, such as
a trigger or a partitioned table's index, counts: the run drops it by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import quoted
from crossfade.postgres.own_names import LEDGER_SCHEMA, is_own_name
from crossfade.workflow.names_back import WayBack
from crossfade.workflow.names_in_statements import Name, given_by, goes, index_let_go, let_go, made, parsed, replaced
from crossfade.workflow.queries import query

Connection = psycopg.Connection[Any]


def in_the_way(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """What depends on something that the undo of these steps drops, in words."""
    way = WayBack()
    dropped: list[tuple[Name, dict[str, str]]] = []
    triggers: list[dict[str, str]] = []
    gone: set[tuple[str, str]] = set()
    ours: set[str] = set()
    has_moved = False
    for step in reversed(tuple(steps)):
        for statement in step.undo:
            for node in parsed(statement.text):
                if not has_moved:
                    # What moves along is not known by its name here.
                    found = (*goes(node), *_used(node))
                    dropped += ((name, way.now(name)) for name in found if not way.has_brought(name))
                    triggers += (way.now(name) for name in _triggers(node))
                    gone |= {
                        (n.schema, way.tables.get((n.schema, n.name), n.name))
                        for n in (*goes(node), *_detached(node))
                        if n.kind == "relation"
                    }
                ours |= {*let_go(node), *index_let_go(node), *made(node), *replaced(node)}
                for given in given_by(node):
                    way.follow(given)
                has_moved = has_moved or kind(node) == "AlterObjectSchemaStmt"
    ours |= way.freed
    for name, now in dropped:
        rows = connection.execute(query("dependents_of_dropped"), {"kind": name.kind, **now}).fetchall()
        for dependent, described, schema, table in rows:
            if dependent not in ours and not is_own_name(dependent) and (schema, table) not in gone:
                yield f"{described} depends on {name.shown}"
        users = connection.execute(query("users_of_dropped"), {"kind": name.kind, **now}).fetchall()
        for user, described, schema, table, others in users:
            awaited = [t["name"] for t in triggers if (t["schema"], t["table"]) == (schema, table)]
            # A trigger on another table, such as a copy that was restored, has the name of one of ours as well.
            is_trigger = name.kind == "function" and name.schema == LEDGER_SCHEMA
            is_ours = user in awaited if is_trigger else user in ours or is_own_name(user)
            if not is_ours and (schema, table) not in gone:
                yield f"{described} depends on {name.shown}{_renamed(awaited, others)}"


def _used(node: Any) -> Iterator[Name]:
    """The functions, indexes and constraints that a statement drops, without what is built on them."""
    for command in node.cmds if kind(node) == "AlterTableStmt" and node.relation.schemaname else ():
        if command.subtype.name == "AT_DropConstraint" and command.behavior.name != "DROP_CASCADE":
            table = node.relation
            yield Name(
                kind="constraint", what="constraint", schema=table.schemaname, table=table.relname, name=command.name
            )
    if kind(node) != "DropStmt" or node.behavior.name == "DROP_CASCADE":
        return
    match node.removeType.name:
        case "OBJECT_FUNCTION":
            for path in (names(function.objname) for function in node.objects):
                if len(path) == 2:
                    yield Name(kind="function", what="function", schema=path[0], name=path[1])
        case "OBJECT_INDEX":
            for path in map(names, node.objects):
                if len(path) == 2:
                    yield Name(kind="relation", what="index", schema=path[0], name=path[1])


def _triggers(node: Any) -> Iterator[Name]:
    """The triggers that a statement drops."""
    if kind(node) == "DropStmt" and node.removeType.name == "OBJECT_TRIGGER":
        for path in map(names, node.objects):
            if len(path) == 3:
                yield Name(kind="trigger", what="trigger", schema=path[0], table=path[1], name=path[2])


def _detached(node: Any) -> Iterator[Name]:
    """The partition that a statement detaches, and its indexes with it."""
    for command in node.cmds if kind(node) == "AlterTableStmt" else ():
        if command.subtype.name == "AT_DetachPartition":
            partition = command.def_.name
            yield Name(kind="relation", what="table", schema=partition.schemaname, name=partition.relname)


def _renamed(awaited: Iterable[str], there: Iterable[str]) -> str:
    """That a trigger is one of ours by another name."""
    missing = [quoted(name) for name in awaited if name not in there]
    return f", as {' or '.join(missing)} of the run did: give it its name back" if there and missing else ""

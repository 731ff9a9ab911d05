"""What others have put in the place of what a run made: a DROP that takes it back would hit theirs.

A step leaves in the ledger what its undo is going to drop. What has that name later is the run's if it is the same
thing. An index or a constraint may have been made anew without a change, as REINDEX CONCURRENTLY and a change of a
column's type do: then the server says the same of it, unless a column of it has another name or type by now. Of a step
that was cut off nothing is known, so it is compared with the statement of the program that makes one of this name, and
an index with what the server says of one that this makes.
What cannot be told apart from ours, or is made by nothing that the parser reads, counts as ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import is_own_name
from crossfade.workflow.index_trial import made_on_a_copy
from crossfade.workflow.names_back import WayBack, walk
from crossfade.workflow.names_in_statements import Kind, Name, parsed
from crossfade.workflow.shapes import Found, Shape, find, may_be, shapes_of

Connection = psycopg.Connection[Any]

_IF_THERE: dict[str, tuple[Kind, str]] = {
    "OBJECT_INDEX": ("relation", "relation"),
    "OBJECT_TABLE": ("relation", "relation"),
    "OBJECT_TYPE": ("type", "type"),
    "OBJECT_DOMAIN": ("type", "type"),
}
_LASTING = frozenset("red")
"""Nothing makes a table, an enum or a domain anew that does not mean it."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What a step has left under a name, as it was then."""

    oid: int
    definition: str | None = None
    used: Mapping[str, str] = field(default_factory=dict)
    stored: str | None = None

    def differs(self, found: Found) -> bool:
        """Whether the server says something else of what is there, though no column of it has changed, nor the name of
        anything else that it uses. Of what an earlier version has left there is the oid alone."""
        return (
            self.definition not in (None, found.definition)
            and self.stored != found.stored
            and self.used.items() <= found.numbered.items()
        )


Made = Mapping[tuple[str, ...], _Left]
"""What steps have left, by step, kind, schema, table and name."""


def will_drop(step: Step) -> tuple[Name, ...]:
    """What a step's undo drops or hides by a name of the users'. Pure: read before any lock is held."""
    nodes = (node for statement in step.undo for node in parsed(statement.text))
    return tuple(dict.fromkeys(name for node in nodes for name, _ in _hit(node) if not is_own_name(name.name)))


def keep(connection: Connection, run_id: int, step: Step, named: tuple[Name, ...]) -> None:
    """Within the transaction that ends a step: what it leaves of those names."""
    found = [(name, find(connection, WayBack(), name)) for name in named]
    made = [
        [name.kind, name.schema, name.table, name.name, there.oid, there.definition, there.used, there.stored]
        for name, there in found
        if there is not None
    ]
    if made:
        connection.execute(
            "UPDATE crossfade.steps SET made = %s WHERE run_id = %s AND id = %s", [Jsonb(made), run_id, step.id]
        )


def oids_left_by(connection: Connection, run_id: int, steps: Iterable[Step]) -> list[int]:
    """The oids of what these steps have left that their undo drops by its name."""
    wanted = {step.id for step in steps}
    return [left.oid for (step, *_), left in _made(connection, run_id).items() if step in wanted]


def _made(connection: Connection, run_id: int) -> Made:
    rows = connection.execute("SELECT id, made FROM crossfade.steps WHERE run_id = %s AND made IS NOT NULL", [run_id])
    return {(step, *one[:4]): _Left(*one[4:]) for step, made in rows.fetchall() for one in made}


def in_its_place(connection: Connection, run_id: int, program: Iterable[Step], steps: Iterable[Step]) -> Iterator[str]:
    """What the undo of these steps would drop, or hide, that is none of the run's, in words."""
    program, steps = tuple(program), tuple(step for step in steps if step.undo)
    if not steps:
        # Before each step that is asked, and few remove anything first.
        return
    made = _made(connection, run_id)
    for way, step, node in walk(connection, steps):
        for name, made_as in _hit(node):
            if _is_asked(way, name):
                left = made.get((step.id, name.kind, name.schema, name.table, name.name))
                found = find(connection, way, name)
                if found is not None and not _is_ours(connection, way, program, (name, made_as), left, found):
                    yield f"{name.shown} is none of the run's"


def _is_asked(way: WayBack, name: Name) -> bool:
    return not is_own_name(name.name) and not way.has_freed(name) and not way.has_brought(name)


def _is_ours(
    connection: Connection,
    way: WayBack,
    program: tuple[Step, ...],
    names_of: tuple[Name, Name],
    left: _Left | None,
    found: Found,
) -> bool:
    name, made_as = names_of
    if made_as is name and found.is_of_constraint:
        # Somebody made a constraint of it: the run's own lets go of its name before its index does.
        return False
    if left is not None and left.oid == found.oid:
        return True
    if left is not None and (found.kind in _LASTING or left.differs(found)):
        return False
    shapes = tuple(shapes_of(program, made_as))
    if made_as is not name:
        # By then its columns may have other names.
        shapes = tuple(replace(shape, columns=None) for shape in shapes)
    is_known = made_as is not name or (left is not None and left.definition is not None)
    return not shapes or any(
        may_be(connection, way, shape, found) and (is_known or _is_said_of(connection, shape, found))
        for shape in shapes
    )


def _is_said_of(connection: Connection, shape: Shape, found: Found) -> bool:
    """Whether the server would say of what a statement makes what it says of what is there, as far as can be tried."""
    if shape.statement is None or found.schema is None or found.table is None:
        return True
    table = QualifiedName(found.schema, found.table)
    try:
        with connection.transaction(force_rollback=True):
            made = made_on_a_copy(connection, table, shape.statement)
            name = Name(kind="relation", what="index", schema=made.schema, name=made.name)
            tried = find(connection, WayBack(), name)
    except psycopg.ProgrammingError:
        return True
    return tried is None or tried.definition == found.definition


def _hit(node: Any) -> Iterator[tuple[Name, Name]]:
    """What a statement drops if it is there, and an index that gets a name of ours; and the name it was made by."""
    match kind(node):
        case "DropStmt" if node.missing_ok and node.removeType.name in _IF_THERE:
            looked_up, what = _IF_THERE[node.removeType.name]
            for parts in node.objects:
                path = names(getattr(parts, "names", parts))
                if len(path) == 2:
                    name = Name(kind=looked_up, what=what, schema=path[0], name=path[1])
                    yield name, name
        case "AlterTableStmt" if node.relation.schemaname:
            schema, table = node.relation.schemaname, node.relation.relname
            for command in node.cmds:
                if command.subtype.name == "AT_DropConstraint" and command.missing_ok:
                    name = Name(kind="constraint", what="constraint", schema=schema, table=table, name=command.name)
                    yield name, name
        case "RenameStmt" if node.renameType.name == "OBJECT_INDEX" and is_own_name(node.newname):
            schema, index = node.relation.schemaname, node.relation.relname
            name = Name(kind="relation", what="index", schema=schema, name=index)
            yield name, Name(kind="relation", what="index", schema=schema, name=node.newname)

"""Foreign keys that a plan makes to tables of others: whether our role may refer to them.

PostgreSQL asks for REFERENCES on the referenced columns, and the copy of a foreign key is a new one: whoever owns the
table that refers need not have kept that right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import Refusal
from crossfade.operations.rows.row_effects import Right
from crossfade.postgres.forecast.trees import below, kind, names
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.missing_rights import missing_rights
from crossfade.workflow.names_in_statements import parsed

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.postgres.catalog import Catalog
    from crossfade.postgres.statement import Statement
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]


def reference_refusals(connection: Connection, program: Program, catalog: Catalog) -> Iterator[Refusal]:
    """One for each table that the plan's foreign keys would refer to and our role may not."""
    for right in _of_all(statement for step in program.steps for statement in step.statements):
        for grant in _missing(connection, right, catalog.current_user):
            yield Refusal(
                code="no_right",
                object=str(right.relation),
                message=f"a foreign key that the plan makes refers to it, and role {catalog.current_user} may not.",
                instead=f"{grant}.",
            )


def in_the_way(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """The tables that a foreign key which comes back with the undo of these steps may not refer to, in words."""
    (role,) = connection.execute("SELECT current_user::pg_catalog.text").fetchone() or ("",)
    for right in _of_all(statement for step in steps for statement in step.undo):
        for grant in _missing(connection, right, role):
            yield f"a foreign key that comes back refers to {right.relation}, and role {role} may not: {grant}"


def _of_all(statements: Iterable[Statement]) -> Iterator[Right]:
    yield from dict.fromkeys(r for s in statements for node in parsed(s.text) for r in _of(node))


def _of(node: Any) -> Iterator[Right]:
    """The right that each foreign key of a statement takes; a table without a schema is none that is there yet."""
    for constraint in below(node) if kind(node) in ("AlterTableStmt", "CreateStmt") else ():
        if kind(constraint) == "Constraint" and constraint.contype.name == "CONSTR_FOREIGN":
            target = constraint.pktable
            if target.schemaname:
                name = QualifiedName(target.schemaname, target.relname)
                yield Right(relation=name, privilege="REFERENCES", columns=names(constraint.pk_attrs))


def _missing(connection: Connection, right: Right, role: str) -> Iterator[str]:
    """The GRANT that is missing; none for what is not there, or not there yet."""
    columns = connection.execute(
        "SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a"
        " WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped",
        [str(right.relation)],
    ).fetchall()
    if columns and {*right.columns} <= {name for (name,) in columns}:
        yield from missing_rights(connection, (right,), role)

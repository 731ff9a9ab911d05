"""Tables of others that a plan's foreign keys refer to: whether our role may, and may see what is in them.

PostgreSQL asks for REFERENCES on the referenced columns, and the copy of a foreign key is a new one: whoever owns the
table that refers need not have kept that right. Where writes are counted before the key comes, functions of ours look
for what they refer to, with our role's rights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.rows.row_effects import Right
from crossfade.postgres.forecast.trees import below, kind, names, relations_of
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import LEDGER_SCHEMA
from crossfade.postgres.statement import render
from crossfade.workflow.missing_rights import missing_rights
from crossfade.workflow.names_in_statements import parsed

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.postgres.catalog import Catalog
    from crossfade.postgres.statement import Statement
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]
_USES = {"REFERENCES": "a foreign key refers to", "SELECT": "functions of the run read"}
"""What needs a right, in words."""


def reference_refusals(connection: Connection, program: Program, catalog: Catalog) -> Iterator[Refusal]:
    """One for each right on such a table that our role lacks."""
    for right in _of_all(statement for step in program.steps for statement in step.statements):
        for grant in _missing(connection, right, catalog.current_user):
            yield Refusal(
                code="no_right",
                object=str(right.relation),
                message=f"{_USES[right.privilege]} it, which role {catalog.current_user} may not.",
                instead=f"{grant}.",
            )


def in_the_way(connection: Connection, steps: Iterable[Step]) -> Iterator[str]:
    """The rights that our role lacks for what comes back with the undo of these steps, in words."""
    (role,) = connection.execute("SELECT current_user::pg_catalog.text").fetchone() or ("",)
    for right in _of_all(statement for step in steps for statement in step.undo):
        for grant in _missing(connection, right, role):
            yield f"{_USES[right.privilege]} {right.relation} then, which role {role} may not: {grant}"


def _of_all(statements: Iterable[Statement]) -> Iterator[Right]:
    yield from dict.fromkeys(r for s in statements for node in parsed(s.text) for r in _of(node))


def _of(node: Any) -> Iterator[Right]:
    """The rights that a statement takes; a table without a schema is none that is there yet."""
    match kind(node):
        case "AlterTableStmt" | "CreateStmt":
            keys = (n for n in below(node) if kind(n) == "Constraint" and n.contype.name == "CONSTR_FOREIGN")
            yield from (
                _right(key.pktable, "REFERENCES", names(key.pk_attrs)) for key in keys if key.pktable.schemaname
            )
        case "CreateFunctionStmt" if names(node.funcname)[0] == LEDGER_SCHEMA:
            read = (r for r in relations_of(node.sql_body) if r.schemaname)
            yield from (_right(relation, "SELECT", ()) for relation in read)


def _right(relation: Any, privilege: str, columns: tuple[str, ...]) -> Right:
    name = QualifiedName(relation.schemaname, relation.relname)
    return Right(relation=name, privilege=privilege, columns=columns)


def _missing(connection: Connection, right: Right, role: str) -> Iterator[str]:
    """The GRANT that is missing; none for what is not there, or not there yet.

    A name in a schema that our role may not use cannot be looked up by it.
    """
    schema, name = right.relation.schema, right.relation.name
    columns = connection.execute(
        "SELECT a.attname::pg_catalog.text, pg_catalog.has_schema_privilege(n.oid, 'USAGE')"
        " FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid"
        " WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped",
        [schema, name],
    ).fetchall()
    if not columns or not {*right.columns} <= {column for column, _ in columns}:
        return
    if all(usable for _, usable in columns):
        yield from missing_rights(connection, (right,), role)
    else:
        grant = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}")
        yield render(grant.format(sql.Identifier(schema), sql.Identifier(role)))

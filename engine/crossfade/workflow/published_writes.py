"""Rows that PostgreSQL lets nobody update or delete, since a publication could not say which row it was.

A publication that sends updates needs a replica identity, and has to list all of it and to filter by nothing else. An
app that only inserts never notices; a backfill does, with its first batch. The server itself is asked, with an UPDATE
of no rows that is only explained: it knows what counts in its version, and through partitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import Refusal
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.server_says import explained

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog, Table
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]

_ABOUT_PUBLISHING = (psycopg.errors.InvalidColumnReference, psycopg.errors.ObjectNotInPrerequisiteState)
"""The first where a column list or a filter is to blame, the second where there is no replica identity at all."""


def published_refusals(connection: Connection, program: Program, catalog: Catalog) -> Iterator[Refusal]:
    """One for each table whose rows a schema change has to update and nobody can."""
    written = [QualifiedName(work.schema, work.table) for work in program.rows]
    written += [QualifiedName(work.schema, work.table) for work in program.fills]
    for name in dict.fromkeys(written):
        table = catalog.table(name)
        relations = () if table is None else catalog.leaves(table)
        yield from islice((r for relation in relations for r in _of(connection, relation)), 1)


def _of(connection: Connection, relation: Table) -> Iterator[Refusal]:
    if not relation.publications or not relation.columns or relation.kind != "table":
        return
    # DEFAULT is what every column takes, a generated one too.
    nothing = sql.SQL("UPDATE ONLY {} SET {} = DEFAULT WHERE false").format(
        sql.Identifier(relation.name.schema, relation.name.name), sql.Identifier(relation.columns[0].name)
    )
    # A right that is missing is refused by its own name.
    with suppress(psycopg.errors.InsufficientPrivilege):
        try:
            explained(connection, nothing.as_string(None))
        except psycopg.Error as error:
            if not is_about_publishing(error, relation):
                raise
            yield refusal_of_published(error, relation)


def is_about_publishing(error: psycopg.Error, relation: Table) -> bool:
    """Whether this is why an UPDATE or DELETE of the relation is refused."""
    return bool(relation.publications) and isinstance(error, _ABOUT_PUBLISHING)


def refusal_of_published(error: psycopg.Error, relation: Table) -> Refusal:
    """What the server says of it, as a refusal."""
    parts = (error.diag.message_primary, error.diag.message_detail)
    said = ": ".join(part.rstrip(".") for part in parts if part)
    through = ", ".join(p.name for p in relation.publications)
    return Refusal(
        code="not_replicable",
        object=str(relation.name),
        message=f"the plan writes its rows, which PostgreSQL refuses to everybody as it is published ({through}): "
        f"{said}.",
        instead="Let the publication list every column of the replica identity and filter by no other one (ALTER "
        "PUBLICATION, or set_replica_identity in a plan before this one), or send inserts only: ALTER PUBLICATION … "
        "SET (publish = 'insert').",
    )

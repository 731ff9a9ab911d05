"""What types are printed of: a database as it is, or as a phase of a plan leaves it, without anything being changed.

A plan's own statements are followed over a model of the schema. Of a run that has begun only those that are still to
come, since the database has the others in it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import UsageError, WrongState
from crossfade.operations.step import Part, Phase
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.type_facts import read_type_facts, typed_relations
from crossfade.types.followed import Work, follow
from crossfade.types.known import Known
from crossfade.types.model import SYSTEM_SCHEMAS, model_of

if TYPE_CHECKING:
    from crossfade.operations.step import Step
    from crossfade.types.model import Model
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]
_PARTS: Mapping[Phase, tuple[Part, ...]] = {
    Phase.EXPAND: (Part.EXPAND,),
    Phase.BACKFILL: (Part.EXPAND, Part.SEAL),
    Phase.CONTRACT: tuple(Part),
}
_SQL = re.compile(r"\d+\.sql/")
"""Ids of the steps of a change `sql`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypesOf:
    """What is printed, and which statements of the plan it leaves out."""

    model: Model
    unforeseen: tuple[str, ...] = ()
    """Why nothing is known of a statement's outcome, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """A plan's program and how much of it is done."""

    program: Program
    phase: Phase
    """The last one that counts."""
    done: Collection[str] = ()
    """Ids of steps that are done."""

    def works(self) -> Sequence[Work]:
        """The statements that are still to come, by the step. Raises WrongState where more than that is done."""
        wanted = _PARTS[self.phase]
        beyond = [s for s in self.program.steps if s.id in self.done and s.part not in wanted]
        if beyond:
            raise WrongState(
                f"run {self.program.plan} is past {self.phase}: {beyond[0].title} is done",
                hint="Name the phase that it is in, or a later one.",
            )
        return [_work(step) for step in self.program.of(*wanted) if step.id not in self.done]


def read_types(connection: Connection, schemas: Collection[str] | None, ahead: Ahead | None = None) -> TypesOf:
    """The types of these schemas, of all of the users' where None; as `ahead` leaves them, where it is given.

    Raises UsageError for a schema that there is not, and WrongState.
    """
    works = ahead.works() if ahead is not None else ()
    made = frozenset(name for work in works for name in _made_schemas(work.statements))
    _require_schemas(connection, schemas, made)
    facts = read_type_facts(connection)
    names = typed_relations(connection, None if works else schemas)
    # So far it was ours; the statements find what the user's own finds.
    connection.execute("RESET search_path")
    catalog = read_catalog(connection, names)
    # What was not read has no columns here, and is of another schema.
    read = {t.name for t in catalog.tables}
    catalog = replace(catalog, all_table_names=tuple(n for n in catalog.all_table_names if n in read))
    followed = follow(Known.of(catalog, facts), works)
    return TypesOf(model=model_of(followed.known, schemas), unforeseen=followed.unforeseen)


def _work(step: Step) -> Work:
    return Work(statements=[s.text for s in step.statements], is_ours=not _SQL.match(step.id))


def _made_schemas(statements: Iterable[str]) -> Iterable[str]:
    from crossfade.postgres.forecast.trees import NotOneStatement, kind, one_statement

    for text in statements:
        try:
            node = one_statement(text)
        except NotOneStatement:
            continue
        if kind(node) == "CreateSchemaStmt" and node.schemaname is not None:
            yield node.schemaname


def _require_schemas(connection: Connection, schemas: Collection[str] | None, made: Collection[str]) -> None:
    from crossfade.plan.words import nearest, shown

    rows = connection.execute("SELECT nspname::text FROM pg_catalog.pg_namespace ORDER BY 1").fetchall()
    known = {str(name) for (name,) in rows} | {*made}
    for schema in schemas or ():
        if schema not in known:
            hint = nearest(schema, known - SYSTEM_SCHEMAS) or "See: psql -c '\\dn'"
            raise UsageError(f"there is no schema {shown(schema)} in this database", hint=hint)

"""A table whose column is being renamed, in a schema of its own, with its run as the gates see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.gates.evaluate import evaluate
from crossfade.gates.sources.outside import Asked
from crossfade.gates.subject import Look, Subject
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.program import compile_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from crossfade.gates.verdict import GateResult, PhaseVerdict

    from ..fixtures.database import Database

KEYED = """
CREATE TABLE t (id int PRIMARY KEY, old text, other int DEFAULT 0);
INSERT INTO t VALUES (1, 'one'), (2, 'two');
"""
PARTED = """
CREATE TABLE t (id int PRIMARY KEY, old text, other int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (1) TO (10);
CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (10) TO (20);
INSERT INTO t VALUES (1, 'one'), (11, 'eleven');
"""
CHANGE = "  - rename_column: {table: {schema}.t, from: old, to: new}\n"


@dataclass
class Expanded:
    """The table `t` of one test and its run. SQL finds the table without its schema's name."""

    database: Database
    schema: str
    connection: psycopg.Connection[Any]
    """A session of ours, as the runner has it."""
    subject: Subject

    def sql(self, statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run SQL at once in a session of its own, whose application_name is `nightly-import`."""
        with self.app("nightly-import", autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def app(self, application_name: str, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
        """A session of an app."""
        connection = self.database.connect(application_name=application_name, autocommit=autocommit)
        connection.execute(sql.SQL("SET search_path = {}, public").format(sql.Identifier(self.schema)))
        if not autocommit:
            connection.commit()
        return connection

    def look(self, phase: Phase = Phase.CONTRACT, *, record: bool = True) -> Look:
        """One look at the evidence, now, with what outside sources say."""
        heard = Asked(self.subject.plan.apps or {}).answers()
        row = self.connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return Look(phase=phase, now=row[0], record=record, heard=heard)

    def evaluate(self, phase: Phase = Phase.CONTRACT, *, record: bool = True) -> PhaseVerdict:
        return evaluate(self.connection, self.subject, phase, record=record)

    def gates(self, phase: Phase = Phase.CONTRACT, *, record: bool = True) -> dict[str, GateResult]:
        """Every gate's answer, by its kind."""
        return {gate.kind: gate for gate in self.evaluate(phase, record=record).gates}

    def approve(self, phase: str = "contract", *, role: str | None = None, digest: str | None = None) -> None:
        self.connection.execute(
            "INSERT INTO crossfade.approvals (run_id, phase, digest, approver, role)"
            " VALUES (%s, %s, coalesce(%s, crossfade.approved_digest(%s)), 'ada', %s)",
            [self.subject.run_id, phase, digest, self.subject.run_id, role],
        )


def expand(database: Database, schema: str, ddl: str, plan: str, change: str) -> Expanded:
    """Make the table, expand the plan that has this besides its change, and register the run."""
    with connect(database.url) as maker:
        maker.execute(sql.SQL("CREATE SCHEMA {0}; SET search_path = {0}, public").format(sql.Identifier(schema)))
        maker.execute(ddl.replace("{schema}", schema).encode())
    changes = (change or CHANGE).replace("{schema}", schema)
    besides = plan.replace("{schema}", schema)
    read = parse_plan(f"crossfade: 1\nname: run-{schema}\n{besides}\nchanges:\n{changes}", "plan.yaml")
    connection = connect(database.url)
    tables = sorted({(t.schema, t.name) for c in read.changes for t in c.tables})
    program = compile_plan(read, read_catalog(connection, tables)).checked()
    run_id = ledger.add_run(
        connection, name=read.name, digest="sha256:1", plan=read.as_json(), acks=(), program=program.as_json()
    )
    for step in program.of(Part.EXPAND):
        with connection.transaction():
            for statement in step.statements:
                connection.execute(statement.text.encode())
    subject = Subject(
        run_id=run_id,
        name=read.name,
        digest="sha256:1",
        plan=read,
        rows=program.rows,
        created_at=ledger.get_run(connection, read.name).created_at,
        watches=program.watches,
    )
    return Expanded(database=database, schema=schema, connection=connection, subject=subject)

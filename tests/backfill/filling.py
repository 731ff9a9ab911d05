"""A table whose column is being renamed, in a schema of its own: expanded, with a run in the ledger, to be filled."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from crossfade.backfill.control import Control
from crossfade.backfill.drive import fill, help_out
from crossfade.backfill.job import Job
from crossfade.backfill.keys import Relation, relations_of
from crossfade.backfill.verify import Verification, verify
from crossfade.observe.events import BackfillTrouble, BatchDone, Vacuumed
from crossfade.operations.step import Part, RowChange
from crossfade.plan.load import parse_plan
from crossfade.plan.model import Backfill
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.connect import connect
from crossfade.postgres.names import QualifiedName
from crossfade.workflow import ledger
from crossfade.workflow.program import compile_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crossfade.observe.events import Emit, Event
    from crossfade.operations.step import RowWork

    from ..fixtures.database import Database

TABLE = "t"
PLAN = "crossfade: 1\nname: fill-{schema}\nchanges:\n  - rename_column: {{table: {schema}.t, from: old, to: new}}\n"
KEYED = "CREATE TABLE t (id int PRIMARY KEY, old text, other int DEFAULT 0);"
UNKEYED = "CREATE TABLE t (id int, old text, other int DEFAULT 0);"
COUNTED = """
CREATE TABLE updates (id int);
CREATE FUNCTION count_update() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO {schema}.updates VALUES (NEW.id); RETURN NULL; END $$;
CREATE TRIGGER count_updates AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION {schema}.count_update();
"""


def rows(count: int, first: int = 1) -> str:
    """An INSERT of rows `1 v1 …`."""
    return f"INSERT INTO t (id, old) SELECT g, 'v' || g FROM generate_series({first}, {first + count - 1}) g;"


@dataclass
class Filling:
    """The table `t` of one test, and all that was said while it was filled. SQL finds it without its schema's name."""

    database: Database
    schema: str
    connection: psycopg.Connection[Any]
    change: RowWork
    run_id: int
    token: int = 0
    emitted: list[Event] = field(default_factory=list)

    @property
    def table(self) -> QualifiedName:
        return QualifiedName(self.schema, TABLE)

    @property
    def renaming(self) -> RowChange:
        """The change, where it is a rename."""
        assert isinstance(self.change, RowChange)
        return self.change

    @property
    def run(self) -> str:
        return f"fill-{self.schema}"

    @property
    def troubles(self) -> list[str]:
        """What went wrong on the way, in words."""
        return [e.message for e in self.emitted if isinstance(e, BackfillTrouble)]

    @property
    def vacuums(self) -> list[str]:
        """What came of vacuuming on the way, in words."""
        return [e.message for e in self.emitted if isinstance(e, Vacuumed)]

    def until_vacuumed(self) -> None:
        """Wait until the table was vacuumed, which is done beside the batches."""
        vacuums = "SELECT vacuum_count FROM pg_stat_all_tables WHERE relid = 't'::regclass"
        until = time.monotonic() + 30
        while self.sql(vacuums) == [(0,)] and time.monotonic() < until:
            time.sleep(0.01)

    @property
    def sizes(self) -> list[int]:
        """How many rows each batch wrote."""
        return [e.rows for e in self.emitted if isinstance(e, BatchDone)]

    def sql(self, statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run SQL at once; several statements without parameters."""
        cursor = self.connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def other(self, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
        """One more session, in a transaction once it did something."""
        connection = self.database.connect(**options)
        search_path = sql.SQL("SET search_path = {}, public").format(sql.Identifier(self.schema))
        connection.execute(search_path)
        connection.commit()
        return connection

    def fill(
        self,
        *,
        batch_rows: int = 10,
        target: str = "1m",
        stop: Callable[[], str | None] = lambda: None,
        after_batch: Callable[[int], object] = lambda _number: None,
        on_trouble: Callable[[str], object] = lambda _message: None,
        url: str | None = None,
        **settings: Any,
    ) -> None:
        """Fill the table; the callbacks run between two transactions.

        With a target that no batch comes near, each batch is twice as large as the one before, on any machine.
        """

        def emit(event: Event) -> None:
            self.emitted.append(event)
            if isinstance(event, BatchDone):
                after_batch(sum(isinstance(e, BatchDone) for e in self.emitted))
            elif isinstance(event, BackfillTrouble):
                on_trouble(event.message)

        with self.control(stop, emit, url, batch_rows=batch_rows, target=target, **settings) as control:
            fill(self.job(control, url, token=self.token))

    def control(
        self,
        stop: Callable[[], str | None] = lambda: None,
        emit: Emit = lambda _event: None,
        url: str | None = None,
        worker: str = "the test",
        **settings: object,
    ) -> Control:
        """The steering of the run, with settings as a plan's `backfill` has them."""
        return Control(
            connect=lambda: connect(url or self.database.url),
            run_id=self.run_id,
            run_name=self.run,
            plan=Backfill.model_validate(settings),
            worker=worker,
            should_stop=stop,
            emit=emit,
        )

    def job(self, control: Control, url: str | None = None, token: int | None = None) -> Job:
        """The change as what workers work on; without a token, as a helper does."""
        return Job(
            connect=lambda: connect(url or self.database.url),
            run_id=self.run_id,
            run_name=self.run,
            change=self.change,
            control=control,
            token=token,
        )

    def help(self) -> None:
        """Do batches as a helper does, without the lease."""
        with self.control(worker="a helper") as control:
            help_out(self.job(control))

    def tune(self, **tuning: object) -> None:
        """Change settings of the run, as `crossfade tune` does in the ledger."""
        self.sql("UPDATE crossfade.runs SET tuning = %s WHERE id = %s", [Jsonb(tuning), self.run_id])

    def verify(self, stop: Callable[[], str | None] = lambda: None, share: float = 1.0) -> Verification:
        """Compare both columns on every row."""
        return verify(
            connect=lambda: connect(self.database.url),
            run_id=self.run_id,
            run_name=self.run,
            change=self.renaming,
            emit=self.emitted.append,
            should_stop=stop,
            share=share,
        )

    def relations(self) -> dict[str, Relation]:
        """What holds the table's rows now, by name."""
        return {r.name.name: r for r in relations_of(self.connection, self.table)}

    def pending(self) -> int:
        """How many rows are not in step."""
        ((count,),) = self.sql(f"SELECT count(*) FROM t WHERE {self.change.pending}")
        return int(count)

    def updates(self) -> Counter[int]:
        """How often each row was updated, by id; needs `COUNTED`."""
        return Counter(number for (number,) in self.sql("SELECT id FROM updates"))

    def batches(self) -> list[tuple[str, list[str] | None, list[str], int]]:
        """The batches in the ledger: relation without its schema, after which key, up to which, rows written."""
        found = self.sql(
            "SELECT f.relation, b.after_key, b.upto_key, b.rows FROM crossfade.batches b"
            " JOIN crossfade.backfills f ON f.id = b.backfill_id"
            " WHERE b.run_id = %s AND b.state = 'done' ORDER BY b.id",
            [self.run_id],
        )
        return [(relation.rpartition(".")[2], after, upto, count) for relation, after, upto, count in found]

    def progress(self, *columns: str, relation: str = TABLE) -> tuple[Any, ...] | None:
        """These columns of the relation's row in crossfade.backfills."""
        found = self.sql(
            f"SELECT {', '.join(columns)} FROM crossfade.backfills WHERE run_id = %s AND relation = %s",
            [self.run_id, f"{self.schema}.{relation}"],
        )
        return found[0] if found else None

    def rejected(self) -> dict[str, tuple[str, str | None, str]]:
        """The refused rows, by key: SQLSTATE, constraint, state."""
        found = self.sql(
            "SELECT key, sqlstate, constraint_name, state FROM crossfade.rejected_rows WHERE run_id = %s",
            [self.run_id],
        )
        return {", ".join(f"{c}={v}" for c, v in key.items()): tuple(said) for key, *said in found}


RENAME = "rename_column: {table: {schema}.t, from: old, to: new}"


def begin(database: Database, schema: str, ddl: str, change: str = RENAME) -> Filling:
    """Make the table by this SQL, expand the rename of its column `old` to `new`, and register the run.

    Another change is written as in a plan, in one line.
    """
    connection = connect(database.url)
    connection.execute(sql.SQL("CREATE SCHEMA {0}; SET search_path = {0}, public").format(sql.Identifier(schema)))
    connection.execute(re.sub(r"\{schema\}", schema, ddl).encode())
    written = change.replace("{schema}", schema)
    plan = parse_plan(f"crossfade: 1\nname: fill-{schema}\nchanges:\n  - {written}\n", "plan.yaml")
    tables = [(t.schema, t.name) for c in plan.changes for t in c.tables]
    with connect(database.url) as reader:
        program = compile_plan(plan, read_catalog(reader, tables)).checked()
        for step in program.of(Part.EXPAND):
            with reader.transaction():
                for statement in step.statements:
                    reader.execute(statement.text.encode())
        run_id = ledger.add_run(
            reader, name=plan.name, digest="digest", plan=plan.as_json(), acks=(), program=program.as_json()
        )
        reader.execute("UPDATE crossfade.runs SET state = 'backfilling' WHERE id = %s", [run_id])
    return Filling(
        database=database,
        schema=schema,
        connection=connection,
        change=program.work[0],
        run_id=run_id,
        token=0,
    )

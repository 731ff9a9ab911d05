"""The table that runners are killed over, and what has to hold whenever one has finished the work of the dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

RUN = "the-rename"
SETUP = """
CREATE TABLE users (id bigint PRIMARY KEY, email text CONSTRAINT users_email UNIQUE, hits int NOT NULL DEFAULT 0);
CREATE INDEX users_lower ON users (lower(email));
-- Counts how often a row was updated, whoever did it.
CREATE FUNCTION count_hit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.hits := OLD.hits + 1; RETURN NEW; END';
CREATE TRIGGER count_hit BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION count_hit();
"""
ROWS = "INSERT INTO users SELECT g, CASE WHEN mod(g, 10) > 0 THEN 'e' || g END FROM generate_series(1, %s) g"


def plan(*, retain: str = "0s", batch_rows: int = 100) -> Plan:
    """The rename, in batches as small as they can be kept, so that there are many moments to die."""
    return parse_plan(
        f"""
        crossfade: 1
        name: {RUN}
        retain: {retain}
        backfill: {{batch_rows: {batch_rows}, target: 10ms}}
        changes:
          - rename_column: {{table: users, from: email, to: email_address}}
        """,
        "plan.yaml",
    )


def prepare(database: Database, rows: int, plan: Plan) -> None:
    """The table with rows, the run `planned` and its contract approved."""
    database.execute(SETUP)
    database.execute(ROWS, [rows])
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve(RUN, Phase.CONTRACT, "alice")


def dump_of_plain_rename(database: Database) -> str:
    """The dump that plain DDL gives."""
    with fresh_database(database.server) as other:
        other.execute(SETUP)
        other.execute("ALTER TABLE users RENAME COLUMN email TO email_address")
        return other.dump()


def assert_each_row_updated_once(database: Database) -> None:
    """Rows that had something to carry over were updated once, the others not at all; the ledger knows of all."""
    off = database.execute("SELECT count(*) FROM users WHERE hits <> (mod(id, 10) > 0)::int")
    assert off == [(0,)], database.execute("SELECT hits, count(*) FROM users GROUP BY 1 ORDER BY 1")
    counted = "SELECT (SELECT sum(hits) FROM users), (SELECT sum(rows) FROM crossfade.batches)"
    [(hits, rows)] = database.execute(counted)
    assert hits == rows
    passed = "SELECT sum(rows_done) = (SELECT count(*) FROM users) FROM crossfade.backfills"
    assert database.execute(passed) == [(True,)]


def assert_values_kept(database: Database, column: str) -> None:
    """Every row has under that name what it had at the beginning."""
    expected = "CASE WHEN mod(id, 10) > 0 THEN 'e' || id END"
    wrong = f"SELECT count(*) FROM users u WHERE to_jsonb(u) ->> %s IS DISTINCT FROM {expected}"
    assert database.execute(wrong, [column]) == [(0,)]


def assert_nothing_left(database: Database) -> None:
    """No object of ours that nobody accounts for, and no lease or lock of a dead runner."""
    with Engine(database.url) as engine:
        assert engine.orphans() == ()
    locks = (
        "SELECT locktype, mode FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        # An autovacuum of a large table may be under way.
        " WHERE a.datname = current_database() AND a.backend_type = 'client backend'"
    )
    assert database.execute(f"{locks} AND l.pid <> pg_backend_pid()") == []

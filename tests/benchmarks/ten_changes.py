"""A release of ten changes on one table: rows written, WAL, and time behind ACCESS EXCLUSIVE, side by side.

The baseline does the same ten changes as a tool does that makes a second column for each altered one, whatever is
altered about it: seven second columns with two triggers each, a marker column, one pass over all rows that touches each
once and lets the triggers compute all of them, then the exchange, statement by statement. That is the published design
of pgroll, in SQL of our own; its own program does not run here. It gets the benefit of doing all ten in one pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from crossfade import Engine
from crossfade.observe.events import Event, StepDone
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.postgres.statement import LockMode

from .databases import connect, new_database
from .figures import Figure

NAME = "ten_changes"
ROWS = 200_000
BATCH = 1000

LOAD = (
    """
    CREATE TABLE orders (id int PRIMARY KEY, code varchar(20) NOT NULL, amount numeric(10,2) NOT NULL, note text,
        state text DEFAULT 'new', email text NOT NULL, label text, city text NOT NULL, weight int, colour text)
    """,
    f"""
    INSERT INTO orders SELECT g, 'c' || g, g, 'n' || g, 'new', 'e' || g, 'l' || g, 'city' || g % 100, g % 50, 'red'
    FROM generate_series(1, {ROWS}) g
    """,
    "VACUUM ANALYZE orders",
)
PLAN = """
crossfade: 1
name: ten-changes
hold: 0s
changes:
  - rename_column: {table: orders, from: email, to: email_address}
  - change_type: {table: orders, column: code, to: varchar(40)}
  - change_type: {table: orders, column: amount, to: "numeric(14,2)"}
  - set_default: {table: orders, column: state, value: "'open'"}
  - set_comment: {table: orders, column: note, comment: what the customer said}
  - drop_not_null: {table: orders, column: city}
  - set_not_null: {table: orders, column: label}
  - add_check: {table: orders, name: weight_is_positive, expression: "weight >= 0"}
  - add_column: {table: orders, name: priority, type: int, default: "0"}
  - create_index: {table: orders, name: orders_colour, columns: [colour]}
"""

ALTERED = (
    ("code", "varchar(40)"),
    ("amount", "numeric(14,2)"),
    ("state", "text"),
    ("note", "text"),
    ("city", "text"),
    ("label", "text"),
    ("weight", "int"),
)


@dataclass(frozen=True, slots=True)
class _Cost:
    rows: int
    wal: int
    exclusive_ms: float


def measure(server_url: str) -> Iterator[Figure]:
    """Ours beside the baseline."""
    ours = _cost(server_url, "benchmark_ten_ours", _with_crossfade)
    second_columns = _cost(server_url, "benchmark_ten_second_columns", _with_second_columns)
    for what, unit, figure, baseline in (
        ("row versions written", "rows", ours.rows, second_columns.rows),
        ("WAL", "MB", ours.wal / 2**20, second_columns.wal / 2**20),
        ("behind ACCESS EXCLUSIVE", "ms", ours.exclusive_ms, second_columns.exclusive_ms),
    ):
        yield Figure(benchmark=NAME, what=f"ten changes: {what}", unit=unit, figure=figure, baseline=baseline)


def _cost(server_url: str, name: str, run: Callable[[str], float]) -> _Cost:
    with new_database(server_url, name) as url:
        with connect(url) as connection:
            for statement in LOAD:
                connection.execute(statement)
        before = _position(url)
        exclusive = run(url)
        after = _position(url)
    return _Cost(rows=after[0] - before[0], wal=after[1] - before[1], exclusive_ms=exclusive)


def _position(url: str) -> tuple[int, int]:
    """Row versions written to the table, and the WAL's end in bytes."""
    with connect(url) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        # What other sessions counted is told when they end, and a moment later.
        time.sleep(1.2)
        row = connection.execute(
            "SELECT sum(n_tup_upd + n_tup_ins)::bigint, (pg_current_wal_lsn() - '0/0')::bigint"
            " FROM pg_stat_user_tables WHERE relname = 'orders'"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _with_crossfade(url: str) -> float:
    plan, held = parse_plan(PLAN, "plan.yaml"), 0.0
    with Engine(url) as engine:
        engine.init()
        steps = {step.id: step for step in engine.explain(plan).program.steps}

    def hear(event: Event) -> None:
        nonlocal held
        if isinstance(event, StepDone) and any(
            lock.mode is LockMode.ACCESS_EXCLUSIVE for lock in steps[event.step].locks
        ):
            held += event.duration_ms

    with Engine(url, emit=hear) as engine:
        engine.start(plan, acks=("star",))
        engine.approve(plan.name, Phase.CONTRACT, "benchmark")
        engine.advance(plan)
    return held


def _with_second_columns(url: str) -> float:
    with connect(url) as connection:
        held = sum(_timed(connection, statement) for statement in _expand())
        connection.execute("CREATE INDEX CONCURRENTLY orders_colour ON orders (colour)")
        connection.execute("UPDATE orders SET label = label WHERE label IS NULL")
        last = 0
        while True:
            row = connection.execute(_TOUCH, [last]).fetchone()
            if row is None or row[0] is None:
                break
            last = row[0]
        return held + sum(_timed(connection, statement) for statement in _complete())


_TOUCH = f"""
WITH batch AS (SELECT id FROM orders WHERE id > %s AND needs_backfill ORDER BY id LIMIT {BATCH} FOR NO KEY UPDATE),
     touched AS (UPDATE orders SET id = orders.id FROM batch WHERE orders.id = batch.id RETURNING orders.id)
SELECT max(id) FROM touched
"""  # a constant
_UP = """
CREATE FUNCTION {up}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('search_path') <> 'new_version' THEN NEW.{new} := NEW.{old}; END IF;
    NEW.needs_backfill := false;
    RETURN NEW;
END $$
"""
_DOWN = """
CREATE FUNCTION {down}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('search_path') = 'new_version' THEN NEW.{old} := NEW.{new}; END IF;
    RETURN NEW;
END $$
"""


_TRIGGER = "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION {}()"


def _expand() -> Iterator[sql.SQL | sql.Composed]:
    yield sql.SQL("ALTER TABLE orders ADD COLUMN priority int DEFAULT 0")
    yield sql.SQL("ALTER TABLE orders ADD COLUMN needs_backfill boolean DEFAULT true")
    for column, spelling in ALTERED:
        names = _names(column)
        yield sql.SQL("ALTER TABLE orders ADD COLUMN {} {}").format(names["new"], sql.SQL(spelling))
        yield sql.SQL(_UP).format(**names)
        yield sql.SQL(_DOWN).format(**names)
        for function in ("up", "down"):
            yield sql.SQL(
                "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION {}()"
            ).format(names[function], names[function])
    for column in ("code", "amount", "label"):
        yield sql.SQL("ALTER TABLE orders ADD CONSTRAINT {} CHECK ({} IS NOT NULL) NOT VALID").format(
            sql.Identifier(f"{column}_is_there"), _names(column)["new"]
        )
    yield sql.SQL("ALTER TABLE orders ADD CONSTRAINT weight_is_positive CHECK (new_weight >= 0) NOT VALID")
    yield sql.SQL("ALTER TABLE orders ALTER COLUMN new_state SET DEFAULT 'open'")


def _complete() -> Iterator[sql.SQL | sql.Composed]:
    for column, _ in ALTERED:
        names = _names(column)
        yield sql.SQL("ALTER TABLE orders DROP COLUMN {}").format(names["old"])
        yield sql.SQL("DROP FUNCTION {}, {} CASCADE").format(names["up"], names["down"])
        yield sql.SQL("ALTER TABLE orders RENAME COLUMN {} TO {}").format(names["new"], names["old"])
    for column in ("code", "amount", "label"):
        check = sql.Identifier(f"{column}_is_there")
        yield sql.SQL("ALTER TABLE orders VALIDATE CONSTRAINT {}").format(check)
        yield sql.SQL("ALTER TABLE orders ALTER COLUMN {} SET NOT NULL").format(sql.Identifier(column))
        yield sql.SQL("ALTER TABLE orders DROP CONSTRAINT {}").format(check)
    yield sql.SQL("ALTER TABLE orders VALIDATE CONSTRAINT weight_is_positive")
    yield sql.SQL("ALTER TABLE orders DROP COLUMN needs_backfill")
    yield sql.SQL("ALTER TABLE orders RENAME COLUMN email TO email_address")
    yield sql.SQL("COMMENT ON COLUMN orders.note IS 'what the customer said'")


def _names(column: str) -> dict[str, sql.Identifier]:
    return {
        "old": sql.Identifier(column),
        "new": sql.Identifier(f"new_{column}"),
        "up": sql.Identifier(f"up_{column}"),
        "down": sql.Identifier(f"down_{column}"),
    }


def _timed(connection: psycopg.Connection[Any], statement: sql.SQL | sql.Composed) -> float:
    """Milliseconds of a statement that takes ACCESS EXCLUSIVE; 0 for others."""
    begun = time.monotonic()
    connection.execute(statement)
    text = statement.as_string(None)
    exclusive = (text.startswith("ALTER TABLE") and "VALIDATE" not in text) or "CASCADE" in text
    return (time.monotonic() - begun) * 1000 if exclusive else 0.0

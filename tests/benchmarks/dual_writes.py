"""What the triggers of a synchronised pair add to a write.

Measured is the CPU time of the server's own process, as `log_statement_stats` reports it, so neither the client nor
other processes count. Two tables have the same columns and indexes. `expanded` has been through Engine.expand and
Engine.backfill; every write names one side of the pair. `plain` has no triggers, and every write names both sides, so
that the same bytes are stored in either. Each measurement starts from a new file of rows that are in step.

A write is measured in two ways: as one of many rows of one statement, and as a statement of its own by key (from a
loop on the server), where PostgreSQL prepares the WHEN clause of each trigger anew for each statement. The goals are
for the former.

The tables alternate over several rounds, and the least of each counts: whatever else runs on the machine (on the other
thread of the same core, say) can only add to it. A legacy write is noted at most once a second for each session; that
is part of the figures as it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from crossfade import Engine
from crossfade.plan.load import parse_plan

from .databases import connect, new_database
from .figures import Figure, Goal

NAME = "dual_writes"
ROWS = 100_000
"""In one statement."""
STATEMENTS = 20_000
"""Of one row each."""

PLAN = """
crossfade: 1
name: dual-writes
changes:
  - rename_column: {table: expanded, from: email, to: email_address}
"""
SCHEMA = """
CREATE TABLE source AS
SELECT id, 'user' || id || '@example.org' AS email, 'customer' || id || '@example.com' AS spare
FROM generate_series(1, {rows}) AS id;
CREATE TABLE expanded (id int PRIMARY KEY, email text NOT NULL, spare text, visits int) WITH (autovacuum_enabled = off);
CREATE TABLE plain (LIKE expanded INCLUDING ALL, email_address text);
VACUUM ANALYZE source;
"""
FILL = "INSERT INTO {table} (id, email, email_address, spare, visits) SELECT id, email, email, spare, 0 FROM source"

PAIR, OTHER = Goal(of="difference", at_most=1.5), Goal(of="difference", at_most=0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One kind of write: of columns to expressions over the source's row, or over the table's own where it updates."""

    what: str
    goal: Goal
    inserts: bool
    expanded: dict[str, str]
    plain: dict[str, str]


WRITES = (
    Write(
        what="INSERT by the old name",
        goal=PAIR,
        inserts=True,
        expanded={"email": "s.email"},
        plain={"email": "s.email", "email_address": "s.email"},
    ),
    Write(
        what="INSERT by the new name",
        goal=PAIR,
        inserts=True,
        expanded={"email_address": "s.email"},
        plain={"email": "s.email", "email_address": "s.email"},
    ),
    Write(
        what="UPDATE of the old column",
        goal=PAIR,
        inserts=False,
        expanded={"email": "t.spare"},
        plain={"email": "t.spare", "email_address": "t.spare"},
    ),
    Write(
        what="UPDATE of the new column",
        goal=PAIR,
        inserts=False,
        expanded={"email_address": "t.spare"},
        plain={"email": "t.spare", "email_address": "t.spare"},
    ),
    Write(
        what="UPDATE of another column",
        goal=OTHER,
        inserts=False,
        expanded={"visits": "t.visits + 1"},
        plain={"visits": "t.visits + 1"},
    ),
)


def measure(server_url: str, rounds: int) -> Iterator[Figure]:
    """Every write, in one statement and in statements of its own."""
    with new_database(server_url, "benchmark_dual_writes") as url, connect(url) as connection:
        for statement in SCHEMA.split(";"):
            connection.execute(sql.SQL(statement).format(rows=sql.Literal(ROWS)))
        with Engine(url) as engine:
            plan = parse_plan(PLAN, "dual_writes.yaml")
            engine.expand(plan)
            engine.backfill(plan)
        connection.execute("SET log_statement_stats = on")
        connection.execute("SET client_min_messages = log")
        for write in WRITES:
            yield _figure(connection, write, rounds, single=False)
        for write in WRITES:
            yield _figure(connection, write, rounds, single=True)


def _figure(connection: psycopg.Connection[Any], write: Write, rounds: int, *, single: bool) -> Figure:
    spent: dict[str, list[float]] = {"expanded": [], "plain": []}
    for number in range(rounds + 1):
        for table in sorted(spent, reverse=bool(number % 2)):
            seconds = _spent(connection, write, table, single=single)
            if number:  # the first round only warms up
                spent[table].append(seconds)
    writes = STATEMENTS if single else ROWS
    return Figure(
        benchmark=NAME,
        what=f"{write.what}, {'one row' if single else f'{ROWS:,} rows'} a statement",
        unit="µs",
        figure=min(spent["expanded"]) / writes * 1e6,
        baseline=min(spent["plain"]) / writes * 1e6,
        goal=None if single else write.goal,
    )


def _spent(connection: psycopg.Connection[Any], write: Write, table: str, *, single: bool) -> float:
    name = sql.Identifier(table)
    connection.execute(sql.SQL("TRUNCATE {}").format(name))
    if not write.inserts:
        connection.execute(sql.SQL(FILL).format(table=name))
        connection.execute(sql.SQL("VACUUM ANALYZE {}").format(name))
    columns = write.expanded if table == "expanded" else write.plain
    statement = _insert(name, columns, single=single) if write.inserts else _update(name, columns, single=single)
    return _cpu_seconds(connection, _loop(statement) if single else statement)


def _insert(table: sql.Identifier, columns: dict[str, str], *, single: bool) -> sql.Composed:
    return sql.SQL("INSERT INTO {} (id, spare, visits, {}) SELECT s.id, s.spare, 0, {}{}").format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(map(sql.SQL, columns.values())),
        sql.SQL("" if single else " FROM source s"),
    )


def _update(table: sql.Identifier, columns: dict[str, str], *, single: bool) -> sql.Composed:
    assignments = (sql.SQL("{} = {}").format(sql.Identifier(c), sql.SQL(e)) for c, e in columns.items())
    return sql.SQL("UPDATE {} t SET {}{}").format(
        table, sql.SQL(", ").join(assignments), sql.SQL(" WHERE t.id = s.id" if single else "")
    )


def _loop(statement: sql.Composed) -> sql.Composed:
    """The statement for each of the first rows of the source, which it knows as `s`."""
    body = sql.SQL("DECLARE s record; BEGIN FOR s IN SELECT * FROM source LIMIT {} LOOP {}; END LOOP; END").format(
        sql.Literal(STATEMENTS), statement
    )
    return sql.SQL("DO {}").format(sql.Literal(body.as_string(None)))


def _cpu_seconds(connection: psycopg.Connection[Any], statement: sql.Composed) -> float:
    """What the server's process spent on a statement, in user and in system mode."""
    reports: list[str] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        reports.append(notice.message_detail or "")

    connection.add_notice_handler(hear)
    try:
        connection.execute(statement)
    finally:
        connection.remove_notice_handler(hear)
    found = [re.search(r"([\d.]+) s user, ([\d.]+) s system", r) for r in reports]
    return sum(float(part) for match in found if match for part in match.groups())

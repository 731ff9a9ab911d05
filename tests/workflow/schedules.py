"""A schedule to test with: a table of counters, and plans that count every row up at each firing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.plan.load import parse_plan

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

NAME = "nightly"
YEARLY = "0 0 1 1 *"
"""Does not fire by itself while a test runs, or once at the very most of New Year's nights."""


def plan_text(
    *, name: str = NAME, cron: str = YEARLY, overlap: str = "skip", catch_up: str = "latest", extra: str = ""
) -> str:
    """A plan that counts the hits of every row, once at each firing."""
    return (
        f"crossfade: 1\nname: {name}\n"
        f"schedule: {{cron: '{cron}', overlap: {overlap}, catch_up: {catch_up}}}\n"
        f"changes:\n  - update_rows: {{table: t, set: {{hits: hits + 1}}}}\n{extra}"
    )


def plan(**options: Any) -> Plan:
    """The same, loaded."""
    return parse_plan(plan_text(**options), "plan.yaml")


def make_table(database: Database, rows: int = 50) -> None:
    """The table `t`, whose rows have not been hit."""
    database.execute("CREATE TABLE t (id int PRIMARY KEY, hits int NOT NULL DEFAULT 0)")
    database.execute("INSERT INTO t SELECT g FROM generate_series(1, %s) g", [rows])


def last_fired(database: Database, ago: str, name: str = NAME) -> None:
    """Let the time that the schedule has seen to lie so far in the past."""
    database.execute(
        "UPDATE crossfade.schedules SET last_fire = clock_timestamp() - %s::interval WHERE name = %s", [ago, name]
    )


def hits(database: Database) -> list[tuple[Any, ...]]:
    """How many rows were hit how often."""
    return database.execute("SELECT hits, count(*) FROM t GROUP BY 1 ORDER BY 1")


def firings(database: Database) -> list[tuple[Any, ...]]:
    """Outcome and run's state of every firing, the oldest first."""
    return database.execute(
        "SELECT f.outcome, r.state FROM crossfade.firings f LEFT JOIN crossfade.runs r ON r.id = f.run_id"
        " ORDER BY f.fire_time"
    )


def hourly_of(database: Database) -> str:
    """An hour's cron expression whose last time was half an hour ago."""
    [(minute,)] = database.execute("SELECT date_part('minute', clock_timestamp() - interval '30 minutes')::int")
    return f"{minute} * * * *"

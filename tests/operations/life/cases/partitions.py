"""Partitions: a table becomes one, and one becomes a table."""

from __future__ import annotations

from ..case import Case

_EVENTS = """
    CREATE TABLE people (id int PRIMARY KEY);
    INSERT INTO people SELECT generate_series(1, 10);
    CREATE TABLE events (id int NOT NULL, year int NOT NULL, who int REFERENCES people, what text,
        PRIMARY KEY (year, id), CONSTRAINT told CHECK (what <> '')) PARTITION BY RANGE (year);
    CREATE INDEX events_what ON events (what);
    CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM (2024) TO (2025);
    INSERT INTO events SELECT g, 2024, 1, 'e' FROM generate_series(1, 200) g;
"""

CASES = (
    Case(
        id="a table is attached, beside a default partition",
        setup=_EVENTS
        + """
        CREATE TABLE events_others PARTITION OF events DEFAULT;
        CREATE TABLE events_2025 (id int NOT NULL, year int NOT NULL, who int, what text,
            CONSTRAINT told CHECK (what <> ''));
        INSERT INTO events_2025 SELECT g, 2025, 2, 'f' FROM generate_series(1, 200) g;
        INSERT INTO events SELECT g, 1999, 2, 'f' FROM generate_series(1, 200) g;
        """,
        changes="""
        - attach_partition: {table: events, partition: events_2025, bounds: FOR VALUES FROM (2025) TO (2026)}
        - create_index: {table: people, name: spare, columns: [id]}
        - drop_index: {name: spare}
        """,
        plain="ALTER TABLE events ATTACH PARTITION events_2025 FOR VALUES FROM (2025) TO (2026)",
        old_writes=(
            "INSERT INTO events VALUES (%(n)s, 2024, 1, 'old')",
            "INSERT INTO events_2025 VALUES (-%(n)s, 2025, 1, 'old')",
            "UPDATE events SET what = 'w' WHERE id = %(n)s %% 200 + 1",
        ),
        new_writes=("INSERT INTO events VALUES (%(n)s, 2025, 1, 'new')",),
    ),
    Case(
        id="one is detached",
        setup=_EVENTS + "CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM (2025) TO (2026);",
        changes="- detach_partition: {table: events, partition: events_2024}",
        plain="ALTER TABLE events DETACH PARTITION events_2024",
        old_writes=("INSERT INTO events VALUES (%(n)s, 2024, 1, 'old')",),
        new_writes=("INSERT INTO events VALUES (%(n)s, 2025, 1, 'new')",),
        reads=(
            ("SELECT id, what FROM events WHERE year = 2024 ORDER BY 1", "SELECT id, what FROM events_2024 ORDER BY 1"),
        ),
    ),
)

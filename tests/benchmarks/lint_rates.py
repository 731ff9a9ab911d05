"""How fast a server reads, writes anew and indexes rows, beside what lint takes for granted where it says how long.

A table of a million short rows with seven indexes. What lint says is meant as an order of magnitude, and to be too long
rather than too short; the baseline is the rate that it reckons with, in millions of rows a second, about half of what
an idle machine with two cores does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from crossfade.lint.cost import INDEXED, READ, WRITTEN

from .databases import connect, new_database
from .figures import Figure

NAME = "lint_rates"
ROWS = 1_000_000
TABLE = f"""
CREATE TABLE t (id int, a int, b int, c int, d int, e int, f int);
INSERT INTO t SELECT n, n, n, n, n, n, n FROM generate_series(1, {ROWS}) n;
CREATE INDEX ON t (id);
CREATE INDEX ON t (b);
CREATE INDEX ON t (c);
CREATE INDEX ON t (d);
CREATE INDEX ON t (e);
CREATE INDEX ON t (f);
CREATE INDEX ON t (id, b);
VACUUM ANALYZE t;
"""
STATEMENTS = (
    (
        "read and checked: SET NOT NULL",
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ALTER a DROP NOT NULL",
        READ,
    ),
    (
        "written anew, with seven indexes: a type from int to bigint",
        "ALTER TABLE t ALTER a TYPE bigint",
        "ALTER TABLE t ALTER a TYPE int",
        WRITTEN,
    ),
    ("indexed: CREATE INDEX on an int", "CREATE INDEX i ON t (a)", "DROP INDEX i", INDEXED),
)


def measure(server_url: str, repetitions: int) -> Iterator[Figure]:
    """The median of some runs for each."""
    with new_database(server_url, "benchmark_lint_rates") as url, connect(url) as connection:
        for statement in TABLE.strip().split(";\n"):
            connection.execute(statement.rstrip(";"))
        for what, there, back, reckoned in STATEMENTS:
            seconds = []
            for _ in range(repetitions):
                begun = time.monotonic()
                connection.execute(there)
                seconds.append(time.monotonic() - begun)
                connection.execute(back)
            yield Figure(
                benchmark=NAME,
                what=f"rows {what}",
                unit="M/s",
                figure=ROWS / sorted(seconds)[repetitions // 2] / 1e6,
                baseline=reckoned / 1e6,
            )

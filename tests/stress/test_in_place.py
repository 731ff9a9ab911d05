"""Changes of the catalog over a million rows: no row is written, none is read, and nobody has to wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from ..fixtures.database import Database

ROWS = 1_000_000
SETUP = f"""
CREATE TABLE orders (id int PRIMARY KEY, name varchar(20) NOT NULL DEFAULT 'n', amount numeric(10,2) NOT NULL);
INSERT INTO orders SELECT g, 'n' || g, g FROM generate_series(1, {ROWS}) g;
ANALYZE orders;
"""
CHANGES = {
    "set_default": "{table: orders, column: name, value: \"'x'\"}",
    "drop_default": "{table: orders, column: name}",
    "set_comment": "{table: orders, column: name, comment: what it is called}",
    "drop_not_null": "{table: orders, column: name}",
    "change_type": "{table: orders, column: name, to: varchar(50)}",
    "add_column": "{table: orders, name: status, type: text, nullable: false, default: \"'new'\"}",
    "set_statistics": "{table: orders, column: name, target: 500}",
    "set_storage": "{table: orders, column: name, storage: main}",
}
NUMERIC = ("change_type", "{table: orders, column: amount, to: 'numeric(14,2)'}")
COUNTED = ("update_rows", "{table: orders, set: {amount: '1'}, where: id = 7}")
"""What is seen in the figures, so that they are known to tell."""
WORK = """
SELECT n_tup_ins, n_tup_upd, n_tup_del, seq_tup_read, relfilenode FROM pg_stat_all_tables
JOIN pg_class ON pg_class.oid = relid WHERE relid = 'orders'::regclass
"""


@pytest.mark.every_server
def test_no_row_of_a_million_is_touched_or_read(database: Database) -> None:
    database.execute(SETUP)
    database.execute("SELECT pg_stat_force_next_flush()")
    with Engine(database.url) as engine:
        for number, (kind, fields) in enumerate((*CHANGES.items(), NUMERIC, COUNTED)):
            before = work(database)
            run = f"run-{number}"
            text = f"crossfade: 1\nname: {run}\nhold: 0s\nchanges:\n  - {kind}: {fields}\n"
            engine.start(parse_plan(text, "plan.yaml"))
            engine.approve(run, Phase.CONTRACT, "alice")
            assert engine.advance(run).state is State.CONTRACTED
            engine.close()
            assert (work(database) == before) is (kind != "update_rows"), kind


def work(database: Database) -> list[tuple[object, ...]]:
    """What was done to the table until now; of the sessions that have ended, and so have told of it."""
    return database.execute(WORK)

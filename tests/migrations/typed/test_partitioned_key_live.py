"""A primary key over partitions whose columns may be NULL: the change that is read from it runs, there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed import Enums
from crossfade.operations.acks import ACKS
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.forecast import Schema
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .reading import read

if TYPE_CHECKING:
    from ...fixtures.database import Database

BEFORE = """
CREATE TABLE orders (id int, day int NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
INSERT INTO orders SELECT n, 1 FROM generate_series(1, 3) n;
"""
KEY = "ALTER TABLE orders ADD PRIMARY KEY (id, day);"


def test_its_columns_become_not_null_first(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        found = Schema.of(read_catalog(connection, [("public", "orders"), ("public", "orders_1")]))
    (key,) = read(KEY, (found, Enums()))
    assert key.in_turn
    texts = (written(f"p{n}", [entry], below={"hold": "0s"}) for n, entry in enumerate(key.entries))
    plans = [parse_plan(text, "plan.yaml") for text in texts]
    kinds = [change.kind for plan in plans for change in plan.changes]
    assert kinds == ["set_not_null", "add_primary_key"]
    with Engine(database.url) as engine:
        engine.init()
        for plan in plans:
            engine.start(plan, ACKS)
            engine.approve(plan.name, Phase.CONTRACT, "anna")
            engine.advance(plan, to=State.CONTRACTED, acks=ACKS)
    by_plans = database.dump()
    database.execute("ALTER TABLE orders DROP CONSTRAINT orders_pkey; " + KEY)
    assert by_plans == database.dump()

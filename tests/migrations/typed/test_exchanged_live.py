"""A constraint that another one of its name takes the place of: the schema in the end, and on the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.migrations.typed import Enums, one_plan
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
CREATE TABLE teams (id int PRIMARY KEY, old_id int UNIQUE);
CREATE TABLE users (id int PRIMARY KEY, age int, team int, CONSTRAINT age CHECK (age > 0),
    CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id));
INSERT INTO teams VALUES (1, 1);
INSERT INTO users SELECT n, 20, 1 FROM generate_series(1, 3) n;
"""
CHECK = "ALTER TABLE users DROP CONSTRAINT age, ADD CONSTRAINT age CHECK (age > 10);"
LATER = "ALTER TABLE users DROP CONSTRAINT age; ALTER TABLE users ADD CONSTRAINT age CHECK (age > 10) NOT VALID;"
ACTION = """
ALTER TABLE users DROP CONSTRAINT users_team;
ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE;
"""
OTHERS = """
ALTER TABLE users DROP CONSTRAINT users_team;
ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (old_id);
"""
COLUMNS = """
ALTER TABLE users DROP CONSTRAINT users_team;
ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id) ON DELETE SET NULL (team);
"""


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        (CHECK, ["drop_constraint", "add_check"]),
        pytest.param(OTHERS, ["drop_constraint", "add_foreign_key"], marks=pytest.mark.long),
        pytest.param(ACTION, ["sql", "sql", "sql"], marks=pytest.mark.long),
        (COLUMNS, ["sql", "sql", "sql"]),
        (LATER, ["sql", "sql"]),
    ],
)
def test_there_and_back(sql: str, kinds: list[str], database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(BEFORE.encode())
        found = Schema.of(read_catalog(connection, [("public", "users"), ("public", "teams")]))
    schema = database.dump()
    entries = one_plan(read(sql, (found, Enums())))
    assert [kind for entry in entries for kind in entry] == kinds
    plan = parse_plan(written("p", entries, below={"hold": "0s", "retain": "1h"}), "plan.yaml")
    with Engine(database.url) as engine:
        engine.init()
        engine.start(plan, ACKS)
        steps = engine.explain(plan).program.steps
        sent = [" ".join(statement.text for statement in step.statements) for step in steps]
        assert not any("VALIDATE" in text and "ADD CONSTRAINT" in text for text in sent), sent
        engine.approve("p", Phase.CONTRACT, "anna")
        assert engine.advance(plan, to=State.RETAINED, acks=ACKS).state is State.RETAINED
        with database.connect(autocommit=True) as connection, connection.transaction(force_rollback=True):
            left = connection.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint").fetchall()
        engine.revert("p")
        engine.rollback("p")
    assert database.dump() == schema
    with database.connect(autocommit=True) as connection:
        connection.execute(sql.encode())
        meant = connection.execute("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint").fetchall()
    assert sorted(left) == sorted(meant)

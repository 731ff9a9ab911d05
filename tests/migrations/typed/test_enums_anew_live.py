"""An enum that is made anew with more done to its columns, in another order, or for lists: the plans leave the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State
from crossfade.workflow.whole_history import difference, run_plans

from ...fixtures.database import fresh_database
from ...fixtures.long import few_named
from ..imported.reading import imports

if TYPE_CHECKING:
    from ...fixtures.database import Database
    from ...fixtures.servers import Server

BEFORE = """
CREATE TYPE e AS ENUM ('a', 'b', 'c');
CREATE TABLE w (id int PRIMARY KEY, x e NOT NULL DEFAULT 'b', y e);
CREATE TABLE v (id int PRIMARY KEY, z e[] NOT NULL DEFAULT '{b}');
CREATE TYPE g AS ENUM ('a', 'b');
CREATE TABLE u (id int PRIMARY KEY, e e, g g, CONSTRAINT u_g CHECK (g <> 'b'));
INSERT INTO w VALUES (1, 'a', 'b'), (2, 'c', 'a'), (3, 'b', NULL);
INSERT INTO v VALUES (1, '{a,c}'), (2, '{}');
"""
BESIDE = """
CREATE TYPE e_new AS ENUM ({labels});
ALTER TABLE u DROP COLUMN e;
{first}
ALTER TABLE w ALTER x DROP DEFAULT, ALTER x TYPE e_new USING x::text::e_new {x};
ALTER TABLE w ALTER y TYPE e_new USING y::text::e_new;
{lists}
ALTER TYPE e RENAME TO e_old;
ALTER TYPE e_new RENAME TO e;
DROP TYPE e_old;
ALTER TABLE w ALTER x SET DEFAULT 'b';
{last}
"""
NO_LISTS = "ALTER TABLE v DROP COLUMN z;"
ROWS = "UPDATE w SET x = 'b' WHERE x = 'c';"
LISTS = """
ALTER TABLE v ALTER z DROP DEFAULT, ALTER z TYPE e_new[] USING array_replace(z::text[], 'c', 'b')::e_new[];
ALTER TABLE v ALTER z SET DEFAULT ARRAY['b', 'a']::e_new[];
"""


def beside(labels: str, *, first: str = ROWS, x: str = "", lists: str = NO_LISTS, last: str = "") -> str:
    """As Prisma writes it."""
    return BESIDE.format(labels=labels, first=first, x=x, lists=lists, last=last)


AGAIN = """
UPDATE w SET x = 'b' WHERE x = 'c';
ALTER TABLE v DROP COLUMN z;
ALTER TABLE u DROP COLUMN e;
ALTER TABLE w ALTER x DROP DEFAULT;
ALTER TABLE w ALTER x SET DATA TYPE text, ALTER y SET DATA TYPE text;
DROP TYPE e;
CREATE TYPE e AS ENUM ('b', 'a');
ALTER TABLE w ALTER x SET DATA TYPE e USING x::e, ALTER y SET DATA TYPE e USING y::e;
"""
ANOTHER = """
CREATE TYPE f AS ENUM ('c', 'b', 'a', 'd');
ALTER TABLE w ALTER x DROP DEFAULT, ALTER x TYPE f USING x::text::f, ALTER x SET DEFAULT 'd';
"""
AT_ONCE = """
UPDATE w SET x = 'b' WHERE x = 'c';
ALTER TABLE v DROP COLUMN z;
ALTER TYPE e RENAME TO e_old;
ALTER TYPE g RENAME TO g_old;
CREATE TYPE e AS ENUM ('a', 'b');
CREATE TYPE g AS ENUM ('b', 'a');
ALTER TABLE w ALTER x DROP DEFAULT;
ALTER TABLE w ALTER x TYPE e USING x::text::e, ALTER y TYPE e USING y::text::e;
ALTER TABLE u DROP CONSTRAINT u_g;
ALTER TABLE u ALTER e TYPE e USING e::text::e, ALTER g TYPE g USING g::text::g;
ALTER TABLE w ALTER x SET DEFAULT 'b';
DROP TYPE e_old, g_old;
"""
CASES = {
    "may be NULL": beside("'a', 'b'", x=", ALTER x DROP NOT NULL"),
    "may be NULL behind it": beside("'a', 'b'", last="ALTER TABLE w ALTER x DROP NOT NULL;"),
    "has to have a value": beside(
        "'a', 'b'", first=f"{ROWS} UPDATE w SET y = 'a' WHERE y IS NULL; ALTER TABLE w ALTER y SET NOT NULL;"
    ),
    "in another order": beside("'c', 'b', 'd', 'a'", first=""),
    "in another order and less": beside("'b', 'a'", x=", ALTER x DROP NOT NULL"),
    "by way of text": AGAIN,
    "lists": beside("'a', 'b'", lists=LISTS),
    "used behind it": beside("'a', 'b'", last="CREATE TABLE t (e e); CREATE VIEW s AS SELECT x FROM w WHERE x = 'a';"),
    "the other one stays": ANOTHER,
    "another one at once": AT_ONCE,
}


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize("sql", few_named(CASES, {"may be NULL", "lists"}))
def test_they_leave_what_the_statements_leave(sql: str, server: Server, database: Database) -> None:
    every = imports(BEFORE, sql)
    assert not any(one.problems for one in every)
    database.execute(BEFORE)
    run_plans(database.url, every[1:])
    with fresh_database(server) as other:
        other.execute(BEFORE)
        other.execute(sql)
        assert difference(other.dump(), database.dump()) == ""
        assert rows(database) == rows(other)


def rows(database: Database) -> list[list[tuple[str]]]:
    w = database.execute("SELECT to_jsonb(t)::text FROM w t ORDER BY 1")
    return [w, database.execute("SELECT to_jsonb(t)::text FROM v t ORDER BY 1")]


def test_what_is_written_in_another_order_comes_back(database: Database) -> None:
    """The plan that converts the columns is reverted once versions have written by the enum's new order."""
    database.execute(BEFORE)
    *before, change, _ = imports(BEFORE, CASES["in another order"])[1].plans
    with Engine(database.url) as engine:
        engine.init()
        for file in (*before, change):
            plan = parse_plan(written(file.name, file.entries, below={"hold": "0s", "retain": "1h"}), file.file_name)
            engine.start(plan)
            engine.approve(plan.name, Phase.CONTRACT, "anna")
            engine.advance(plan)
        assert engine.status(change.name).state is State.RETAINED
        database.execute("INSERT INTO w (id, x, y) VALUES (4, 'd'::e, 'c')")
        assert database.execute("SELECT id FROM w ORDER BY x, id") == [(2,), (3,), (4,), (1,)]
        engine.revert(change.name)
    assert database.execute("SELECT x::text, y::text FROM w WHERE id = 4") == [("d", "c")]
    assert database.execute("SELECT id FROM w ORDER BY x, id") == [(1,), (3,), (2,), (4,)]

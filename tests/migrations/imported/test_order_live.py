"""Migrations whose statements may not change places: their plans leave the schema that they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.workflow.whole_history import difference, run_plans

from ...fixtures.database import fresh_database
from .reading import imports

if TYPE_CHECKING:
    from ...fixtures.database import Database
    from ...fixtures.servers import Server

FUNCTION = """
CREATE TABLE t (id serial, s text);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
COMMENT ON TRIGGER tr ON t IS 'Behind it';
"""
EXTENSION = """
CREATE TABLE t (id int, s text);
CREATE TABLE t2 (LIKE t);
CREATE INDEX ON t2 (id);
CREATE EXTENSION pg_trgm;
CREATE INDEX t_s ON t USING gin (s gin_trgm_ops);
CREATE INDEX ON t2 (s);
"""
SERIAL = """
CREATE TABLE t (id serial PRIMARY KEY);
CREATE VIEW v AS SELECT id FROM t;
ALTER TABLE old ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES t;
"""
PARAMETERS = """
DROP FUNCTION IF EXISTS g(integer);
CREATE FUNCTION g(a text) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE VIEW gs AS SELECT g('a');
"""
VIEW = """
DROP VIEW IF EXISTS w;
ALTER TABLE old DROP COLUMN y;
CREATE VIEW w AS SELECT id FROM old;
"""
POLICY = """
ALTER TABLE old ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT max(x) FROM old';
CREATE POLICY p ON old USING (x = mine());
"""
FILL = """
ALTER TABLE old ADD COLUMN e int;
CREATE FUNCTION make_e(a int) RETURNS int STABLE LANGUAGE sql AS 'SELECT a + max(x) FROM old';
UPDATE old SET e = make_e(x);
"""
SAME_COLUMN = """
ALTER TABLE old DROP COLUMN z;
ALTER TABLE old RENAME COLUMN x TO z;
ALTER TABLE old ALTER COLUMN z TYPE bigint;
ALTER TABLE old DROP CONSTRAINT old_pkey;
ALTER TABLE old ADD PRIMARY KEY (id, z);
"""
OLD = """
CREATE TABLE old (id int PRIMARY KEY, x int, y int, z text NOT NULL);
CREATE VIEW w AS SELECT id, y FROM old;
CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';
"""


@pytest.mark.parametrize("sql", [FUNCTION, EXTENSION, SERIAL, PARAMETERS, VIEW, POLICY, FILL, SAME_COLUMN])
def test_what_depends_on_something_in_between_waits_for_it(sql: str, server: Server, database: Database) -> None:
    every = imports(OLD, sql)
    assert not any(one.problems for one in every)
    run_plans(database.url, every)
    with fresh_database(server) as other, other.connect(autocommit=True) as connection:
        connection.execute(OLD.encode())
        connection.execute(sql.encode())
        meant = other.dump()
    assert difference(meant, database.dump()) == ""

"""What Prisma and both generations of Drizzle write for one change each: its two halves leave what it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.migrations.imported import halves
from crossfade.migrations.migration import Tool

from ...fixtures.samples import DIFFS, INIT
from .reading import imports

if TYPE_CHECKING:
    from ...fixtures.database import Database

TOOLS = {"prisma": Tool.PRISMA, "drizzle": Tool.DRIZZLE, "drizzle-1": Tool.DRIZZLE_1}
REUSED = """
ALTER TABLE things DROP COLUMN a, ADD COLUMN a text;
DROP INDEX things_b; CREATE INDEX things_b ON things (b, c);
ALTER TABLE things DROP CONSTRAINT things_c; ALTER TABLE things ADD CONSTRAINT things_c CHECK (c > 1);
ALTER TABLE things DROP COLUMN b, ADD COLUMN f int NOT NULL;
ALTER TABLE things DROP COLUMN b; CREATE TABLE others (thing int REFERENCES things, n serial);
CREATE INDEX ON things (d); DROP INDEX things_b;
ALTER TABLE things DROP COLUMN d; ALTER TABLE things ADD COLUMN e int; CREATE INDEX ON things (e);
DROP INDEX things_b_idx; CREATE INDEX ON things (b);
""".strip().splitlines()
THINGS = """
CREATE TABLE things (id int PRIMARY KEY, a int, b int, c int CONSTRAINT things_c CHECK (c > 0), d int);
CREATE INDEX things_b ON things (b); CREATE INDEX ON things (b);
"""
SCHEMA = """
SELECT 'column', attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod) || attnotnull::text
       || coalesce(pg_get_expr(adbin, adrelid), '')
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
 WHERE attnum > 0 AND NOT attisdropped AND attrelid IN (SELECT oid FROM pg_class
                                                           WHERE relnamespace = 'public'::regnamespace)
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) || convalidated::text
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'relation', relkind::text, relname, coalesce(pg_get_indexdef(i.indexrelid), '')
  FROM pg_class LEFT JOIN pg_index i ON i.indexrelid = oid WHERE relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'enum', enumtypid::regtype::text, string_agg(enumlabel, ',' ORDER BY enumsortorder), '' FROM pg_enum GROUP BY 2
"""


def left_by(connection: psycopg.Connection[tuple[object, ...]], *texts: str) -> list[tuple[object, ...]]:
    """The schema once these are through, one after the other; nothing of it stays."""
    with connection.transaction(force_rollback=True):
        for text in texts:
            connection.execute(text.encode())
        return sorted(connection.execute(SCHEMA.encode()).fetchall())


@pytest.mark.parametrize("tool", [*TOOLS, "by hand"])
def test_both_halves_leave_what_the_migration_leaves(tool: str, database: Database) -> None:
    if tool == "by hand":
        init, diffs = THINGS, {sql: sql for sql in REUSED}
    else:
        init = INIT[tool].read_text()
        diffs = {path.stem: path.read_text() for path in sorted((DIFFS / tool).glob("*.sql"))}
    parted = set()
    with database.connect(autocommit=True) as connection:
        connection.execute(init.encode())
        for name, sql in diffs.items():
            *_, one = imports(init, sql, tool=TOOLS.get(tool, Tool.PRISMA), parted=halves)
            if one.halves:
                parted.add(name)
                assert left_by(connection, *(half.text for half in one.halves)) == left_by(connection, sql), name
    assert parted, "none of them is parted, so nothing was compared"

"""What a statement is said to change in a schema of somebody else's, against what it really changes on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from crossfade.postgres.catalog_read import read_catalog
from crossfade.postgres.changed_objects import changed_by_text
from crossfade.postgres.forecast import Schema
from crossfade.postgres.new_names import foreseen
from crossfade.postgres.outlines import outlined

if TYPE_CHECKING:
    from ..fixtures.database import Database

THERE = """
CREATE SCHEMA legacy;
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('a', 'b');
CREATE TYPE app.pair AS (a int, b int);
CREATE DOMAIN app.mail AS text;
CREATE SEQUENCE app.numbers;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE SEQUENCE app.drawn;
CREATE FUNCTION app.checked(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE FUNCTION app.given() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.shown() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE app.accounts (id int PRIMARY KEY, code text, note text, key int UNIQUE);
CREATE TABLE app.orders (id int PRIMARY KEY, account int REFERENCES app.accounts ON DELETE CASCADE);
CREATE TABLE app.parted (id int) PARTITION BY LIST (id);
CREATE TABLE app.parent (id int);
CREATE TABLE app.alone (id int PRIMARY KEY);
CREATE TABLE app.on_alone (id int REFERENCES app.alone);
CREATE TABLE legacy.customers (id int PRIMARY KEY, name text, mood app.mood, moods app.mood[], mail app.mail);
CREATE TABLE legacy.uses (
    id int REFERENCES app.orders ON DELETE SET NULL,
    key int REFERENCES app.accounts (key) ON UPDATE CASCADE
);
CREATE TABLE legacy.pairs OF app.pair;
CREATE TABLE legacy.needs (
    number int DEFAULT nextval('app.drawn'),
    given int DEFAULT app.given(),
    CHECK (app.checked(given))
);
CREATE FUNCTION app.checked(text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE COLLATION app.plain FROM "C";
CREATE COLLATION app.other FROM "C";
CREATE OPERATOR CLASS app.ints FOR TYPE int USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
CREATE TABLE legacy.sorted (word text COLLATE app.plain, number int);
CREATE INDEX ON legacy.sorted (number app.ints);
CREATE VIEW legacy.shown AS SELECT app.shown();
CREATE TYPE legacy.tone AS ENUM ('a');
CREATE EXTENSION citext SCHEMA app;
CREATE EXTENSION pg_trgm SCHEMA app;
CREATE EXTENSION hstore SCHEMA app;
CREATE FUNCTION app.same(int, int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE OPERATOR app.=== (FUNCTION = app.same, LEFTARG = int, RIGHTARG = int);
CREATE FUNCTION app.same(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2';
CREATE OPERATOR app.=== (FUNCTION = app.same, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION app.moody(text DEFAULT 'a', app.mood DEFAULT 'a') RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.of_row(app.alone) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE app.total(int) (SFUNC = int4pl, STYPE = int);
CREATE AGGREGATE app.total(bigint) (SFUNC = int8pl, STYPE = bigint);
CREATE PROCEDURE app.done(int) LANGUAGE sql AS '';
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = pg_catalog.simple);
CREATE FOREIGN DATA WRAPPER far;
CREATE SERVER far FOREIGN DATA WRAPPER far;
CREATE FOREIGN TABLE legacy.far (id int) SERVER far;
CREATE TABLE legacy.extended (
    email app.citext,
    word text,
    number int CHECK (number OPERATOR(app.===) 1),
    mood int DEFAULT app.moody(),
    doubled int GENERATED ALWAYS AS (CASE WHEN number OPERATOR(app.===) 1 THEN 1 END) STORED
);
CREATE INDEX ON legacy.extended USING gin (word app.gin_trgm_ops);
CREATE INDEX ON legacy.extended (to_tsvector('app.words', word));
CREATE VIEW legacy.emails AS SELECT email FROM legacy.extended;
CREATE VIEW legacy.totals AS SELECT app.total(number) FROM legacy.extended;
CREATE TABLE app.grouped (id int PRIMARY KEY, note text);
CREATE VIEW legacy.grouped AS SELECT id, note FROM app.grouped GROUP BY id;
CREATE VIEW legacy.of_rows AS SELECT app.of_row(NULL);
CREATE DOMAIN app.small AS int;
CREATE FUNCTION app.positive(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
CREATE DOMAIN legacy.positive AS int CHECK (app.positive(VALUE));
CREATE FUNCTION legacy.small(app.small) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.near(int, int) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR legacy.=== (FUNCTION = app.near, LEFTARG = int, RIGHTARG = int);
CREATE TYPE app.half AS (a int);
CREATE TYPE legacy.whole AS (a app.half);
CREATE ROLE crossfade_somebody;
CREATE TABLE legacy.owned (id int);
ALTER TABLE legacy.owned OWNER TO crossfade_somebody;
CREATE SEQUENCE legacy.counted;
CREATE PUBLICATION ours FOR TABLE app.accounts;
CREATE PUBLICATION shared FOR TABLE legacy.customers, app.accounts;
CREATE TABLE legacy.listed (id int) PARTITION BY LIST (id);
CREATE TABLE app.listed_one PARTITION OF legacy.listed FOR VALUES IN (7);
CREATE TABLE legacy.part PARTITION OF app.parted FOR VALUES IN (1);
CREATE TABLE legacy.child () INHERITS (app.parent);
CREATE TRIGGER touch BEFORE UPDATE ON legacy.uses FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE VIEW app.keyed AS SELECT id, key AS number FROM app.accounts;
CREATE VIEW app.codes AS SELECT code FROM app.accounts;
CREATE VIEW legacy.codes AS SELECT code FROM app.codes;
CREATE VIEW app.customers AS SELECT id, name FROM legacy.customers;
CREATE VIEW app.few AS SELECT name FROM app.customers WHERE id < 10;
CREATE VIEW app.own AS SELECT id, note FROM app.accounts WHERE id IN (SELECT id FROM legacy.customers);
CREATE VIEW app.replaced AS SELECT id, name FROM legacy.customers;
CREATE FUNCTION app.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER i INSTEAD OF UPDATE ON app.replaced FOR EACH ROW EXECUTE FUNCTION app.nothing();
INSERT INTO app.accounts VALUES (1, 'c', 'n', 1), (2, 'd', 'n', 2);
INSERT INTO app.orders VALUES (1, 1);
INSERT INTO legacy.customers VALUES (1, 'x', 'a', NULL, 'm');
INSERT INTO legacy.uses VALUES (1, NULL), (NULL, 2);
INSERT INTO legacy.child VALUES (1);
"""
REACHING = [
    ("TRUNCATE app.accounts CASCADE",),
    ("DROP TABLE app.orders CASCADE",),
    ("DROP TABLE app.accounts CASCADE",),
    ("ALTER TABLE app.accounts DROP COLUMN code CASCADE",),
    ("ALTER TABLE app.accounts RENAME code TO kode", "ALTER TABLE app.accounts DROP COLUMN kode CASCADE"),
    ("ALTER TABLE app.accounts RENAME TO a", "DROP TABLE app.a CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP VIEW b.codes CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP FUNCTION b.given CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP SEQUENCE b.drawn CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP TYPE b.mood CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP TYPE b.pair CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP COLLATION b.plain CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "DROP FUNCTION b.touch CASCADE"),
    ("ALTER SCHEMA app RENAME TO b", "ALTER TABLE b.grouped DROP CONSTRAINT grouped_pkey CASCADE"),
    ("ALTER SEQUENCE app.drawn RENAME TO d", "DROP SEQUENCE app.d CASCADE"),
    ("ALTER SEQUENCE app.drawn SET SCHEMA public", "DROP SEQUENCE public.drawn CASCADE"),
    ("ALTER FUNCTION app.checked(int) RENAME TO c", "DROP FUNCTION app.c(int) CASCADE"),
    ("ALTER FUNCTION app.shown SET SCHEMA public", "DROP FUNCTION public.shown CASCADE"),
    ("ALTER DOMAIN app.small RENAME TO s", "DROP DOMAIN app.s CASCADE"),
    ("ALTER TABLE app.accounts DROP CONSTRAINT accounts_key_key CASCADE",),
    ("DROP VIEW app.codes CASCADE",),
    ("DROP TYPE app.mood CASCADE",),
    ("DROP TYPE app.pair CASCADE",),
    ("DROP DOMAIN app.mail CASCADE",),
    ("ALTER TYPE app.pair DROP ATTRIBUTE b CASCADE",),
    ("DROP FUNCTION app.touch CASCADE",),
    ("DROP ROUTINE app.touch CASCADE",),
    ("DROP FUNCTION app.checked(int) CASCADE",),
    ("DROP FUNCTION app.given CASCADE",),
    ("DROP FUNCTION app.shown CASCADE",),
    ("DROP SEQUENCE app.drawn CASCADE",),
    ("ALTER TYPE app.pair RENAME ATTRIBUTE b TO c CASCADE",),
    ("GRANT USAGE ON TYPE legacy.tone TO pg_monitor",),
    ("CREATE PUBLICATION theirs FOR TABLE legacy.customers",),
    ("ALTER PUBLICATION ours ADD TABLE legacy.customers",),
    ("ALTER PUBLICATION shared SET TABLE app.accounts",),
    ("ALTER PUBLICATION shared SET (publish = 'insert')",),
    ("DROP PUBLICATION shared",),
    ("CREATE PUBLICATION everything FOR ALL TABLES",),
    ("DROP COLLATION app.plain CASCADE",),
    ("DROP OPERATOR CLASS app.ints USING btree CASCADE",),
    ("DROP OPERATOR FAMILY app.ints USING btree CASCADE",),
    ("DROP OPERATOR app.===(int, int) CASCADE",),
    ("DROP FUNCTION app.same(int, int) CASCADE",),
    ("DROP FUNCTION app.moody CASCADE",),
    ("DROP EXTENSION citext CASCADE",),
    ("DROP EXTENSION hstore, pg_trgm CASCADE",),
    ("DROP AGGREGATE app.total(int) CASCADE",),
    ("DROP TEXT SEARCH CONFIGURATION app.words CASCADE",),
    ("DROP SERVER far CASCADE",),
    ("DROP FOREIGN DATA WRAPPER far CASCADE",),
    ("DROP EXTENSION plpgsql CASCADE",),
    ("ALTER TABLE app.grouped DROP CONSTRAINT grouped_pkey CASCADE",),
    ("DROP TABLE app.on_alone, app.alone CASCADE",),
    ("SELECT setval('legacy.counted', 7)",),
    ("REASSIGN OWNED BY crossfade_somebody TO CURRENT_USER",),
    ("DROP OWNED BY crossfade_somebody",),
    ("DROP DOMAIN app.small CASCADE",),
    ("DROP FUNCTION app.positive CASCADE",),
    ("DROP FUNCTION app.near CASCADE",),
    ("DROP TYPE app.half CASCADE",),
    ("ALTER TABLE app.orders ALTER id TYPE bigint",),
    ("DROP TABLE app.listed_one",),
    ("UPDATE app.keyed SET number = number + 10",),
    ("ALTER VIEW app.keyed RENAME number TO n", "UPDATE app.keyed SET n = n + 10"),
    ("ALTER TABLE app.accounts RENAME key TO k", "UPDATE app.keyed SET number = number + 10"),
    ("CREATE VIEW app.again (n) AS SELECT number FROM app.keyed", "UPDATE app.again SET n = n + 10"),
    ("DROP SCHEMA app CASCADE",),
    ("DROP TABLE app.parted",),
    ("ALTER TABLE app.parted ADD COLUMN x int",),
    ("ALTER TABLE app.parent ADD COLUMN x int",),
    ("INSERT INTO app.parted VALUES (1)",),
    ("UPDATE app.parent SET id = 2",),
    ("UPDATE app.customers SET name = 'y'",),
    ("UPDATE app.few SET name = 'y'",),
    ("CREATE VIEW app.more AS SELECT id FROM app.customers", "INSERT INTO app.more VALUES (2)"),
    ("DELETE FROM app.few",),
    ("DELETE FROM app.replaced",),
    ("DELETE FROM app.accounts WHERE id = 1",),
    ("DELETE FROM app.own",),
    ("UPDATE app.accounts SET key = key + 10",),
    ("INSERT INTO app.accounts VALUES (2) ON CONFLICT (id) DO UPDATE SET key = 12",),
    ("CREATE TABLE app.one PARTITION OF legacy.listed FOR VALUES IN (1)",),
    ("CREATE TABLE app.one () INHERITS (legacy.customers)",),
    ("CREATE TABLE app.one (id int NOT NULL)", "ALTER TABLE legacy.listed ATTACH PARTITION app.one FOR VALUES IN (1)"),
]
"""The last one changes something there."""
PASSING_BY = [
    ("TRUNCATE app.alone CASCADE",),
    ("DROP TABLE app.on_alone CASCADE",),
    ("ALTER TABLE app.accounts DROP COLUMN note CASCADE",),
    ("ALTER TABLE app.accounts RENAME code TO kode",),
    ("DROP VIEW legacy.codes", "ALTER TABLE app.accounts DROP COLUMN code CASCADE"),
    ("DROP VIEW app.few CASCADE",),
    ("ALTER FUNCTION app.checked(text) RENAME TO c", "DROP FUNCTION app.c CASCADE"),
    ("ALTER SEQUENCE app.numbers RENAME TO n", "DROP SEQUENCE app.n CASCADE"),
    ("DROP FUNCTION app.nothing CASCADE",),
    ("DROP SEQUENCE app.numbers CASCADE",),
    ("INSERT INTO app.parent VALUES (2)",),
    ("ALTER TABLE app.parent ADD CONSTRAINT c CHECK (id > 0) NO INHERIT",),
    ("UPDATE app.keyed SET id = 7 WHERE id = 2",),
    ("ALTER PUBLICATION ours DROP TABLE app.accounts",),
    ("ALTER PUBLICATION ours SET (publish = 'insert')",),
    ("ALTER PUBLICATION shared RENAME TO common",),
    ("DROP PUBLICATION ours",),
    ("DROP COLLATION app.other CASCADE",),
    ("DROP FUNCTION app.checked(text) CASCADE",),
    ("DROP OPERATOR app.===(text, text) CASCADE",),
    ("DROP FUNCTION app.same(text, text) CASCADE",),
    ("DROP EXTENSION hstore CASCADE",),
    ("DROP AGGREGATE app.total(bigint) CASCADE",),
    ("DROP PROCEDURE app.done(int) CASCADE",),
    ("ALTER TABLE app.alone ALTER id TYPE bigint",),
    ("GRANT USAGE ON TYPE app.mood TO pg_monitor",),
    ("UPDATE app.accounts SET note = 'm'",),
    ("UPDATE app.own SET note = 'm'",),
    ("INSERT INTO app.accounts VALUES (2) ON CONFLICT (id) DO UPDATE SET note = 'm'",),
    ("WITH a AS (SELECT id FROM legacy.customers) UPDATE app.alone SET id = a.id FROM a",),
    ("UPDATE app.replaced SET name = 'y'",),
    ("CREATE TABLE app.one (LIKE legacy.customers)",),
    ("CREATE TABLE app.one (id int REFERENCES legacy.customers)",),
    ("CREATE VIEW app.more AS SELECT id FROM legacy.customers",),
    ("ALTER TABLE app.parted OWNER TO CURRENT_USER",),
    ("ALTER TABLE app.parted RENAME TO p",),
]
"""The last one changes nothing there."""
SEEN = """
SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
WHERE c.relnamespace = 'legacy'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'f', 'c')
UNION ALL
SELECT 'constraint', conname, pg_get_constraintdef(oid), oid::text FROM pg_constraint
WHERE connamespace = 'legacy'::regnamespace AND contype IN ('c', 'f')
UNION ALL
SELECT 'default', adrelid::regclass::text, pg_get_expr(adbin, adrelid), NULL FROM pg_attrdef
UNION ALL
SELECT 'type', typname, typacl::text, NULL FROM pg_type WHERE typnamespace = 'legacy'::regnamespace
UNION ALL
SELECT 'owner', relname, relowner::regrole::text, NULL FROM pg_class WHERE relnamespace = 'legacy'::regnamespace
UNION ALL
SELECT 'sequence', sequencename, last_value::text, NULL FROM pg_sequences WHERE schemaname = 'legacy'
UNION ALL
SELECT 'function', proname, NULL, NULL FROM pg_proc WHERE pronamespace = 'legacy'::regnamespace
UNION ALL
SELECT 'operator', oprname, NULL, NULL FROM pg_operator WHERE oprnamespace = 'legacy'::regnamespace
UNION ALL
SELECT 'publication', tablename, oid::text, pubupdate::text
FROM pg_publication JOIN pg_publication_tables USING (pubname) WHERE schemaname = 'legacy'
UNION ALL
SELECT 'index', indexrelid::regclass::text, NULL, NULL FROM pg_index
JOIN pg_class c ON c.oid = indrelid WHERE c.relnamespace = 'legacy'::regnamespace
UNION ALL
SELECT 'trigger', tgname, NULL, NULL FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
WHERE c.relnamespace = 'legacy'::regnamespace AND NOT tgisinternal
UNION ALL
SELECT 'below', inhrelid::regclass::text, NULL, NULL FROM pg_inherits JOIN pg_class c ON c.oid = inhparent
WHERE c.relnamespace = 'legacy'::regnamespace
ORDER BY 1, 2, 3, 4
"""


@pytest.mark.every_server
def test_what_is_told_is_what_happens(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(THERE)
        # Of the others only an outline is known.
        start = outlined(connection, Schema.of(read_catalog(connection, [("app", "accounts")])))
        for cases, expected in ((REACHING, True), (PASSING_BY, False)):
            for statements in cases:
                told = any(changed.schema == "legacy" for changed in _told(start, statements))
                assert (told, _changes(connection, statements)) == (expected, expected), statements


def _told(schema: Schema, statements: tuple[str, ...]) -> list[Any]:
    for statement in statements[:-1]:
        schema = foreseen(schema, statement)
    return list(changed_by_text(schema, statements[-1]))


def _changes(connection: psycopg.Connection[Any], statements: tuple[str, ...]) -> bool:
    with connection.transaction(force_rollback=True):
        for statement in statements[:-1]:
            connection.execute(statement.encode())
        before = _seen(connection)
        connection.execute(statements[-1].encode())
        return _seen(connection) != before


def _seen(connection: psycopg.Connection[Any]) -> list[Any]:
    found = connection.execute(SEEN).fetchall()
    for table in sorted({row[0] for row in found if row[1] in {"r", "p"}}):
        rows = sql.SQL("SELECT to_jsonb(t) FROM {} t ORDER BY 1").format(sql.Identifier("legacy", table))
        found += connection.execute(rows).fetchall()
    return found

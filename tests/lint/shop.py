"""A schema that rules are tried on, and statements that they speak about."""

from __future__ import annotations

from .told import after

SHOP = """
CREATE DOMAIN cents AS bigint CHECK (value >= 0);
CREATE DOMAIN label AS text;
CREATE TYPE status AS ENUM ('open', 'paid');
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL, age int, code varchar(20), ratio numeric(10,2),
  seen timestamp, checked varchar(20) CONSTRAINT checked_ok CHECK (checked <> ''), total cents,
  CONSTRAINT age_given CHECK (age IS NOT NULL));
CREATE INDEX users_code ON users (code);
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, state status, paid boolean,
  CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users);
CREATE INDEX orders_user_id ON orders (user_id);
CREATE TABLE notes (id int NOT NULL, n int);
CREATE UNIQUE INDEX notes_id ON notes (id);
CREATE UNIQUE INDEX notes_n ON notes (n);
CREATE MATERIALIZED VIEW totals AS SELECT user_id, count(*) AS n FROM orders GROUP BY 1;
CREATE TABLE events (id bigint NOT NULL, at date) PARTITION BY RANGE (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100);
CREATE INDEX events_at ON events (at);
CREATE TABLE logs (id int NOT NULL, n int) PARTITION BY RANGE (id);
CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
CREATE TYPE pair AS (x int, y int);
CREATE TABLE pairs OF pair;
CREATE UNLOGGED TABLE cache (k text PRIMARY KEY);
"""
"""An earlier migration: what it makes is in use."""
IN_USE = after(SHOP)

SPEAKS = [
    ("index-not-concurrently", "CREATE INDEX ON users (age);"),
    ("index-not-concurrently", "CREATE INDEX ON events (id);"),
    ("index-not-concurrently", "CREATE INDEX ON nobody_knows_it (a);"),
    ("drop-index-not-concurrently", "DROP INDEX users_code;"),
    ("drop-index-not-concurrently", "DROP INDEX nobody_knows_it;"),
    ("reindex-not-concurrently", "REINDEX TABLE users;"),
    ("reindex-not-concurrently", "REINDEX INDEX nobody_knows_it;"),
    ("refresh-not-concurrently", "REFRESH MATERIALIZED VIEW totals;"),
    ("detach-not-concurrently", "ALTER TABLE events DETACH PARTITION events_1;"),
    ("attach-without-check", "ALTER TABLE logs ATTACH PARTITION notes FOR VALUES FROM (1) TO (9);"),
    ("create-partition", "CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (100) TO (200);"),
    ("create-partition", "CREATE TABLE logs_1 PARTITION OF logs FOR VALUES FROM (1) TO (9);"),
    ("required-column", "ALTER TABLE users ADD COLUMN country text NOT NULL;"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid();"),
    ("volatile-default", "ALTER TABLE users ADD token uuid DEFAULT nobody_knows_it.uuid_generate_v4() NOT NULL;"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN token text DEFAULT nobody_knows_it();"),
    ("numbered-column", "ALTER TABLE users ADD COLUMN n serial;"),
    ("numbered-column", "ALTER TABLE users ADD COLUMN n int GENERATED ALWAYS AS IDENTITY;"),
    ("stored-column", "ALTER TABLE users ADD COLUMN twice int GENERATED ALWAYS AS (age * 2) STORED;"),
    ("stored-column", "ALTER TABLE nobody_knows_it ALTER COLUMN a SET EXPRESSION AS (b + 1);"),
    ("column-of-checked-domain", "ALTER TABLE users ADD COLUMN price cents;"),
    ("column-with-constraint", "ALTER TABLE users ADD COLUMN a int CHECK (a > 0);"),
    ("column-with-constraint", "ALTER TABLE users ADD COLUMN a int UNIQUE;"),
    ("column-with-constraint", "ALTER TABLE users ADD COLUMN a int CHECK (a > 0) CHECK (a < 9) UNIQUE;"),
    ("volatile-default", "ALTER TABLE users ADD COLUMN a uuid DEFAULT gen_random_uuid() NOT NULL UNIQUE;"),
    ("numbered-column", "ALTER TABLE notes ADD COLUMN k serial PRIMARY KEY;"),
    (
        "stored-column",
        "ALTER TABLE users ADD COLUMN b int GENERATED ALWAYS AS (age * 2) STORED NOT NULL CHECK (b > 0);",
    ),
    ("column-with-constraint", "ALTER TABLE orders ADD COLUMN a bigint DEFAULT 1 REFERENCES users;"),
    ("type-change", "ALTER TABLE users ALTER COLUMN age TYPE bigint;"),
    ("type-change", "ALTER TABLE users ALTER COLUMN checked TYPE text;"),
    ("type-change", "ALTER TABLE nobody_knows_it ALTER COLUMN a TYPE bigint;"),
    ("set-not-null", "ALTER TABLE users ALTER COLUMN seen SET NOT NULL;"),
    ("set-not-null", "ALTER TABLE users ALTER COLUMN age SET NOT NULL, DROP CONSTRAINT age_given;"),
    ("constraint-without-not-valid", "ALTER TABLE users ADD CONSTRAINT old CHECK (age > 17);"),
    ("foreign-key-without-not-valid", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES users;"),
    ("foreign-key-without-not-valid", "ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES users NOT VALID;"),
    (
        "validate-in-same-transaction",
        "ALTER TABLE users ADD CONSTRAINT old CHECK (age > 17) NOT VALID;\nALTER TABLE users VALIDATE CONSTRAINT old;",
    ),
    (
        "validate-in-same-transaction",
        "ALTER TABLE users ADD CONSTRAINT old CHECK (age > 17) NOT VALID, VALIDATE CONSTRAINT old;",
    ),
    ("unique-without-index", "ALTER TABLE users ADD UNIQUE (email);"),
    ("unique-without-index", "ALTER TABLE notes ADD PRIMARY KEY (id);"),
    ("primary-key-on-nullable", "ALTER TABLE notes ADD PRIMARY KEY USING INDEX notes_n;"),
    ("exclusion-constraint", "ALTER TABLE users ADD CONSTRAINT once EXCLUDE USING btree (age WITH =);"),
    ("domain-constraint", "ALTER DOMAIN cents ADD CHECK (value < 10);"),
    ("domain-constraint", "ALTER DOMAIN cents SET NOT NULL;"),
    ("domain-constraint", "ALTER DOMAIN nobody_knows_it ADD CHECK (value < 10);"),
    ("domain-constraint", "ALTER DOMAIN nobody_knows_it VALIDATE CONSTRAINT a;"),
    ("attribute-type", "ALTER TYPE nobody_knows_it ALTER ATTRIBUTE a TYPE bigint CASCADE;"),
    ("attribute-type", "ALTER TYPE pair ALTER ATTRIBUTE x TYPE bigint CASCADE;"),
    ("drop-cascade", "ALTER TYPE pair DROP ATTRIBUTE y CASCADE;"),
    ("drop-cascade", "DROP DOMAIN cents CASCADE;"),
    ("drop-cascade", "DROP TYPE status CASCADE;"),
    ("drop-cascade", "DROP TYPE nobody_knows_it CASCADE;"),
    ("drop-cascade", "DROP EXTENSION citext CASCADE;"),
    ("drop-cascade", "DROP OWNED BY joe CASCADE;"),
    ("drop-cascade", "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE;"),
    ("reindex-not-concurrently", "REINDEX SCHEMA public;"),
    ("reindex-not-concurrently", "REINDEX DATABASE nobody_knows_it;"),
    ("reindex-not-concurrently", "REINDEX SYSTEM shop;"),
    ("vacuum-full", "VACUUM FULL;"),
    ("vacuum-full", "CLUSTER;"),
    ("vacuum-full", "CLUSTER users USING users_pkey;"),
    ("storage-change", "ALTER TABLE cache SET LOGGED;"),
    ("storage-change", "ALTER TABLE users SET TABLESPACE fast;"),
    ("storage-change", "ALTER INDEX users_code SET TABLESPACE fast;"),
    ("work-while-lock-held", "ALTER TABLE users ADD COLUMN a int;\nUPDATE users SET a = 1;"),
    ("work-while-lock-held", "ALTER TABLE users ADD COLUMN a int;\nCREATE INDEX ON orders (state);"),
    ("work-while-lock-held", "DROP TABLE orders;\nDELETE FROM notes;"),
    ("whole-table-write", "UPDATE users SET age = 1;"),
    ("whole-table-write", "UPDATE users SET age = 1 WHERE age IS NULL;"),
    ("whole-table-write", "DELETE FROM users;"),
    ("whole-table-write", "INSERT INTO notes SELECT id, age FROM users;"),
    ("whole-table-write", "CREATE TABLE copies AS SELECT * FROM users;"),
    ("whole-table-write", "DELETE FROM notes WHERE n IS NULL;"),
    ("whole-table-write", "WITH w AS (UPDATE users SET age = 1 RETURNING id) SELECT count(*) FROM w;"),
    ("whole-table-write", "MERGE INTO users u USING notes n ON u.id = n.id WHEN MATCHED THEN UPDATE SET age = n.n;"),
    ("whole-table-write", "DELETE FROM users WHERE 1 = 1;"),
    ("whole-table-write", "WITH w AS (DELETE FROM nobody_knows_it) SELECT 1;"),
    ("whole-table-write", "EXPLAIN (ANALYZE, VERBOSE) UPDATE nobody_knows_it SET a = 1;"),
    (
        "whole-table-write",
        "MERGE INTO notes n USING users u ON u.id = n.id WHEN NOT MATCHED THEN INSERT VALUES (u.id, u.age);",
    ),
    ("whole-table-write", "SELECT * INTO copies FROM users;"),
    ("whole-table-write", "SELECT * INTO copies FROM nobody_knows_it;"),
    ("whole-table-write", "CREATE TABLE copies AS SELECT * FROM nobody_knows_it;"),
    ("whole-table-write", "MERGE INTO nobody_knows_it u USING notes n ON u.id = n.id WHEN MATCHED THEN DELETE;"),
    ("delete-all-rows", "DELETE FROM users;"),
    ("delete-all-rows", "EXPLAIN ANALYZE DELETE FROM users;"),
    ("delete-all-rows", "WITH gone AS (DELETE FROM users WHERE true RETURNING id) SELECT count(*) FROM gone;"),
    ("lock-timeout-missing", "ALTER TABLE users ADD COLUMN a int;"),
    ("lock-timeout-missing", "SET lock_timeout = 0;\nALTER TABLE users ADD COLUMN a int;"),
    ("lock-timeout-missing", "CREATE TABLE pets (owner bigint REFERENCES users);"),
    (
        "several-foreign-keys",
        (
            "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES users NOT VALID;\n"
            "ALTER TABLE cache ADD FOREIGN KEY (k) REFERENCES orders NOT VALID;"
        ),
    ),
    ("drop-locks-referenced", "DROP TABLE orders;"),
    ("drop-locks-referenced", "ALTER TABLE orders DROP COLUMN user_id;"),
    ("drop-locks-referenced", "ALTER TABLE orders DROP CONSTRAINT orders_user;"),
    ("foreign-key-without-index", "ALTER TABLE notes ADD FOREIGN KEY (n, id) REFERENCES users (id, age) NOT VALID;"),
    ("foreign-key-without-index", "CREATE TABLE pets (owner bigint REFERENCES users);"),
    ("foreign-key-type-mismatch", "ALTER TABLE notes ADD FOREIGN KEY (n) REFERENCES users NOT VALID;"),
    ("foreign-key-type-mismatch", "CREATE TABLE pets (owner int REFERENCES users);"),
    ("not-in-a-transaction", "CREATE INDEX CONCURRENTLY ON users (age);"),
    ("not-in-a-transaction", "VACUUM users;"),
    ("not-in-a-transaction", "DISCARD ALL;"),
    ("concurrently-not-possible", "CREATE INDEX CONCURRENTLY ON events (id);"),
    ("concurrently-not-possible", "DROP INDEX CONCURRENTLY events_at;"),
    ("concurrently-not-possible", "DROP INDEX CONCURRENTLY users_code, notes_n;"),
    ("concurrently-not-possible", "DROP INDEX CONCURRENTLY users_code CASCADE;"),
    ("concurrently-not-possible", "ALTER TABLE logs DETACH PARTITION logs_rest CONCURRENTLY;"),
]
"""A rule, and a migration of the shop of which it speaks."""

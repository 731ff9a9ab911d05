-- A table with something of everything that can stand on it and be made again. ALICE, BOB, CAROL are roles of the test.
CREATE SCHEMA "Odd ""Schema""";
CREATE SCHEMA app;
GRANT ALL ON SCHEMA app, "Odd ""Schema""" TO ALICE, BOB, CAROL, READER;
SET search_path = app, public;

CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE teams (id int PRIMARY KEY, name varchar(20));
CREATE TABLE users (id int PRIMARY KEY, email varchar(40), "Full Name" text, team int, mood mood, made timestamptz)
    PARTITION BY RANGE (id);
CREATE TABLE users_low PARTITION OF users FOR VALUES FROM (0) TO (1000);
CREATE TABLE log (what text, at timestamptz DEFAULT now());
INSERT INTO users SELECT n, 'u' || n, 'User ' || n, n % 3, 'good' FROM generate_series(1, 20) AS n;
CREATE VIEW early AS SELECT email FROM users;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT, UPDATE ON TABLES TO BOB;
ALTER DEFAULT PRIVILEGES FOR ROLE READER GRANT INSERT ON TABLES TO PUBLIC;

-- Columns renamed, options, comments, a default, column grants.
CREATE VIEW plain WITH (security_barrier = on) AS SELECT id, email, "Full Name", mood FROM users WHERE mood = 'good';
ALTER VIEW plain RENAME COLUMN email TO "E Mail";
ALTER VIEW plain ALTER COLUMN mood SET DEFAULT 'bad';
COMMENT ON VIEW plain IS 'It''s plain.';
COMMENT ON COLUMN plain."E Mail" IS E'Two\nlines \\ ünï';
GRANT SELECT ("E Mail"), UPDATE (mood, "E Mail") ON plain TO CAROL;
GRANT INSERT (id) ON plain TO PUBLIC;

-- The row as a whole, and no column at all.
CREATE VIEW rows AS SELECT u AS whole, to_jsonb(u.*) AS json FROM users AS u;
CREATE VIEW counted AS SELECT count(*) AS n FROM users;

-- What the server's deparse does not bring back by itself.
CREATE VIEW lists AS
    SELECT id, CASE WHEN email IN ('a', 'ü') THEN 'known' END AS state, mood IN ('good', 'bad') AS any_mood
    FROM users WHERE email NOT IN ('x', email, 'y')
    UNION ALL SELECT 0, 'fixed', true
    UNION SELECT id, NULL, NULL FROM (SELECT 1 AS id UNION SELECT -1 EXCEPT (SELECT 5 ORDER BY 1 LIMIT 1)) AS inner_one;

-- Joins, subqueries, CTEs, windows, a recursive one.
CREATE VIEW joined AS SELECT * FROM users AS u LEFT JOIN (SELECT id AS team, name FROM teams) AS t USING (team);
ALTER TABLE joined RENAME COLUMN name TO email_of_team;
CREATE VIEW natural_one AS
    SELECT x.id, y.email, row_number() OVER w AS n FROM plain AS x NATURAL JOIN users AS y
    WINDOW w AS (PARTITION BY y.team ORDER BY y.made DESC NULLS LAST);
CREATE VIEW cte (who, "count") AS
    WITH m AS MATERIALIZED (SELECT DISTINCT ON (team) team, email FROM users ORDER BY team, made)
    SELECT email, (SELECT count(*) FROM plain AS p WHERE p."E Mail" = m.email) FROM m
    WHERE (email, team) IN (SELECT email, team FROM users) AND EXISTS (SELECT FROM counted);
CREATE RECURSIVE VIEW tree (id, path) AS
    SELECT id, email::text FROM users WHERE team = 0
    UNION ALL SELECT u.id, t.path || '/' || u.email FROM tree AS t JOIN users AS u ON u.team = t.id AND u.id > t.id;
CREATE VIEW literals AS SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS v (n, t) JOIN users_low ON n = id
    WHERE made > '2024-02-03 04:05:06+07' AND made - interval '1 day 02:03' < now() AND email ~ E'\\d';

-- Check options, rules, triggers.
CREATE VIEW checked AS SELECT id, email FROM users_low WHERE email LIKE 'u%' WITH LOCAL CHECK OPTION;
CREATE VIEW checked_twice WITH (check_option = cascaded) AS SELECT * FROM checked;
CREATE RULE "Noted" AS ON DELETE TO checked WHERE old.email IN ('u1', 'u2')
    DO ALSO INSERT INTO app.log SELECT old.email;
CREATE RULE kept AS ON UPDATE TO checked
    DO INSTEAD (INSERT INTO app.log VALUES (new.email), ('kept'); DELETE FROM app.log WHERE what IN ('x'); NOTIFY kept);
COMMENT ON RULE kept ON checked IS 'Read-only.';
CREATE VIEW rule_only AS SELECT name FROM teams;
CREATE RULE redirect AS ON INSERT TO rule_only DO INSTEAD
    INSERT INTO app.users_low (id, email) SELECT 7, new.name RETURNING email::varchar(20);
CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER "Second" INSTEAD OF INSERT OR UPDATE ON joined FOR EACH ROW EXECUTE FUNCTION instead('x');
CREATE TRIGGER afterwards AFTER DELETE ON joined EXECUTE FUNCTION instead();
COMMENT ON TRIGGER "Second" ON joined IS 'Does nothing.';

-- Owners, chains of grants, rights that an owner has given up.
CREATE VIEW of_alice AS SELECT email FROM plain JOIN users USING (id);
ALTER VIEW of_alice OWNER TO ALICE;
SET ROLE ALICE;
GRANT SELECT, UPDATE ON app.of_alice TO BOB WITH GRANT OPTION;
GRANT DELETE ON app.of_alice TO BOB;
SET ROLE BOB;
GRANT SELECT ON app.of_alice TO CAROL WITH GRANT OPTION;
GRANT UPDATE (email) ON app.of_alice TO CAROL;
SET ROLE CAROL;
GRANT SELECT ON app.of_alice TO PUBLIC;
RESET ROLE;
CREATE VIEW given_up AS SELECT email FROM users;
REVOKE ALL ON given_up FROM BOB;
GRANT SELECT ON given_up TO PUBLIC;
REVOKE INSERT, UPDATE, TRUNCATE ON given_up FROM current_user;
CREATE VIEW nobodys AS SELECT email FROM users;
REVOKE ALL ON nobodys FROM BOB, current_user;
CREATE VIEW "Odd ""Schema"""."Select" AS SELECT email AS "From ""x""", made AS aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    FROM users;
CREATE VIEW bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb AS
    SELECT "From ""x""" FROM "Odd ""Schema"""."Select";

-- A materialised view on a view on a materialised view.
CREATE MATERIALIZED VIEW stored WITH (fillfactor = 70, toast.autovacuum_enabled = off) AS
    SELECT id, email, "Full Name", team, lower(email) AS lowered FROM plain JOIN users USING (id, "Full Name");
ALTER MATERIALIZED VIEW stored ALTER COLUMN email SET STATISTICS 77;
ALTER MATERIALIZED VIEW stored ALTER COLUMN "Full Name" SET STORAGE external;
ALTER MATERIALIZED VIEW stored ALTER COLUMN "Full Name" SET COMPRESSION pglz;
ALTER MATERIALIZED VIEW stored ALTER COLUMN team SET (n_distinct = 3);
ALTER MATERIALIZED VIEW stored REPLICA IDENTITY FULL;
CREATE UNIQUE INDEX stored_id ON stored (id) INCLUDE (email) WITH (fillfactor = 60);
CREATE INDEX "By Mail" ON stored (lower(email) DESC, "Full Name" COLLATE "C" text_pattern_ops)
    WHERE email IN ('a', 'b') OR team > 1;
ALTER INDEX "By Mail" ALTER COLUMN 1 SET STATISTICS 55;
COMMENT ON INDEX "By Mail" IS 'For the login.';
ALTER MATERIALIZED VIEW stored CLUSTER ON stored_id;
CREATE STATISTICS "Odd ""Schema""".both (dependencies, mcv) ON team, (lower(email)) FROM stored;
ALTER STATISTICS "Odd ""Schema""".both SET STATISTICS 33;
ALTER STATISTICS "Odd ""Schema""".both OWNER TO BOB;
COMMENT ON STATISTICS "Odd ""Schema""".both IS 'They go together.';
COMMENT ON MATERIALIZED VIEW stored IS 'Once an hour.';
COMMENT ON COLUMN stored.team IS 'Theirs.';
ALTER MATERIALIZED VIEW stored OWNER TO ALICE;
GRANT SELECT ON plain, users TO ALICE;
CREATE VIEW between AS SELECT s.*, c.n FROM stored AS s, counted AS c;
CREATE MATERIALIZED VIEW top AS SELECT email, max(n) AS n FROM between GROUP BY GROUPING SETS ((email), ()) WITH NO DATA;
CREATE MATERIALIZED VIEW not_touched AS SELECT name FROM teams;

"""Tables with something about them that a change of a column may trip over, each with a column to be changed."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "a_name_of_sixty_two_bytes_with_a_prefix_that_two_names_have_so"
MANY = ", ".join(f"c{n} int" for n in range(1588))
MOST = ", ".join(f"c{n} int" for n in range(1597))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A table with rows, whose column `column` is changed. Names are those of SQL, without quotes."""

    id: str
    setup: str
    table: str = "t"
    column: str = "v"
    key: str = "id"
    type: str = "int"
    """`int` or `text`."""
    on_top: str = ""
    """Made at the end, and in the way of plain DDL that changes the type."""
    away: str = ""
    """Takes that out of its way."""
    roles: tuple[str, ...] = ()
    oldest: int = 14


T = "CREATE TABLE t (id int PRIMARY KEY, v int, w int DEFAULT 1);"
TEXT = "CREATE TABLE t (id int PRIMARY KEY, v text, w int DEFAULT 1);"
ROWS = "INSERT INTO t (id, v) SELECT g, g FROM generate_series(11, 60) g;"
NOTE = "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;"

HAZARDS = (
    Hazard(
        id="foreign keys of several columns in another order",
        setup="""
        CREATE TABLE p (x int, y int, PRIMARY KEY (y, x));
        CREATE TABLE t (id int PRIMARY KEY, w int DEFAULT 1, v int, UNIQUE (v, w),
            FOREIGN KEY (w, v) REFERENCES p (x, y));
        CREATE TABLE c (b int, a int, FOREIGN KEY (a, b) REFERENCES t (w, v) ON UPDATE CASCADE);
        INSERT INTO p SELECT 1, g FROM generate_series(0, 100) g;
        INSERT INTO t (id, v) SELECT g, g FROM generate_series(11, 60) g;
        INSERT INTO c SELECT g, 1 FROM generate_series(11, 60) g;
        """,
    ),
    Hazard(
        id="indexes of every kind",
        type="text",
        setup=f"""{TEXT}
        CREATE INDEX i1 ON t (v DESC NULLS LAST, w ASC NULLS FIRST) INCLUDE (id);
        CREATE INDEX i2 ON t (w) INCLUDE (v);
        CREATE INDEX i3 ON t (v COLLATE "C" text_pattern_ops DESC) WITH (fillfactor = 70);
        CREATE INDEX i4 ON t (lower(v), (v || v)) WHERE v <> 'v' AND v IS NOT NULL AND length(v) > 1;
        CREATE INDEX i5 ON t USING hash (v); CREATE INDEX i6 ON t USING brin (v) WITH (pages_per_range = 4);
        CREATE UNIQUE INDEX i7 ON t (v, v, id); CREATE INDEX i8 ON t USING gin (string_to_array(v, 'v'));
        ALTER TABLE t CLUSTER ON i1; COMMENT ON INDEX i4 IS 'v'; {ROWS}""",
        on_top="ALTER INDEX i4 ALTER COLUMN 1 SET STATISTICS 33;",
    ),
    Hazard(
        id="its name inside of literals",
        type="text",
        column="id",
        key="k",
        setup="""
        CREATE TABLE t (k int PRIMARY KEY, id text DEFAULT 'paid', w text DEFAULT 'id',
            CHECK (id <> 'id'), CONSTRAINT "id" CHECK (w <> 'paid id "id"' OR id <> 'paid'));
        CREATE INDEX "paid id" ON t (id, (w || 'id')) WHERE id = 'paid';
        COMMENT ON COLUMN t.id IS 'id'; INSERT INTO t (k, id) SELECT g, 'i' || g FROM generate_series(11, 60) g;
        """,
        on_top="""CREATE VIEW paid AS SELECT k, id AS "paid", 'id'::text AS "id" FROM t WHERE id <> 'paid id';""",
        away="DROP VIEW paid;",
    ),
    Hazard(
        id="mixed case and reserved words",
        table="Select",
        column="From",
        key="Where",
        setup="""
        CREATE TABLE "Select" ("Where" int PRIMARY KEY, "From" int CONSTRAINT "Check" CHECK ("From" > -5), "user" int);
        CREATE INDEX "Order" ON "Select" ("From" DESC) WHERE "From" <> 7 AND "user" IS NULL;
        INSERT INTO "Select" SELECT g, g FROM generate_series(11, 60) g;
        """,
        on_top='CREATE VIEW "Group" AS SELECT "From" AS "table" FROM "Select";',
        away='DROP VIEW "Group";',
    ),
    Hazard(
        id="names of 63 bytes with a prefix in common",
        table=PREFIX + "t",
        column=PREFIX + "a",
        setup=f"""
        CREATE TABLE {PREFIX}t (id int PRIMARY KEY, {PREFIX}a int, {PREFIX}b int,
            CONSTRAINT {PREFIX}c CHECK ({PREFIX}a > -5), CONSTRAINT {PREFIX}d CHECK ({PREFIX}a > -6));
        CREATE INDEX {PREFIX}x ON {PREFIX}t ({PREFIX}a); CREATE INDEX {PREFIX}y ON {PREFIX}t ({PREFIX}a, {PREFIX}b);
        INSERT INTO {PREFIX}t SELECT g, g FROM generate_series(11, 60) g;
        """,
    ),
    Hazard(
        id="an identity that is always generated",
        setup="""
        CREATE TABLE t (id int PRIMARY KEY, v int GENERATED ALWAYS AS IDENTITY (START 100 INCREMENT 2),
            w int DEFAULT 1);
        INSERT INTO t (id) SELECT g FROM generate_series(11, 60) g;
        """,
    ),
    Hazard(
        id="a stored generated column over it",
        setup="""
        CREATE TABLE t (id int PRIMARY KEY, v int, w int DEFAULT 1, g int GENERATED ALWAYS AS (w + 1) STORED,
            h bigint GENERATED ALWAYS AS (v + 1) STORED);
        INSERT INTO t (id, v) SELECT g, g FROM generate_series(11, 60) g;
        """,
    ),
    Hazard(
        id="it is a stored generated column",
        setup="""
        CREATE TABLE t (id int PRIMARY KEY, w int DEFAULT 1, v int GENERATED ALWAYS AS (id + 1) STORED);
        INSERT INTO t (id) SELECT g FROM generate_series(11, 60) g;
        """,
    ),
    Hazard(
        id="a virtual generated column over it",
        oldest=18,
        setup=f"{T} {ROWS}",
        on_top="ALTER TABLE t ADD h bigint GENERATED ALWAYS AS (v + 1) VIRTUAL;",
        away="ALTER TABLE t DROP h;",
    ),
    Hazard(
        id="policies",
        setup=f"{T} {ROWS} ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE TABLE allowed (v int);",
        on_top="""
        CREATE POLICY one ON t USING (v > 3 AND v IN (SELECT a.v FROM allowed a)) WITH CHECK (t.v < 1000);
        CREATE POLICY two ON allowed USING (EXISTS (SELECT FROM t WHERE t.v = allowed.v));
        """,
        away="DROP POLICY one ON t; DROP POLICY two ON allowed;",
    ),
    Hazard(
        id="publications",
        oldest=15,
        setup=f"{T} {ROWS}",
        on_top="""
        CREATE PUBLICATION part FOR TABLE t (id, v) WHERE (v > 3) WITH (publish = 'insert');
        CREATE PUBLICATION whole FOR TABLE t;
        """,
        away="DROP PUBLICATION part; DROP PUBLICATION whole;",
    ),
    Hazard(
        id="a publication that filters by what is no key",
        oldest=15,
        setup=f"{T} {ROWS} CREATE PUBLICATION part FOR TABLE t WHERE (v > 3);",
    ),
    Hazard(
        id="a publication without the key",
        oldest=15,
        setup=f"{T} {ROWS} CREATE PUBLICATION part FOR TABLE t (w);",
    ),
    Hazard(
        id="triggers of its updates",
        setup=f"{T} {ROWS} {NOTE}",
        on_top="""
        CREATE TRIGGER one BEFORE UPDATE OF v, w ON t FOR EACH ROW EXECUTE FUNCTION note();
        CREATE TRIGGER two AFTER UPDATE ON t FOR EACH ROW WHEN (OLD.v IS DISTINCT FROM NEW.v) EXECUTE FUNCTION note();
        """,
        away="DROP TRIGGER one ON t; DROP TRIGGER two ON t;",
    ),
    Hazard(
        id="extended statistics",
        setup=f"{T} {ROWS}",
        on_top="CREATE STATISTICS s1 ON v, w FROM t; CREATE STATISTICS s2 ON (v + 1), w FROM t;",
        away="DROP STATISTICS s1, s2;",
    ),
    Hazard(
        id="another owner",
        roles=("adversarial_owner",),
        setup=f"""{T} {ROWS} GRANT CREATE ON SCHEMA public TO adversarial_owner;
        ALTER TABLE t OWNER TO adversarial_owner;
        """,
    ),
    Hazard(
        id="grants only",
        roles=("adversarial_reader", "adversarial_writer"),
        setup=f"""{T} {ROWS} GRANT SELECT (v), UPDATE (v, w) ON t TO adversarial_reader WITH GRANT OPTION;
        GRANT INSERT, SELECT (id, v), UPDATE (v) ON t TO adversarial_writer; GRANT SELECT ON t TO PUBLIC;""",
    ),
    Hazard(id="unlogged", setup=f"{T} {ROWS} ALTER TABLE t SET UNLOGGED;"),
    Hazard(id="temporary", setup="CREATE TEMPORARY TABLE t (id int PRIMARY KEY, v int, w int);"),
    Hazard(
        id="foreign",
        setup="""
        CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
        CREATE FOREIGN TABLE t (id int, v int, w int) SERVER nowhere;
        """,
    ),
    Hazard(id="1,590 columns", setup=f"CREATE TABLE t (id int PRIMARY KEY, v int, {MANY}); {ROWS}"),
    Hazard(
        id="1,600 columns, one of them dropped",
        setup=f"CREATE TABLE t (id int PRIMARY KEY, v int, gone int, {MOST}); ALTER TABLE t DROP gone; {ROWS}",
    ),
    Hazard(
        id="views",
        setup=f"{T} {ROWS}",
        on_top="""
        CREATE VIEW a AS SELECT id, v FROM t WHERE v > 2; CREATE VIEW b AS SELECT v + 1 AS more FROM a;
        CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n, max(more) AS most FROM b; CREATE INDEX mn ON m (n);
        """,
        away="DROP VIEW a CASCADE;",
    ),
    Hazard(
        id="a rule",
        setup=f"{T} {ROWS} CREATE TABLE log (v int);",
        on_top="CREATE RULE logged AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.v);",
        away="DROP RULE logged ON t;",
    ),
    Hazard(
        id="an exclusion and a deferrable uniqueness",
        setup=f"""{T} {ROWS} ALTER TABLE t ADD UNIQUE (v) DEFERRABLE INITIALLY DEFERRED,
        ADD EXCLUDE USING gist (int4range(v, v, '[]') WITH &&);""",
    ),
    Hazard(
        id="replica identity by it",
        setup="""CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL UNIQUE, w int DEFAULT 1);
        INSERT INTO t SELECT g, g FROM generate_series(11, 60) g;
        ALTER TABLE t REPLICA IDENTITY USING INDEX t_v_key;""",
    ),
    Hazard(
        id="inheritance",
        setup=f"{T} {ROWS} CREATE TABLE child (x int, CHECK (v > -9)) INHERITS (t); INSERT INTO child VALUES (5, 5);",
    ),
    Hazard(
        id="partitions",
        setup="""CREATE TABLE t (id int PRIMARY KEY, v int DEFAULT 3, w int DEFAULT 1) PARTITION BY RANGE (id);
        CREATE TABLE t1 PARTITION OF t (v DEFAULT 4) FOR VALUES FROM (0) TO (30);
        CREATE TABLE t2 PARTITION OF t DEFAULT;
        CREATE INDEX ON t (v); CREATE INDEX only_one ON t1 (v);
        INSERT INTO t SELECT g, g FROM generate_series(11, 60) g;""",
    ),
    Hazard(
        id="a partition key",
        setup="""CREATE TABLE t (id int, v int, w int DEFAULT 1, PRIMARY KEY (id, v)) PARTITION BY RANGE (v);
        CREATE TABLE t1 PARTITION OF t DEFAULT; INSERT INTO t SELECT g, g FROM generate_series(11, 60) g;""",
    ),
    Hazard(
        id="a column of the row's type",
        setup=f"{T} {ROWS}",
        on_top="CREATE TABLE u (x t, y t[]);",
        away="DROP TABLE u;",
    ),
    Hazard(
        id="a table of a type", setup="CREATE TYPE r AS (id int, v int, w int); CREATE TABLE t OF r (PRIMARY KEY (id));"
    ),
    Hazard(
        id="a function that keeps its parse tree",
        setup=f"{T} {ROWS}",
        on_top="""CREATE FUNCTION above(n int) RETURNS SETOF int LANGUAGE sql
        BEGIN ATOMIC SELECT t.v FROM t WHERE t.v > n; END;""",
        away="DROP FUNCTION above;",
    ),
    Hazard(id="a view in place of a table", setup="CREATE TABLE u (id int, v int, w int); CREATE VIEW t AS TABLE u;"),
    Hazard(
        id="a domain",
        setup=f"CREATE DOMAIN small AS int CHECK (VALUE < 900); {T} ALTER TABLE t ALTER v TYPE small; {ROWS}",
    ),
)

"""A table becomes a partitioned one: with all that can hang on it, and with rows that change their partition."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_KIND = "SELECT relkind FROM pg_class WHERE oid = 'orders'::regclass"
_LIKE = """
    CREATE TABLE new (LIKE orders INCLUDING COMMENTS INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED
        INCLUDING STORAGE INCLUDING COMPRESSION) PARTITION BY
"""

CASES = (
    Case(
        id="by range, with all that can hang on a table",
        roles=("life_owner", "life_reader"),
        setup="""
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE TABLE people (id int PRIMARY KEY);
        INSERT INTO people SELECT generate_series(1, 10);
        CREATE TABLE orders (
            id bigint GENERATED ALWAYS AS IDENTITY (START 100000 INCREMENT 5 CACHE 3),
            year int NOT NULL, number serial, who int REFERENCES people ON DELETE CASCADE, what text DEFAULT 'thing',
            mood mood, data json, size numeric(8,2) CHECK (size > 0),
            double numeric GENERATED ALWAYS AS (size * 2) STORED,
            "Odd % name" text, PRIMARY KEY (id, year), CONSTRAINT by_number UNIQUE (number, year)
        ) WITH (fillfactor = 80);
        COMMENT ON TABLE orders IS 'what was ordered';
        COMMENT ON COLUMN orders.what IS 'the thing';
        COMMENT ON CONSTRAINT by_number ON orders IS 'each once';
        CREATE INDEX orders_what ON orders (lower(what)) WHERE what IN ('a', 'b');
        CREATE INDEX orders_who ON orders (who) INCLUDE (size);
        COMMENT ON INDEX orders_who IS 'whose';
        ALTER TABLE orders ALTER what SET STATISTICS 50, ALTER data SET STORAGE EXTERNAL;
        CREATE STATISTICS orders_both ON who, year FROM orders;
        CREATE TABLE lines (id int, year int, n int,
            CONSTRAINT of_order FOREIGN KEY (id, year) REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE);
        INSERT INTO orders (id, year, who, data, size, "Odd % name") OVERRIDING SYSTEM VALUE
            SELECT g, 2024 + g % 4, g % 10 + 1, '{"a": 1}', g + 0.50, 'x' FROM generate_series(1, 200) g;
        INSERT INTO lines SELECT id, year, 1 FROM orders;
        CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            NEW.what := upper(NEW.what); RETURN NEW; END $$;
        CREATE TRIGGER shouting BEFORE INSERT OR UPDATE OF what ON orders FOR EACH ROW
            WHEN (NEW.what <> '') EXECUTE FUNCTION shout();
        CREATE VIEW glad AS SELECT * FROM orders WHERE mood = 'glad';
        CREATE VIEW how_many AS SELECT count(*) AS n FROM orders;
        GRANT SELECT, INSERT (what) ON orders TO life_reader;
        GRANT SELECT ON glad TO life_reader;
        GRANT USAGE ON SEQUENCE orders_id_seq TO life_reader;
        GRANT CREATE ON SCHEMA public TO life_owner;
        ALTER TABLE orders OWNER TO life_owner;
        """,
        changes="""
        - partition_table:
            table: orders
            by: range
            key: [year]
            partitions:
              orders_2024: {from: 2024, to: 2025}
              orders_2025: {from: 2025, to: 2026}
              orders_rest: default
        """,
        plain=_LIKE
        + """
        RANGE (year);
        ALTER TABLE new ALTER id ADD GENERATED ALWAYS AS IDENTITY
            (SEQUENCE NAME new_id_seq START 100000 INCREMENT 5 CACHE 3);
        GRANT USAGE ON SEQUENCE new_id_seq TO life_reader;
        CREATE TABLE orders_2024 PARTITION OF new FOR VALUES FROM (2024) TO (2025)
            WITH (fillfactor = 80);
        CREATE TABLE orders_2025 PARTITION OF new FOR VALUES FROM (2025) TO (2026)
            WITH (fillfactor = 80);
        CREATE TABLE orders_rest PARTITION OF new DEFAULT
            WITH (fillfactor = 80);
        ALTER TABLE new ALTER what SET STATISTICS 50;
        INSERT INTO new (id, year, number, who, what, mood, data, size, "Odd % name") OVERRIDING SYSTEM VALUE
            SELECT id, year, number, who, what, mood, data, size, "Odd % name" FROM orders;
        DROP VIEW glad, how_many;
        ALTER TABLE lines DROP CONSTRAINT of_order;
        ALTER TABLE orders OWNER TO CURRENT_USER;
        ALTER SEQUENCE orders_number_seq OWNED BY new.number;
        DROP TABLE orders;
        ALTER TABLE new RENAME TO orders;
        ALTER SEQUENCE new_id_seq RENAME TO orders_id_seq;
        ALTER TABLE orders ADD PRIMARY KEY (id, year), ADD CONSTRAINT by_number UNIQUE (number, year);
        CREATE INDEX orders_what ON orders (lower(what)) WHERE what IN ('a', 'b');
        CREATE INDEX orders_who ON orders (who) INCLUDE (size);
        COMMENT ON TABLE orders IS 'what was ordered';
        COMMENT ON CONSTRAINT by_number ON orders IS 'each once';
        COMMENT ON INDEX orders_who IS 'whose';
        CREATE STATISTICS orders_both ON who, year FROM orders;
        ALTER TABLE orders ADD FOREIGN KEY (who) REFERENCES people ON DELETE CASCADE;
        CREATE TRIGGER shouting BEFORE INSERT OR UPDATE OF what ON orders FOR EACH ROW
            WHEN (NEW.what <> '') EXECUTE FUNCTION shout();
        ALTER TABLE lines ADD CONSTRAINT of_order FOREIGN KEY (id, year) REFERENCES orders
            ON DELETE CASCADE ON UPDATE CASCADE;
        CREATE VIEW glad AS SELECT * FROM orders WHERE mood = 'glad';
        CREATE VIEW how_many AS SELECT count(*) AS n FROM orders;
        GRANT SELECT, INSERT (what) ON orders TO life_reader;
        GRANT SELECT ON glad TO life_reader;
        ALTER TABLE orders OWNER TO life_owner;
        ALTER TABLE orders_2024 OWNER TO life_owner;
        ALTER TABLE orders_2025 OWNER TO life_owner;
        ALTER TABLE orders_rest OWNER TO life_owner;
        """,
        old_writes=(
            "INSERT INTO orders (year, who, size, data) VALUES (2024, 1, %(n)s, '[1]') RETURNING id",
            "INSERT INTO lines SELECT id, year, 2 FROM orders WHERE size = %(n)s",
            "UPDATE orders SET year = 2025, what = 'moved' WHERE size = %(n)s",
            "UPDATE orders SET what = 'w' || %(n)s WHERE id = %(n)s %% 200 + 1",
            "INSERT INTO orders (id, year, size) OVERRIDING SYSTEM VALUE VALUES (%(n)s, 2030, 1)",
            """
            INSERT INTO orders (id, year, size) OVERRIDING SYSTEM VALUE VALUES (%(n)s, 2030, 1)
            ON CONFLICT (id, year) DO UPDATE SET size = excluded.size + 1
            """,
            "UPDATE orders SET id = DEFAULT WHERE id = %(n)s AND year = 2030",
            "DELETE FROM orders WHERE size = %(n)s AND what = 'MOVED'",
            "SELECT count(*) FROM glad",
        ),
        new_writes=(
            "INSERT INTO orders (year, who, size) VALUES (2026, 2, %(n)s)",
            "DELETE FROM orders WHERE size = %(n)s AND year = 2026",
        ),
        reads=(
            ("SELECT * FROM orders ORDER BY id, year",) * 2,
            ("SELECT * FROM lines ORDER BY id, year, n",) * 2,
        ),
        checks={
            State.BACKFILLED: ((_KIND, [("r",)]),),
            State.RETAINED: ((_KIND, [("p",)]),),
            State.CONTRACTED: (
                (_KIND, [("p",)]),
                ("SELECT count(*) > 0 FROM orders_2025", [(True,)]),
                ("SELECT has_sequence_privilege('life_reader', 'orders_id_seq', 'USAGE')", [(True,)]),
            ),
        },
    ),
)

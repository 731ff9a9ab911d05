"""Values of enums that get another name or go, with all that hangs on the columns, in two tables."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_ORDERS = """
    CREATE SCHEMA "Shop";
    CREATE TYPE "Shop".status AS ENUM ('new', 'paid', 'refunded', 'cancelled', 'lost');
    COMMENT ON TYPE "Shop".status IS 'where it stands';
    REVOKE USAGE ON TYPE "Shop".status FROM PUBLIC;
    GRANT USAGE ON TYPE "Shop".status TO shop_reader WITH GRANT OPTION;
    ALTER TYPE "Shop".status OWNER TO shop_owner;
    CREATE TABLE orders (
        id int PRIMARY KEY, status "Shop".status NOT NULL DEFAULT 'new', previous "Shop".status, note text,
        CONSTRAINT known CHECK (status <> 'cancelled' OR previous IN ('new', 'paid', 'cancelled')));
    INSERT INTO orders SELECT g, 'new', 'new' FROM generate_series(1, 200) g;
    INSERT INTO orders SELECT -g, (ARRAY['new', 'paid', 'refunded', 'lost']::"Shop".status[])[g % 4 + 1], 'new'
        FROM generate_series(1, 50) g;
    UPDATE orders SET previous = 'refunded' WHERE id BETWEEN -20 AND -10;
    CREATE TABLE events (id int, status "Shop".status DEFAULT 'paid', PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE events_kept PARTITION OF events FOR VALUES FROM (-1000) TO (0);
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    ALTER TABLE events_rest ALTER status SET DEFAULT 'new';
    INSERT INTO events SELECT g, 'new' FROM generate_series(1, 200) g;
    INSERT INTO events SELECT -g, 'refunded' FROM generate_series(1, 50) g;
    CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
"""

_ON_TOP = """
    CREATE INDEX orders_open ON orders (status, id) WHERE status = ANY (ARRAY['new', 'paid']::"Shop".status[]);
    CREATE UNIQUE INDEX orders_previous ON orders (coalesce(previous, 'new'::"Shop".status), id);
    CREATE STATISTICS orders_both ON status, previous FROM orders;
    CREATE STATISTICS orders_is ON (status = 'new'), id FROM orders;
    CREATE VIEW open_orders AS SELECT id, status, previous FROM orders WHERE status IN ('new', 'paid');
    CREATE MATERIALIZED VIEW summary AS SELECT status, count(*) AS n FROM orders WHERE id < 0 AND status = 'new'
        GROUP BY status;
    CREATE POLICY not_cancelled ON orders USING (status <> 'cancelled') WITH CHECK (status IS NOT NULL);
    CREATE TRIGGER paid BEFORE UPDATE OF status ON orders
        FOR EACH ROW WHEN (NEW.status = 'paid') EXECUTE FUNCTION pass();
    CREATE FUNCTION open_of(number int) RETURNS bool LANGUAGE sql STABLE
        BEGIN ATOMIC SELECT status = 'new' FROM orders WHERE id = number; END;
    CREATE INDEX events_status ON events (status);
"""

_AWAY = """
    DROP FUNCTION open_of; DROP TRIGGER paid ON orders; DROP POLICY not_cancelled ON orders;
    DROP MATERIALIZED VIEW summary; DROP VIEW open_orders; DROP STATISTICS orders_both, orders_is;
    DROP INDEX orders_open, orders_previous, events_status; ALTER TABLE orders DROP CONSTRAINT known;
    ALTER TABLE orders ALTER status DROP DEFAULT; ALTER TABLE events ALTER status DROP DEFAULT;
    ALTER TABLE events_rest ALTER status DROP DEFAULT;
"""

_RETYPED = """TYPE "Shop".fewer USING CASE {0} WHEN 'refunded' THEN 'cancelled' WHEN 'lost' THEN 'new'
    ELSE {0}::text END::"Shop".fewer"""

CASES = (
    Case(
        id="values go, with all that hangs on the columns",
        oldest=15,
        roles=("shop_owner", "shop_reader"),
        setup=f'{_ORDERS} GRANT ALL ON SCHEMA "Shop" TO shop_owner; {_ON_TOP}',
        changes="""- remove_enum_values: {type: '"Shop".status', map: {refunded: cancelled, lost: new}}""",
        plain=f"""
        {_AWAY}
        CREATE TYPE "Shop".fewer AS ENUM ('new', 'paid', 'cancelled');
        ALTER TABLE orders ALTER status {_RETYPED.format("status")}, ALTER previous {_RETYPED.format("previous")};
        ALTER TABLE events ALTER status {_RETYPED.format("status")};
        DROP TYPE "Shop".status; ALTER TYPE "Shop".fewer RENAME TO status;
        COMMENT ON TYPE "Shop".status IS 'where it stands';
        REVOKE USAGE ON TYPE "Shop".status FROM PUBLIC;
        GRANT USAGE ON TYPE "Shop".status TO shop_reader WITH GRANT OPTION;
        ALTER TYPE "Shop".status OWNER TO shop_owner;
        ALTER TABLE orders ALTER status SET DEFAULT 'new';
        ALTER TABLE events ALTER status SET DEFAULT 'paid'; ALTER TABLE events_rest ALTER status SET DEFAULT 'new';
        ALTER TABLE orders
            ADD CONSTRAINT known CHECK (status <> 'cancelled' OR previous IN ('new', 'paid', 'cancelled'));
        {_ON_TOP}
        """,
        old_writes=(
            "INSERT INTO orders (id, status, previous) VALUES (%(n)s, 'refunded', 'lost')",
            "INSERT INTO orders (id) VALUES (-%(n)s)",
            "UPDATE orders SET status = 'lost' WHERE id = %(n)s %% 200 + 1",
            "UPDATE orders SET note = 'old' WHERE id = (%(n)s + 7) %% 200 + 1",
            "INSERT INTO events VALUES (%(n)s, 'refunded')",
            "UPDATE events SET status = 'lost' WHERE id = %(n)s %% 200 + 1",
            "SELECT open_of(3)",
            "SELECT 1 / (count(*) > 0)::int FROM summary",
        ),
        new_writes=(
            "INSERT INTO orders (id, status, previous) VALUES (%(n)s, 'cancelled', 'paid')",
            "UPDATE orders SET status = 'paid' WHERE id = %(n)s %% 200 + 1",
            "UPDATE open_orders SET previous = NULL WHERE id = %(n)s %% 200 + 1",
            "UPDATE orders SET note = 'new' WHERE id = (%(n)s + 7) %% 200 + 1",
            "INSERT INTO events (id) VALUES (%(n)s)",
            "UPDATE events SET status = 'cancelled' WHERE id = %(n)s",
            "SELECT open_of(3)",
        ),
        untouched=(
            "SELECT id, status, previous FROM orders WHERE id BETWEEN -50 AND -1 ORDER BY id",
            "SELECT id, status FROM events WHERE id BETWEEN -50 AND -1 ORDER BY id",
        ),
        checks={
            State.BACKFILLED: (("SELECT DISTINCT status::text FROM events WHERE id < 0", [("refunded",)]),),
            State.RETAINED: (("SELECT DISTINCT status::text FROM events WHERE id < 0", [("cancelled",)]),),
        },
    ),
    Case(
        id="a value gets another name",
        setup="""
        CREATE TYPE mood AS ENUM ('sad', 'happy');
        CREATE TABLE people (id int PRIMARY KEY, mood mood NOT NULL DEFAULT 'sad', CHECK (mood = 'sad' OR id > -1000));
        INSERT INTO people SELECT g, 'happy' FROM generate_series(1, 200) g;
        """,
        changes="- rename_enum_value: {type: mood, from: sad, to: blue}",
        plain="ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
        old_writes=("INSERT INTO people VALUES (%(n)s, 'sad')", "UPDATE people SET mood = 'happy' WHERE id = %(n)s"),
        new_writes=("INSERT INTO people VALUES (%(n)s)", "DELETE FROM people WHERE id = %(n)s"),
        checks={
            State.BACKFILLED: (("SELECT count(*) > 0 FROM pg_enum WHERE enumlabel = 'sad'", [(True,)]),),
            State.RETAINED: (("SELECT count(*) FROM pg_enum WHERE enumlabel = 'sad'", [(0,)]),),
        },
    ),
)

"""Changes of type: in place, through a twin under the same name, and with a name of its own for the new version."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_ORDERS = """
    CREATE TABLE customers (id int PRIMARY KEY);
    INSERT INTO customers SELECT generate_series(1, 200);
    CREATE TABLE orders (id int PRIMARY KEY, amount int NOT NULL DEFAULT 7 CHECK (amount > -1000000), note text,
        customer int CONSTRAINT orders_of REFERENCES customers ON DELETE CASCADE,
        CONSTRAINT one_amount UNIQUE (note, amount) DEFERRABLE);
    CREATE INDEX orders_amount ON orders (amount DESC NULLS LAST) INCLUDE (note) WHERE amount <> 3 OR amount IS NULL;
    CREATE UNIQUE INDEX orders_expression ON orders ((amount + id), id);
    COMMENT ON COLUMN orders.amount IS 'in cents';
    COMMENT ON INDEX orders_amount IS 'the dear ones first';
    COMMENT ON CONSTRAINT one_amount ON orders IS 'once';
    ALTER TABLE orders ALTER amount SET STATISTICS 200, CLUSTER ON orders_expression;
    INSERT INTO orders SELECT g, g, 'n' || g, g FROM generate_series(1, 200) g;
    INSERT INTO orders SELECT -g, g * 10, 'kept' || g FROM generate_series(1, 50) g;
"""

_ON_USERS = """
    CREATE VIEW names AS SELECT name FROM users;
    CREATE POLICY known ON users USING (name IN ('a', 'b')) WITH CHECK (name <> '');
    CREATE TRIGGER changed BEFORE UPDATE OF name ON users
        FOR EACH ROW WHEN (NEW.name <> '') EXECUTE FUNCTION pass();
    COMMENT ON TRIGGER changed ON users IS 'passes';
    CREATE PUBLICATION sent FOR TABLE users (id, name) WHERE (name <> 'x') WITH (publish = 'insert');
    CREATE STATISTICS users_both ON id, name FROM users;
"""

_TABLES = """
    CREATE SCHEMA "Ledger";
    CREATE TABLE "Ledger".accounts (id int PRIMARY KEY, "limit" int NOT NULL);
    CREATE TABLE "Ledger".payments (
        id int PRIMARY KEY, "Amount" int NOT NULL DEFAULT 7, account int, state varchar(10), fee int, note text,
        CHECK ("Amount" > -1000000 AND state IN ('new', 'paid')));
    INSERT INTO "Ledger".accounts SELECT g, g * 10 FROM generate_series(0, 9) g;
    INSERT INTO "Ledger".payments SELECT g, g, g % 10, 'new', 1, 'n' || g FROM generate_series(1, 200) g;
    INSERT INTO "Ledger".payments SELECT -g, g * 10, g % 10, 'paid', 1, 'kept' FROM generate_series(1, 50) g;
    ALTER TABLE "Ledger".payments ENABLE ROW LEVEL SECURITY;
    CREATE TABLE "Ledger".log (what text);
    CREATE FUNCTION "Ledger".note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO "Ledger".log VALUES (TG_NAME || NEW."Amount"); RETURN NULL; END $$;
    CREATE FUNCTION "Ledger".whole() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW."Amount" := NEW."Amount" / 1; RETURN NEW; END $$;
"""

_ON_TOP = """
    CREATE VIEW "Ledger".large WITH (security_barrier = on) AS
        SELECT id, "Amount", state FROM "Ledger".payments WHERE "Amount" > 50 AND state IN ('new', 'paid')
        WITH LOCAL CHECK OPTION;
    COMMENT ON VIEW "Ledger".large IS 'The large ones.';
    COMMENT ON COLUMN "Ledger".large."Amount" IS 'in cents';
    GRANT SELECT ("Amount"), UPDATE ON "Ledger".large TO ledger_reader;
    GRANT SELECT ON "Ledger".large TO ledger_owner;
    CREATE VIEW "Ledger".of_large AS SELECT max("Amount") AS most FROM "Ledger".large;
    ALTER VIEW "Ledger".of_large OWNER TO ledger_owner;
    CREATE MATERIALIZED VIEW "Ledger".totals (account, total) WITH (fillfactor = 70) AS
        SELECT account, sum("Amount") FROM "Ledger".payments WHERE id BETWEEN -50 AND -1 GROUP BY account;
    CREATE UNIQUE INDEX totals_account ON "Ledger".totals (account);
    COMMENT ON INDEX "Ledger".totals_account IS 'for REFRESH CONCURRENTLY';
    CREATE STATISTICS "Ledger".totals_both ON account, total FROM "Ledger".totals;
    GRANT SELECT ON "Ledger".totals TO ledger_reader;
    CREATE VIEW "Ledger".best AS SELECT max(total) AS total FROM "Ledger".totals;
    CREATE MATERIALIZED VIEW "Ledger".summary AS
        SELECT b.total, (SELECT count(*) FROM "Ledger".large) AS large FROM "Ledger".best b;
    CREATE MATERIALIZED VIEW "Ledger".empty AS SELECT "Amount" FROM "Ledger".payments WITH NO DATA;

    CREATE STATISTICS "Ledger".payments_columns (dependencies) ON "Amount", account FROM "Ledger".payments;
    CREATE STATISTICS "Ledger".payments_expression ON ("Amount" + id), account FROM "Ledger".payments;
    ALTER STATISTICS "Ledger".payments_columns SET STATISTICS 77;
    ALTER STATISTICS "Ledger".payments_columns OWNER TO ledger_owner;
    COMMENT ON STATISTICS "Ledger".payments_columns IS 'both';

    CREATE POLICY "Their own" ON "Ledger".payments AS RESTRICTIVE FOR UPDATE TO ledger_reader
        USING ("Amount" < (SELECT a."limit" FROM "Ledger".accounts a WHERE a.id = payments.account))
        WITH CHECK ("Amount" = ANY (ARRAY[1, 2]));
    COMMENT ON POLICY "Their own" ON "Ledger".payments IS 'within the limit';
    CREATE POLICY paying ON "Ledger".accounts USING (EXISTS (
        SELECT FROM "Ledger".payments p WHERE p.account = accounts.id AND p."Amount" > 0));

    CREATE TRIGGER a_whole BEFORE INSERT OR UPDATE OF "Amount" ON "Ledger".payments
        FOR EACH ROW EXECUTE FUNCTION "Ledger".whole();
    CREATE TRIGGER noted AFTER UPDATE ON "Ledger".payments
        FOR EACH ROW WHEN (OLD."Amount" IS DISTINCT FROM NEW."Amount") EXECUTE FUNCTION "Ledger".note();
    CREATE CONSTRAINT TRIGGER later AFTER UPDATE OF "Amount" ON "Ledger".payments
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION "Ledger".note();
    ALTER TABLE "Ledger".payments DISABLE TRIGGER later, ENABLE ALWAYS TRIGGER noted;
    COMMENT ON TRIGGER noted ON "Ledger".payments IS 'each new amount';

    CREATE FUNCTION "Ledger".above(bottom int) RETURNS bigint LANGUAGE sql STABLE
        BEGIN ATOMIC SELECT count(*) FROM "Ledger".payments AS p WHERE p."Amount" > bottom; END;

    CREATE PUBLICATION named FOR TABLE "Ledger".accounts, "Ledger".payments (id, "Amount") WHERE ("Amount" > 5)
        WITH (publish = 'insert');
"""

_ON_TOP_AWAY = """
    DROP MATERIALIZED VIEW "Ledger".empty, "Ledger".summary; DROP VIEW "Ledger".best;
    DROP MATERIALIZED VIEW "Ledger".totals; DROP VIEW "Ledger".of_large; DROP VIEW "Ledger".large;
    DROP STATISTICS "Ledger".payments_columns, "Ledger".payments_expression;
    DROP POLICY "Their own" ON "Ledger".payments; DROP POLICY paying ON "Ledger".accounts;
    DROP TRIGGER a_whole ON "Ledger".payments; DROP TRIGGER noted ON "Ledger".payments;
    DROP TRIGGER later ON "Ledger".payments;
    DROP FUNCTION "Ledger".above; DROP PUBLICATION named;
"""

_ALWAYS_READABLE = (
    'SELECT "Amount"::text FROM "Ledger".large WHERE id = %(n)s %% 200 + 1',
    'SELECT 1 / (count(*) = 10)::int FROM "Ledger".totals',
    'SELECT 1 / (total > 0)::int FROM "Ledger".summary',
    'SELECT "Ledger".above(3)',
)

_READINGS = """
    CREATE TABLE readings (id int PRIMARY KEY, value int NOT NULL DEFAULT 1, kind varchar(9), CHECK (value < 1000000))
        PARTITION BY RANGE (id);
    CREATE TABLE readings_kept PARTITION OF readings FOR VALUES FROM (-1000) TO (0);
    CREATE TABLE readings_old PARTITION OF readings FOR VALUES FROM (0) TO (100) PARTITION BY HASH (id);
    CREATE TABLE readings_old_a PARTITION OF readings_old FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE readings_old_b PARTITION OF readings_old FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE readings_rest PARTITION OF readings DEFAULT;
    CREATE INDEX readings_value ON readings (value DESC, kind) WHERE value <> 7;
    ALTER TABLE readings ALTER value SET STATISTICS 50;
    ALTER TABLE readings_old_a ALTER value SET STATISTICS -1;
    ALTER TABLE readings_rest ALTER value SET DEFAULT 9;
    ALTER TABLE readings_rest ADD CONSTRAINT at_least CHECK (value > -5 OR kind IN ('x', 'y'));
    COMMENT ON CONSTRAINT at_least ON readings_rest IS 'of this one';
    COMMENT ON COLUMN readings_rest.value IS 'the rest';
    COMMENT ON COLUMN readings.value IS 'all';
    GRANT SELECT (value) ON readings_kept TO readings_reader;
    CREATE FUNCTION kind_of() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM NEW.kind; RETURN NEW; END $$;
    INSERT INTO readings SELECT g, g, 'k' || g FROM generate_series(1, 200) g;
    INSERT INTO readings SELECT -g, g, 'kept' FROM generate_series(1, 50) g;
"""

_ON_READINGS = """
    CREATE TRIGGER of_all AFTER UPDATE ON readings
        FOR EACH ROW WHEN (OLD.value <> NEW.value) EXECUTE FUNCTION kind_of();
    ALTER TABLE readings_rest DISABLE TRIGGER of_all;
    CREATE TRIGGER of_one AFTER UPDATE ON readings_kept
        FOR EACH ROW WHEN (NEW.value > 3) EXECUTE FUNCTION kind_of();
    CREATE POLICY these ON readings_kept USING (value > (SELECT min(value) FROM readings_rest));
    CREATE STATISTICS readings_both ON value, kind FROM readings_kept;
    CREATE VIEW latest AS SELECT id, value, kind IN ('k1', 'k2') AS early FROM readings;
    CREATE MATERIALIZED VIEW most AS SELECT kind, max(value) AS value FROM readings_kept GROUP BY kind;
    CREATE INDEX most_value ON most (value) WHERE value > 0;
    CREATE FUNCTION newest(reading int) RETURNS bigint LANGUAGE sql
        BEGIN ATOMIC SELECT r.value FROM readings r WHERE r.id = reading ORDER BY value; END;
    CREATE PUBLICATION kept FOR TABLE readings_kept (id, value) WHERE (value > 5) WITH (publish = 'insert');
"""

CASES = (
    Case(
        id="a wider varchar with all on top, in place",
        oldest=15,
        setup=f"""
        CREATE TABLE users (id int PRIMARY KEY, name varchar(40) NOT NULL);
        CREATE INDEX users_name ON users (name);
        CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        INSERT INTO users SELECT g, 'n' || g FROM generate_series(1, 200) g;
        {_ON_USERS}
        """,
        changes="- change_type: {table: users, column: name, to: varchar(80)}",
        plain=f"""
        DROP VIEW names; DROP POLICY known ON users; DROP TRIGGER changed ON users; DROP PUBLICATION sent;
        DROP STATISTICS users_both;
        ALTER TABLE users ALTER name TYPE varchar(80); {_ON_USERS}
        """,
        old_writes=("INSERT INTO users VALUES (%(n)s, 'old')", "UPDATE users SET name = 'o' WHERE id = %(n)s"),
        new_writes=("INSERT INTO users VALUES (%(n)s, 'new')", "DELETE FROM users WHERE id = %(n)s"),
        turns_back=frozenset(),
    ),
    Case(
        id="int becomes bigint under the same name",
        setup=_ORDERS,
        changes="- change_type: {table: orders, column: amount, to: bigint}",
        plain="ALTER TABLE orders ALTER amount TYPE bigint",
        old_writes=(
            "INSERT INTO orders VALUES (%(n)s, %(n)s, 'old' || %(n)s, 1)",
            "INSERT INTO orders (id, note) VALUES (-%(n)s, 'old' || %(n)s)",
            "UPDATE orders SET amount = amount + 1 WHERE id = %(n)s %% 200 + 1",
            "UPDATE orders SET note = 'o' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1",
            "SELECT amount FROM orders WHERE amount = %(n)s",
        ),
        untouched=("SELECT id, amount FROM orders WHERE id BETWEEN -50 AND -1 ORDER BY id",),
    ),
    Case(
        id="an amount in cents becomes one in euros, with a name of its own",
        setup=_ORDERS,
        changes="""
        - change_type:
            {table: orders, column: amount, to: "numeric(12,2)", into: euros, using: "amount / 100.0",
             reverse: "round(euros * 100)"}
        """,
        plain="""
        ALTER TABLE orders ALTER amount TYPE numeric(12,2) USING amount / 100.0;
        ALTER TABLE orders RENAME amount TO euros;
        """,
        old_writes=(
            "INSERT INTO orders VALUES (%(n)s, %(n)s, 'old' || %(n)s)",
            "UPDATE orders SET amount = amount + 100 WHERE id = %(n)s %% 200 + 1",
            "UPDATE orders SET note = 'o' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1",
        ),
        new_writes=(
            "INSERT INTO orders (id, euros, note) VALUES (%(n)s, %(n)s + 0.25, 'new' || %(n)s)",
            "UPDATE orders SET euros = euros + 1 WHERE id = %(n)s %% 200 + 1",
            "UPDATE orders SET note = 'p' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1",
        ),
        reads=(("SELECT id, amount FROM orders ORDER BY id", "SELECT id, (euros * 100)::int FROM orders ORDER BY id"),),
        checks={State.BACKFILLED: (("SELECT count(*) FROM orders WHERE euros IS NULL", [(0,)]),)},
    ),
    Case(
        id="all that hangs on a column goes over",
        oldest=15,
        roles=("ledger_owner", "ledger_reader"),
        setup=f'{_TABLES} GRANT ALL ON SCHEMA "Ledger" TO ledger_owner; {_ON_TOP}',
        changes="""- change_type: {table: '"Ledger".payments', column: Amount, to: bigint}""",
        plain=f'{_ON_TOP_AWAY} ALTER TABLE "Ledger".payments ALTER "Amount" TYPE bigint; {_ON_TOP}',
        old_writes=(
            """INSERT INTO "Ledger".payments VALUES (%(n)s, %(n)s, 1, 'new')""",
            """UPDATE "Ledger".payments SET "Amount" = "Amount" + 1 WHERE id = %(n)s %% 200 + 1""",
            """INSERT INTO "Ledger".large VALUES (-%(n)s, %(n)s, 'paid')""",
            """UPDATE "Ledger".large SET "Amount" = 60 WHERE id = -%(n)s""",
            *_ALWAYS_READABLE,
        ),
        new_writes=(
            """INSERT INTO "Ledger".large VALUES (%(n)s, %(n)s, 'paid')""",
            """UPDATE "Ledger".payments SET "Amount" = "Amount" + 1 WHERE id = %(n)s %% 200 + 1""",
            *_ALWAYS_READABLE,
        ),
        untouched=(
            """SELECT id, "Amount" FROM "Ledger".payments WHERE id BETWEEN -50 AND -1 ORDER BY id""",
            """SELECT * FROM pg_publication_tables""",
        ),
        checks={
            State.RETAINED: (
                (
                    """SELECT relname::text, relispopulated FROM pg_class
                       WHERE relkind = 'm' AND relname !~ '^crossfade_' ORDER BY 1""",
                    [("empty", False), ("summary", True), ("totals", True)],
                ),
                ("""SELECT pg_typeof(max("Amount"))::text FROM "Ledger".large""", [("bigint",)]),
                ("""SELECT pg_typeof(most)::text FROM "Ledger".of_large""", [("bigint",)]),
            ),
        },
    ),
    Case(
        id="what partitions have of their own goes over, to a column with a name of its own",
        oldest=15,
        roles=("readings_reader",),
        setup=f"{_READINGS} {_ON_READINGS}",
        changes="- change_type: {table: readings, column: value, to: bigint, into: amount}",
        plain=f"""
        DROP PUBLICATION kept; DROP FUNCTION newest; DROP MATERIALIZED VIEW most; DROP VIEW latest;
        DROP POLICY these ON readings_kept; DROP TRIGGER of_one ON readings_kept; DROP TRIGGER of_all ON readings;
        DROP STATISTICS readings_both;
        ALTER TABLE readings ALTER value TYPE bigint; {_ON_READINGS}
        ALTER TABLE readings RENAME value TO amount;
        """,
        old_writes=(
            "INSERT INTO readings VALUES (%(n)s, %(n)s, 'old')",
            "UPDATE readings SET value = value + 1 WHERE id = %(n)s %% 200 + 1",
            "INSERT INTO readings (id, kind) VALUES (-100000 - %(n)s, 'x')",
            "SELECT value FROM latest WHERE id = %(n)s %% 200 + 1",
            "SELECT 1 / (count(*) > 0)::int FROM most WHERE value > 1",
        ),
        new_writes=(
            "INSERT INTO readings (id, amount) VALUES (%(n)s, %(n)s)",
            "UPDATE readings SET amount = amount + 1 WHERE id = %(n)s %% 200 + 1",
            "SELECT value::text, newest(3) FROM latest WHERE id = %(n)s %% 200 + 1",
            "SELECT 1 / (count(*) > 0)::int FROM most WHERE value > 1",
        ),
        reads=(("SELECT id, value FROM readings ORDER BY id", "SELECT id, amount FROM readings ORDER BY id"),),
        untouched=("SELECT id, amount FROM readings WHERE id BETWEEN -50 AND -1 ORDER BY id",),
    ),
)

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

CASES = (
    Case(
        id="a wider varchar with a view on top, in place",
        setup="""
        CREATE TABLE users (id int PRIMARY KEY, name varchar(40) NOT NULL);
        CREATE INDEX users_name ON users (name);
        CREATE VIEW names AS SELECT name FROM users;
        INSERT INTO users SELECT g, 'n' || g FROM generate_series(1, 200) g;
        """,
        changes="- change_type: {table: users, column: name, to: varchar(80)}",
        plain="""
        DROP VIEW names; ALTER TABLE users ALTER name TYPE varchar(80);
        CREATE VIEW names AS SELECT name FROM users;
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
)

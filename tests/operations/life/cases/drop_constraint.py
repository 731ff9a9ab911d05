"""Constraints that go, and come back as they were: a CHECK, a foreign key, a unique constraint and a primary key."""

from __future__ import annotations

from ..case import Case

_ORDERS = """
    CREATE TABLE customers (id int PRIMARY KEY);
    INSERT INTO customers SELECT generate_series(1, 200);
    CREATE TABLE orders (id int CONSTRAINT orders_key PRIMARY KEY, amount int, status varchar(9) DEFAULT 'new',
        customer int CONSTRAINT orders_of REFERENCES customers ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
        CONSTRAINT orders_status CHECK (status IN ('new', 'paid')),
        CONSTRAINT orders_once UNIQUE (amount, customer) INCLUDE (status) DEFERRABLE);
    COMMENT ON CONSTRAINT orders_status ON orders IS 'two so far';
    COMMENT ON CONSTRAINT orders_once ON orders IS 'once';
    COMMENT ON INDEX orders_once IS 'the index';
    ALTER TABLE orders CLUSTER ON orders_once;
    INSERT INTO orders SELECT g, g, 'new', g FROM generate_series(1, 200) g;
"""

CASES = (
    Case(
        id="one of each kind, at contract",
        setup=_ORDERS,
        changes="""
        - drop_constraint: {table: orders, name: orders_status}
        - drop_constraint: {table: orders, name: orders_of}
        - drop_constraint: {table: orders, name: orders_once}
        - drop_constraint: {table: orders, name: orders_key}
        """,
        plain="""
        ALTER TABLE orders DROP CONSTRAINT orders_status, DROP CONSTRAINT orders_of, DROP CONSTRAINT orders_once,
            DROP CONSTRAINT orders_key
        """,
        old_writes=("INSERT INTO orders VALUES (%(n)s, %(n)s, 'new', 1)",),
        new_writes=("INSERT INTO orders VALUES (%(n)s, %(n)s, 'paid', 2)",),
        reads=(("SELECT id, status FROM orders WHERE id <= 200 ORDER BY id",) * 2,),
    ),
    Case(
        id="at expand, since the new version writes what it refuses",
        setup=_ORDERS,
        changes="- drop_constraint: {table: orders, name: orders_status, when: expand}",
        plain="ALTER TABLE orders DROP CONSTRAINT orders_status",
        old_writes=("INSERT INTO orders VALUES (%(n)s, %(n)s, 'new', 1)",),
        new_writes=("INSERT INTO orders VALUES (%(n)s, %(n)s, 'shipped', 2)",),
        turns_back=frozenset(),
    ),
)

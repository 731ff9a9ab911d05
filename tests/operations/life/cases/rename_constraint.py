"""Constraints that get another name at contract, an index with one of them."""

from __future__ import annotations

from ..case import Case

CASES = (
    Case(
        id="a primary key and a CHECK",
        setup="""
        CREATE TABLE orders (id int PRIMARY KEY, amount int CHECK (amount > 0));
        INSERT INTO orders SELECT g, g FROM generate_series(1, 200) g;
        """,
        changes="""
        - rename_constraint: {table: orders, from: orders_pkey, to: orders_key}
        - rename_constraint: {table: orders, from: orders_amount_check, to: "Worth something"}
        """,
        plain="""
        ALTER TABLE orders RENAME CONSTRAINT orders_pkey TO orders_key;
        ALTER TABLE orders RENAME CONSTRAINT orders_amount_check TO "Worth something";
        """,
        old_writes=(
            "INSERT INTO orders VALUES (%(n)s, %(n)s) ON CONFLICT ON CONSTRAINT orders_pkey DO UPDATE SET amount = 1",
        ),
        new_writes=("INSERT INTO orders VALUES (%(n)s, 1) ON CONFLICT (id) DO UPDATE SET amount = excluded.amount",),
        reads=(("SELECT id, amount FROM orders WHERE id <= 200 ORDER BY id",) * 2,),
    ),
)

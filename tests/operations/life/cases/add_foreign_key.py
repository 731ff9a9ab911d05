"""Foreign keys that the old version breaks until it is gone: counted at the end of the statement or transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case
from ..violating import write_and_look

if TYPE_CHECKING:
    from ....fixtures.database import Database


def blocked(database: Database) -> None:
    """A write that refers to nothing is noted; one that refers to what the same statement writes is not."""
    database.execute(
        "WITH made AS (INSERT INTO customers VALUES (9, 9000)) INSERT INTO orders VALUES (-2, 9, 9000);"
        "DELETE FROM orders WHERE id = -2; DELETE FROM customers WHERE id = 9000"
    )
    write_and_look(database, "INSERT INTO orders VALUES (-1, 1, -1)", "orders_of", '{"id": -1}')
    database.execute("DELETE FROM orders WHERE id = -1")


CASES = (
    Case(
        id="composite, counted, and rows repaired",
        setup="""
        CREATE TABLE customers (shop int, id int, PRIMARY KEY (shop, id));
        INSERT INTO customers SELECT 1, g FROM generate_series(1, 200) g;
        CREATE TABLE orders (id int PRIMARY KEY, shop int, customer bigint);
        CREATE INDEX ON orders (customer, shop);
        INSERT INTO orders SELECT g, 1, CASE WHEN g % 10 = 0 THEN -g ELSE g END FROM generate_series(1, 200) g;
        """,
        changes="""
        - add_foreign_key:
            table: orders
            name: orders_of
            columns: [customer, shop]
            references: {table: customers, columns: [id, shop]}
            on_delete: cascade
            fix: {customer: "NULL"}
        """,
        plain="""
        UPDATE orders SET customer = NULL WHERE customer < 0;
        ALTER TABLE orders ADD CONSTRAINT orders_of FOREIGN KEY (customer, shop) REFERENCES customers (id, shop)
            ON DELETE CASCADE;
        """,
        old_writes=(
            "INSERT INTO orders VALUES (%(n)s, 1, -%(n)s)",
            "UPDATE orders SET customer = NULL WHERE id = %(n)s",
            "UPDATE orders SET customer = 1 WHERE id = %(n)s",
        ),
        new_writes=(
            "INSERT INTO orders VALUES (%(n)s, 1, 7)",
            "UPDATE orders SET customer = 8 WHERE id = %(n)s",
        ),
        untouched=("SELECT id, shop, customer FROM orders WHERE id BETWEEN 1 AND 200 ORDER BY id",),
        checks={State.BACKFILLED: (blocked,)},
    ),
)

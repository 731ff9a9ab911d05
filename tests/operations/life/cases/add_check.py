"""CHECK constraints that the old version breaks until it is gone: counted, or enforced at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.workflow.states import State

from ..case import Case
from ..violating import write_and_look

if TYPE_CHECKING:
    from ....fixtures.database import Database

_ORDERS = """
    CREATE TABLE orders (id int PRIMARY KEY, amount int, quantity int DEFAULT 1, status varchar(9) DEFAULT 'new');
    INSERT INTO orders SELECT g, CASE WHEN g % 20 = 0 THEN -g ELSE g END FROM generate_series(1, 200) g;
"""


def blocked(database: Database) -> None:
    """A violating write of now is let in, noted with the key of its row, and holds contract back."""
    write_and_look(database, "INSERT INTO orders (id, amount) VALUES (-1, -1)", "orders_worth", '{"id": -1}')
    database.execute("DELETE FROM orders WHERE id = -1")


CASES = (
    Case(
        id="counted, and rows repaired",
        setup=_ORDERS,
        changes="""
        - add_check:
            {table: orders, name: orders_worth, expression: "amount / quantity > 0 AND status IN ('new', 'paid')",
             fix: {amount: abs(amount), quantity: "greatest(quantity, 1)"}}
        """,
        plain="""
        UPDATE orders SET amount = abs(amount), quantity = greatest(quantity, 1);
        ALTER TABLE orders ADD CONSTRAINT orders_worth CHECK (amount / quantity > 0 AND status IN ('new', 'paid'));
        """,
        old_writes=(
            "INSERT INTO orders VALUES (%(n)s, -%(n)s)",
            "UPDATE orders SET quantity = 0 WHERE id = %(n)s",
            "UPDATE orders SET amount = %(n)s, quantity = 1 WHERE id = %(n)s",
            "UPDATE orders SET status = 'paid' WHERE id = %(n)s %% 200 + 1",
        ),
        new_writes=(
            "INSERT INTO orders VALUES (%(n)s, %(n)s)",
            "UPDATE orders SET quantity = 1 WHERE id = %(n)s",
        ),
        untouched=("SELECT id, amount, quantity FROM orders WHERE id BETWEEN 1 AND 200 ORDER BY id",),
        checks={State.BACKFILLED: (blocked,)},
    ),
)

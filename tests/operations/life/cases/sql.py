"""Statements of a plan's own: a column in step with another by a hand-written trigger, an index beside everybody."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_COLUMNS = (
    "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute"
    " WHERE attrelid = 'shop.orders'::regclass AND attnum > 0 AND NOT attisdropped"
)

CASES = (
    Case(
        id="a trigger, an index and rows of one's own",
        setup="""
        CREATE SCHEMA shop;
        CREATE TABLE shop.orders (id int PRIMARY KEY, code int NOT NULL, note text);
        INSERT INTO shop.orders SELECT g, g % 7, 'n' || g FROM generate_series(1, 200) g;
        INSERT INTO shop.orders SELECT -g, g % 7, 'kept' FROM generate_series(1, 50) g;
        """,
        changes="""
        - sql:
            expand:
              - run: ALTER TABLE shop.orders ADD COLUMN status text
                undo: ALTER TABLE shop.orders DROP COLUMN IF EXISTS status
              - run: &sync |
                  CREATE OR REPLACE FUNCTION shop.orders_status() RETURNS trigger LANGUAGE plpgsql AS $$
                  BEGIN
                    IF TG_OP = 'INSERT' AND NEW.code IS NULL OR TG_OP = 'UPDATE' AND NEW.code = OLD.code THEN
                      NEW.code := coalesce(pg_catalog.substr(NEW.status, 2)::int, NEW.code);
                    ELSE
                      NEW.status := 's' || NEW.code;
                    END IF;
                    RETURN NEW;
                  END $$;
                undo: DROP FUNCTION IF EXISTS shop.orders_status()
              - run: |
                  CREATE TRIGGER orders_status BEFORE INSERT OR UPDATE ON shop.orders
                    FOR EACH ROW EXECUTE FUNCTION shop.orders_status()
                undo: DROP TRIGGER IF EXISTS orders_status ON shop.orders
              - CREATE INDEX CONCURRENTLY orders_by_status ON shop.orders (status)
            backfill: {table: shop.orders, set: {status: "'s' || code"}, where: status IS NULL}
            contract:
              - run: ALTER TABLE shop.orders RENAME COLUMN code TO code_unused
                undo: ALTER TABLE shop.orders RENAME COLUMN code_unused TO code
              - run: |
                  CREATE OR REPLACE FUNCTION shop.orders_status() RETURNS trigger LANGUAGE plpgsql AS $$
                  BEGIN
                    NEW.code_unused := pg_catalog.substr(NEW.status, 2)::int;
                    RETURN NEW;
                  END $$
                undo: *sync
            drop:
              - DROP TRIGGER orders_status ON shop.orders
              - DROP FUNCTION shop.orders_status()
              - ALTER TABLE shop.orders DROP COLUMN code_unused
        - sql:
            expand:
              - run: COMMENT ON COLUMN shop.orders.status IS 'Where the order is.'
                undo: COMMENT ON COLUMN shop.orders.status IS NULL
        """,
        plain="""
        ALTER TABLE shop.orders ADD COLUMN status text;
        UPDATE shop.orders SET status = 's' || code;
        ALTER TABLE shop.orders DROP COLUMN code;
        CREATE INDEX orders_by_status ON shop.orders (status);
        COMMENT ON COLUMN shop.orders.status IS 'Where the order is.';
        """,
        old_writes=(
            "INSERT INTO shop.orders (id, code, note) VALUES (%(n)s, %(n)s, 'old')",
            "UPDATE shop.orders SET code = %(n)s WHERE id = %(n)s %% 200 + 1",
            "UPDATE shop.orders SET note = 'old' WHERE id = (%(n)s + 7) %% 200 + 1",
            "SELECT code FROM shop.orders WHERE id = %(n)s",
        ),
        new_writes=(
            "INSERT INTO shop.orders (id, status, note) VALUES (%(n)s, 's' || %(n)s, 'new')",
            "UPDATE shop.orders SET status = 's' || %(n)s WHERE id = %(n)s %% 200 + 1",
            "UPDATE shop.orders SET note = 'new' WHERE id = (%(n)s + 7) %% 200 + 1",
            "DELETE FROM shop.orders WHERE id = %(n)s",
        ),
        reads=(
            (
                "SELECT id, 's' || code, note FROM shop.orders ORDER BY id",
                "SELECT id, status, note FROM shop.orders ORDER BY id",
            ),
        ),
        untouched=("SELECT id, status, note FROM shop.orders WHERE id < 0 ORDER BY id",),
        checks={
            State.EXPANDED: ((_COLUMNS, [("code id note status",)]),),
            State.RETAINED: ((_COLUMNS, [("code_unused id note status",)]),),
            State.CONTRACTED: ((_COLUMNS, [("id note status",)]),),
        },
    ),
)

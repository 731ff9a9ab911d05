"""A new table with everything that one can have, and an index that a later change of the plan gives it."""

from __future__ import annotations

from ..case import Case

CASES = (
    Case(
        id="columns, keys, checks, indexes and rights",
        roles=("life_writer",),
        setup="""
        CREATE TYPE mood AS ENUM ('glad', 'sad');
        CREATE FUNCTION shout(t text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper(t)';
        CREATE TABLE users (id bigint PRIMARY KEY, email text UNIQUE);
        INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 200) g;
        """,
        changes="""
        - create_table:
            name: orders
            columns:
              id: {type: bigint, identity: always}
              author: {type: bigint, nullable: false, references: {table: users, on_delete: cascade}}
              address: {type: text, collation: C, references: {table: users, column: email}}
              mood: {type: mood, default: "'glad'"}
              loud: {type: text, generated: {expression: shout(address)}}
              amount: {type: "numeric(12,2)", nullable: false, check: amount > 0, comment: in euros}
              code: {type: text, unique: true}
              of: {type: bigint, references: {table: orders}}
            primary_key: [id]
            constraints:
              - {name: orders_pair, unique: [author, code]}
              - {name: orders_big, check: "amount < 1000000"}
              - {name: orders_again, foreign_key: {columns: [author], table: users, referenced: [id]}}
            indexes:
              - {name: orders_loud, columns: [loud, amount], where: "loud <> ''"}
            comment: what was bought
            grants: {life_writer: [select, insert]}
        - create_index: {name: orders_amount, table: orders, columns: [amount]}
        """,
        plain="""
        CREATE TABLE orders (
            id bigint GENERATED ALWAYS AS IDENTITY, author bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            address text COLLATE "C" REFERENCES users (email), mood mood DEFAULT 'glad',
            loud text GENERATED ALWAYS AS (shout(address)) STORED,
            amount numeric(12,2) NOT NULL CHECK (amount > 0), code text UNIQUE, of bigint REFERENCES orders,
            PRIMARY KEY (id), CONSTRAINT orders_pair UNIQUE (author, code),
            CONSTRAINT orders_big CHECK (amount < 1000000),
            CONSTRAINT orders_again FOREIGN KEY (author) REFERENCES users (id));
        COMMENT ON TABLE orders IS 'what was bought';
        COMMENT ON COLUMN orders.amount IS 'in euros';
        CREATE INDEX orders_loud ON orders (loud, amount) WHERE loud <> '';
        CREATE INDEX orders_amount ON orders (amount);
        GRANT SELECT, INSERT ON orders TO life_writer;
        """,
        old_writes=("INSERT INTO users VALUES (%(n)s, 'old' || %(n)s)",),
        new_writes=("INSERT INTO orders (author, amount) VALUES (%(n)s %% 200 + 1, 1)",),
        turns_back=frozenset(),
    ),
)

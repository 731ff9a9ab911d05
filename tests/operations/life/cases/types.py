"""Types that are made, and a value that is added to one and used in the same plan."""

from __future__ import annotations

from ..case import Case

CASES = (
    Case(
        id="types are made and an enum gets a value",
        setup="""
        CREATE SCHEMA "Odd";
        CREATE TYPE mood AS ENUM ('sad', 'happy');
        CREATE TABLE people (id int PRIMARY KEY, mood mood NOT NULL DEFAULT 'sad');
        INSERT INTO people SELECT g, 'happy' FROM generate_series(1, 200) g;
        """,
        changes="""
        - create_enum: {name: '"Odd".status', values: [new, "it's"], comment: "where it stands"}
        - create_domain: {name: price, type: "numeric(12,2)", not_null: true, default: "0", check: "value >= 0"}
        - add_enum_value: {type: mood, value: content, before: happy}
        """,
        plain="""
        CREATE TYPE "Odd".status AS ENUM ('new', 'it''s');
        COMMENT ON TYPE "Odd".status IS 'where it stands';
        CREATE DOMAIN price AS numeric(12,2) DEFAULT 0 NOT NULL CHECK (value >= 0);
        ALTER TYPE mood ADD VALUE 'content' BEFORE 'happy';
        """,
        old_writes=("INSERT INTO people VALUES (%(n)s, 'sad')", "UPDATE people SET mood = 'happy' WHERE id = %(n)s"),
        turns_back=frozenset(),
    ),
)

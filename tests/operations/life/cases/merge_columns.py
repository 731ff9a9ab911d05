"""A postal code and a city that become a place, in a partitioned table."""

from __future__ import annotations

from ..case import Case

CASES = (
    Case(
        id="two columns become one in a partitioned table",
        setup="""
        CREATE TABLE shops (id int, zip varchar(5), city text NOT NULL DEFAULT 'Nowhere', PRIMARY KEY (id))
            PARTITION BY RANGE (id);
        CREATE TABLE shops_low PARTITION OF shops FOR VALUES FROM (MINVALUE) TO (100);
        CREATE TABLE shops_rest PARTITION OF shops DEFAULT;
        INSERT INTO shops SELECT g, lpad(g::text, 5, '0'), 'City' || g FROM generate_series(1, 200) g;
        INSERT INTO shops SELECT -g, '00000', 'Kept' || g FROM generate_series(1, 50) g;
        """,
        changes="""
        - merge_columns:
            table: shops
            from: [zip, city]
            into: place
            type: text
            using: "concat_ws(' ', zip, city)"
            reverse: {zip: "split_part(place, ' ', 1)", city: "split_part(place, ' ', 2)"}
        """,
        plain="""
        ALTER TABLE shops ADD place text;
        UPDATE shops SET place = concat_ws(' ', zip, city);
        ALTER TABLE shops DROP zip, DROP city;
        """,
        old_writes=(
            "INSERT INTO shops VALUES (%(n)s, '1' || %(n)s %% 1000, 'Old' || %(n)s)",
            "UPDATE shops SET city = 'Older' || %(n)s WHERE id = %(n)s %% 200 + 1",
        ),
        new_writes=(
            "INSERT INTO shops (id, place) VALUES (%(n)s, '12345 New' || %(n)s)",
            "UPDATE shops SET place = '54321 Newer' || %(n)s WHERE id = %(n)s %% 200 + 1",
        ),
        reads=(
            ("SELECT id, concat_ws(' ', zip, city) FROM shops ORDER BY id", "SELECT id, place FROM shops ORDER BY id"),
        ),
        untouched=("SELECT id, place FROM shops WHERE id < 0 ORDER BY id",),
    ),
)

"""A name that becomes a first and a last one."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

CASES = (
    Case(
        id="a full name becomes two columns",
        setup="""
        CREATE TABLE people (id int PRIMARY KEY, full_name text NOT NULL, "Note" text);
        CREATE INDEX people_name ON people (lower(full_name));
        INSERT INTO people SELECT g, 'First' || g || ' Last' || g, 'n' FROM generate_series(1, 200) g;
        INSERT INTO people SELECT -g, 'Kept' || g || ' Name', 'n' FROM generate_series(1, 50) g;
        """,
        changes="""
        - split_column:
            table: people
            from: full_name
            into:
              first_name: {type: text, using: "split_part(full_name, ' ', 1)"}
              last_name: {type: varchar(60), using: "split_part(full_name, ' ', 2)"}
            reverse: "concat_ws(' ', first_name, last_name)"
        """,
        plain="""
        ALTER TABLE people ADD first_name text, ADD last_name varchar(60);
        UPDATE people SET first_name = split_part(full_name, ' ', 1), last_name = split_part(full_name, ' ', 2);
        ALTER TABLE people DROP full_name;
        """,
        old_writes=(
            "INSERT INTO people VALUES (%(n)s, 'Old' || %(n)s || ' Name')",
            "UPDATE people SET full_name = 'Old ' || %(n)s WHERE id = %(n)s %% 200 + 1",
            """UPDATE people SET "Note" = 'old' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1""",
            "SELECT full_name FROM people WHERE id = %(n)s",
        ),
        new_writes=(
            "INSERT INTO people (id, first_name, last_name) VALUES (%(n)s, 'New' || %(n)s, 'Name')",
            "UPDATE people SET last_name = 'New' || %(n)s WHERE id = %(n)s %% 200 + 1",
            """UPDATE people SET "Note" = 'new' || %(n)s WHERE id = (%(n)s + 7) %% 200 + 1""",
            "DELETE FROM people WHERE id = %(n)s",
        ),
        reads=(
            (
                "SELECT id, full_name FROM people ORDER BY id",
                "SELECT id, concat_ws(' ', first_name, last_name) FROM people ORDER BY id",
            ),
        ),
        untouched=("SELECT id, first_name, last_name FROM people WHERE id < 0 ORDER BY id",),
        checks={State.BACKFILLED: (("SELECT count(*) FROM people WHERE first_name IS NULL", [(0,)]),)},
    ),
)

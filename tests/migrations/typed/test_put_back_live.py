"""Keys that come back under another name, and partitions that go or get another name: the plans leave the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.workflow.whole_history import difference, run_plans

from ...fixtures.database import fresh_database
from ...fixtures.long import few_named
from ..imported.reading import imports, kinds

if TYPE_CHECKING:
    from ...fixtures.database import Database
    from ...fixtures.servers import Server

BEFORE = """
CREATE TABLE p (id int NOT NULL, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE users (id int, team int, email text, CONSTRAINT users_pk PRIMARY KEY (id),
    CONSTRAINT a FOREIGN KEY (team) REFERENCES teams ON DELETE CASCADE, CONSTRAINT u UNIQUE (email));
CREATE TABLE posts (id int PRIMARY KEY, by int CONSTRAINT posts_by REFERENCES users (id));
CREATE TABLE child (LIKE teams);
ALTER TABLE child INHERIT teams;
"""
KEY = """
ALTER TABLE posts DROP CONSTRAINT posts_by;
ALTER TABLE users DROP CONSTRAINT users_pk;
{}
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE posts ADD CONSTRAINT posts_by_fkey FOREIGN KEY (by) REFERENCES users (id);
"""
RENAMED = ["rename_constraint"]
CASES: dict[str, tuple[str, list[list[str]]]] = {
    "a foreign key": (
        "ALTER TABLE users DROP CONSTRAINT a, ADD FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE;",
        [RENAMED],
    ),
    "one with other actions": (
        "ALTER TABLE users DROP CONSTRAINT a, ADD CONSTRAINT b FOREIGN KEY (team) REFERENCES teams (id);",
        [["drop_constraint", "add_foreign_key"]],
    ),
    "a unique constraint": ("ALTER TABLE users DROP CONSTRAINT u; ALTER TABLE users ADD UNIQUE (email);", [RENAMED]),
    "a key and what references it": (KEY.format(""), [RENAMED * 2]),
    "a key of another type": (
        KEY.format("ALTER TABLE users ALTER id TYPE bigint; ALTER TABLE posts ALTER by TYPE bigint;"),
        [["change_type"], RENAMED * 2],
    ),
    "a key that goes with CASCADE": (
        """ALTER TABLE users DROP CONSTRAINT users_pk CASCADE; ALTER TABLE users ADD PRIMARY KEY (id);
        ALTER TABLE posts ADD CONSTRAINT posts_by FOREIGN KEY (by) REFERENCES users;""",
        [["sql"], ["add_primary_key", "add_foreign_key"]],
    ),
    "a second key": (
        """ALTER TABLE posts DROP COLUMN by; ALTER TABLE users DROP CONSTRAINT users_pk;
        ALTER TABLE users ADD PRIMARY KEY (email);""",
        [["drop_column"], ["drop_constraint"], ["add_primary_key"]],
    ),
    "a partition that goes": ("DROP TABLE p_1;", [["detach_partition", "drop_table"]]),
    "all of them": (
        "DROP TABLE p_1, p_2; DROP TABLE p;",
        [["detach_partition", "drop_table"], ["detach_partition", "drop_table"], ["drop_table"]],
    ),
    "one in another's place": (
        "DROP TABLE p_1; CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2025-01-01') TO ('2025-07-01');",
        [["detach_partition"], ["drop_table"], ["create_table"], ["attach_partition"]],
    ),
    "a detached one gets another name": (
        "ALTER TABLE p DETACH PARTITION p_1; ALTER TABLE p_1 RENAME TO p_old;",
        [["detach_partition"], ["rename_table"]],
    ),
    "a child": ("DROP TABLE child;", [["sql"]]),
}


@pytest.mark.long
@pytest.mark.every_server
@pytest.mark.parametrize(
    ("sql", "expected"), few_named(CASES, {"a key of another type", "a detached one gets another name"})
)
def test_they_leave_what_the_statements_leave(
    sql: str, expected: list[list[str]], server: Server, database: Database
) -> None:
    every = imports(BEFORE, sql)
    assert not any(one.problems for one in every)
    database.execute(BEFORE)
    run_plans(database.url, every[1:])
    with fresh_database(server) as other:
        other.execute(f"{BEFORE}{sql}")
        assert difference(other.dump(), database.dump()) == ""
    assert kinds(every[1:]) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE users ALTER id TYPE uuid USING gen_random_uuid();",
        "ALTER TABLE users DROP COLUMN id; ALTER TABLE users ADD id uuid PRIMARY KEY DEFAULT gen_random_uuid();",
        """ALTER TABLE posts DROP CONSTRAINT posts_by;
        ALTER TABLE users DROP CONSTRAINT users_pk, DROP COLUMN id, ADD COLUMN id uuid NOT NULL, ADD PRIMARY KEY (id);
        ALTER TABLE posts DROP COLUMN by, ADD COLUMN by uuid;
        ALTER TABLE posts ADD CONSTRAINT posts_by FOREIGN KEY (by) REFERENCES users (id);""",
    ],
)
def test_of_a_key_of_another_kind_import_says_what_to_write_instead(sql: str) -> None:
    every = imports(BEFORE, f"CREATE TABLE other (id int);\n{sql}")
    (problem,) = every[1].problems
    assert (str(problem.file), problem.line) == ("db/m2.sql", 2)
    assert "the key users.id a uuid: integer has no cast" in problem.message
    assert "such as id_new uuid" in (problem.hint or "")
    assert kinds(every[1:]) == [["create_table"]]

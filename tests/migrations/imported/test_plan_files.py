"""What stands in the plans of migrations, and which plans there are."""

from __future__ import annotations

import pytest

from crossfade.migrations.imported.certain import Known
from crossfade.migrations.migration import Tool
from crossfade.migrations.prisma_schema import prisma_schema
from crossfade.plan.gates import OtherPlan
from crossfade.plan.model import Plan

from .reading import imports, kinds, plans

USERS = "CREATE TABLE users (id int PRIMARY KEY, name text, age int);"
FILL = "ALTER TABLE t ADD f text; UPDATE t SET f = b || '!';"


def waits_for(plan: Plan) -> list[str]:
    return [gate.name for gate in plan.gates.expand if isinstance(gate, OtherPlan)]


def test_each_migration_is_a_plan_that_covers_it_and_waits_for_the_one_before() -> None:
    every = imports(USERS, "ALTER TABLE users ADD COLUMN email text;", "CREATE INDEX users_email ON users (email);")
    first, second, third = plans(every)
    assert [first.name, second.name, third.name] == ["m1", "m2", "m3"]
    assert [waits_for(plan) for plan in (first, second, third)] == [[], ["m1"], ["m2"]]
    (covered,) = third.migrations or ()
    assert (covered.tool, covered.name, covered.file, covered.after) == ("prisma", "m3", "db/m3.sql", "m2")
    assert not any(one.problems for one in every)


def test_a_comment_says_where_a_change_came_from() -> None:
    (one,) = imports(f"-- new\n\n{USERS}\nCOMMENT ON TABLE users IS 'who';")
    (file,) = one.plans
    assert "  # db/m1.sql:3\n  #     CREATE TABLE users (id int PRIMARY KEY, name text, age int)\n" in file.text
    assert (
        "  #     COMMENT ON\n  #         TABLE users IS 'who'\n"
        in imports("COMMENT ON\n\tTABLE users IS 'who'")[0].plans[0].text
    )
    assert "\n\n  # db/m1.sql:4\n  #     COMMENT ON TABLE users IS 'who'\n  - set_comment:\n" in file.text


def test_a_migration_that_changes_nothing_is_covered_by_the_next_plan() -> None:
    every = imports(USERS, "-- nothing\n", "SET lock_timeout = '1s';", "ALTER TABLE users ADD COLUMN email text;")
    _, last = plans(every)
    assert [covered.name for covered in last.migrations or ()] == ["m2", "m3", "m4"]
    assert waits_for(last) == ["m1"]


def test_rows_are_changed_by_plans_of_their_own_and_the_last_one_covers() -> None:
    every = imports(
        USERS,
        "ALTER TABLE users ADD COLUMN email text;\nDELETE FROM users WHERE age < 0;\n"
        "INSERT INTO users (id) VALUES (1);\nCREATE INDEX users_email ON users (email);",
    )
    assert kinds(every) == [["create_table"], ["add_column"], ["delete_rows"], ["sql"], ["create_index"]]
    _, *parts = plans(every)
    assert [plan.name for plan in parts] == ["m2-1", "m2-2", "m2-3", "m2-4"]
    assert [bool(plan.migrations) for plan in parts] == [False, False, False, True]
    assert [waits_for(plan) for plan in parts] == [["m1"], ["m2-1"], ["m2-2"], ["m2-3"]]


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "ALTER TABLE t ALTER b SET NOT NULL; ALTER TABLE t DROP CONSTRAINT b_nn;",
            [["set_not_null"], ["drop_constraint"]],
        ),
        (
            "ALTER TABLE t DROP CONSTRAINT b_nn; ALTER TABLE t ALTER b TYPE char(9);",
            [["drop_constraint", "change_type"]],
        ),
        (
            "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT other PRIMARY KEY (a, c);",
            [["drop_constraint"], ["add_primary_key"]],
        ),
        ("ALTER TABLE t RENAME b TO d; ALTER TABLE t ALTER d TYPE int;", [["rename_column"], ["change_type"]]),
        (
            "ALTER TABLE t ALTER c TYPE bigint; ALTER TABLE t ALTER c DROP DEFAULT, ALTER c DROP NOT NULL;",
            [["change_type", "drop_default"], ["drop_not_null"]],
        ),
        (
            "ALTER TABLE t RENAME b TO x; ALTER TABLE t RENAME c TO b; ALTER TABLE t RENAME x TO c;",
            [["rename_column"], ["rename_column"], ["rename_column"]],
        ),
        ("ALTER TABLE t ADD CHECK (b <> ''); ALTER TABLE t RENAME b TO d;", [["add_check"], ["rename_column"]]),
        ("ALTER TABLE t ALTER c TYPE bigint; ALTER TABLE t RENAME b TO d;", [["change_type", "rename_column"]]),
        ("ALTER TABLE t RENAME b TO d; ALTER TABLE t RENAME TO o;", [["rename_column"], ["rename_table"]]),
        ("CREATE INDEX i ON t (b); ALTER TABLE t RENAME TO o;", [["create_index", "rename_table"]]),
        ("ALTER INDEX t_b RENAME TO o; CREATE INDEX t_b ON t (c);", [["rename_index"], ["create_index"]]),
        (f"{FILL} CREATE INDEX ON t (f); ALTER TABLE t DROP b;", [["add_column", "create_index"], ["drop_column"]]),
        (
            f"ALTER TABLE t ADD g text; {FILL} UPDATE t SET g = c; ALTER TABLE t DROP b; ALTER TABLE t DROP c;",
            [["add_column", "add_column"], ["drop_column", "drop_column"]],
        ),
        (f"{FILL} ALTER TABLE t RENAME b TO d;", [["add_column"], ["rename_column"]]),
        (f"{FILL} ALTER TABLE t ALTER b TYPE char(9);", [["add_column"], ["change_type"]]),
        (f"ALTER TABLE t RENAME c TO b2; {FILL}", [["rename_column", "add_column"]]),
        (f"ALTER TABLE t RENAME c TO d; {FILL.replace('b', 'd')}", [["rename_column"], ["add_column"]]),
        (
            "ALTER TABLE t ADD UNIQUE (b); CREATE TABLE u (id serial PRIMARY KEY, b text REFERENCES t (b));",
            [["add_unique"], ["sql"]],
        ),
        ("ALTER TABLE p ADD x int; ALTER TABLE p DETACH PARTITION p1;", [["add_column"], ["detach_partition"]]),
        ("ALTER TABLE p DETACH PARTITION p1; CREATE INDEX ON p1 (a);", [["detach_partition"], ["create_index"]]),
        (
            "ALTER TABLE p DETACH PARTITION p1; ALTER TABLE p DETACH PARTITION p2; DROP TABLE p1;",
            [["detach_partition", "detach_partition", "drop_table"]],
        ),
    ],
)
def test_what_works_on_the_same_column_or_name_is_a_plan_behind(sql: str, wanted: list[list[str]]) -> None:
    table = (
        "CREATE TABLE t (a int PRIMARY KEY, b text, c int NOT NULL DEFAULT 1, CONSTRAINT b_nn CHECK (b IS NOT NULL));"
        "CREATE INDEX t_b ON t (b); CREATE TABLE p (a int) PARTITION BY LIST (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);"
    )
    assert kinds(imports(table, sql))[1:] == wanted


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("DROP TABLE users; CREATE TABLE users (id text PRIMARY KEY);", [["drop_table"], ["create_table"]]),
        (
            "CREATE EXTENSION pg_trgm; CREATE INDEX i ON users USING gin (name gin_trgm_ops);",
            [["sql"], ["create_index"]],
        ),
        (
            "ALTER TABLE users RENAME TO people; ALTER TABLE people ADD COLUMN x int;",
            [["rename_table"], ["add_column"]],
        ),
        ("DROP SEQUENCE s; CREATE TABLE s (id int);", [["sql"], ["create_table"]]),
        ("ALTER TABLE users ADD COLUMN x int; CREATE INDEX i ON users (age);", [["add_column", "create_index"]]),
    ],
)
def test_what_has_to_be_through_first_is_a_plan_before(sql: str, wanted: list[list[str]]) -> None:
    assert kinds(imports(USERS, sql))[1:] == wanted


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            (
                "DROP TRIGGER t ON users; ALTER TABLE users ADD z int; UPDATE users SET z = age;"
                "CREATE TRIGGER t BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f();"
            ),
            [["sql"], ["add_column"], ["sql"]],
        ),
        (
            "DROP RULE r ON users; UPDATE users SET age = 1; CREATE RULE r AS ON UPDATE TO users DO ALSO NOTHING;",
            [["sql"], ["update_rows"], ["sql"]],
        ),
        (
            (
                "ALTER TABLE users ADD z int; UPDATE users SET z = age; CREATE TABLE zs (z int);"
                "INSERT INTO zs SELECT z FROM users;"
            ),
            [["add_column"], ["sql"]],
        ),
        (
            (
                "ALTER TABLE users ADD z int; UPDATE users SET z = age; CREATE VIEW v AS SELECT z FROM users;"
                "CREATE MATERIALIZED VIEW m AS SELECT z FROM v;"
            ),
            [["add_column", "sql"], ["sql"]],
        ),
        ("DROP POLICY a ON users; CREATE POLICY b ON users;", [["sql", "sql"]]),
    ],
)
def test_rows_are_written_behind_a_drop_of_what_fires_and_before_they_are_read(
    sql: str, wanted: list[list[str]]
) -> None:
    assert kinds(imports(USERS, sql))[1:] == wanted


def test_a_doubt_is_left_to_a_person_with_both_readings() -> None:
    *_, one = imports(USERS, "ALTER TABLE users DROP COLUMN name, ADD COLUMN full_name text;")
    (file,) = one.plans
    assert not one.problems
    assert not file.is_certain
    assert "intent: unconfirmed" in file.text
    assert "- rename_column:" in file.text
    assert "#   - drop_column:" in file.text


@pytest.mark.parametrize(
    ("schema", "sql"),
    [
        (
            'model users {\n id Int @id\n name String? @map("full_name")\n}',
            "ALTER TABLE users DROP COLUMN name, ADD COLUMN full_name text;",
        ),
        (
            'model users {\n id Int @id\n @@map("people")\n}',
            "DROP TABLE users; CREATE TABLE people (id int PRIMARY KEY, name text, age int);",
        ),
    ],
)
def test_schema_prisma_settles_a_doubt(schema: str, sql: str) -> None:
    *_, open_ = imports(USERS, sql)
    *_, settled = imports(USERS, sql, known=Known(prisma=prisma_schema(schema)))
    assert [plan.is_certain for plan in (*open_.plans, *settled.plans)] == [False, True]
    assert "unconfirmed" not in settled.plans[0].text


def test_drizzle_would_have_written_a_rename_as_one() -> None:
    sql = "ALTER TABLE users DROP COLUMN name; ALTER TABLE users ADD COLUMN full_name text;"
    every = imports(USERS, sql, tool=Tool.SQITCH, known=Known(asks_about_renames=True))
    (file,) = every[1].plans
    assert not file.is_certain
    assert "\n  - drop_column:" in file.text
    assert "#   - rename_column:" in file.text


def test_what_no_plan_does_is_a_problem_and_the_row_is_not_written() -> None:
    _, one = imports(USERS, "ALTER TABLE users ADD COLUMN x int;\nCOPY users FROM '/tmp/users';\nSELEC 1;")
    assert [(p.line, p.message.partition(":")[0]) for p in one.problems] == [
        (3, "PostgreSQL cannot read it"),
        (2, "no plan can send it"),
    ]
    (file,) = one.plans
    assert "migrations:" not in file.text
    assert "its row is not written" in file.text


def test_tools_without_a_history_of_ours_are_not_covered() -> None:
    (one,) = imports(USERS, tool=Tool.SQITCH)
    assert "migrations:" not in one.plans[0].text
    assert "sqitch deploy --log-only" in one.plans[0].text


def test_names_that_are_taken_get_another() -> None:
    (one,) = imports(USERS, taken=["m1"])
    assert one.plans[0].name == "m1-again-2"


def test_a_value_that_is_made_behind_a_plan_that_fires_triggers_has_a_note() -> None:
    trigger = "CREATE TRIGGER touched BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION touched();"
    sql = "ALTER TABLE users RENAME name TO n; ALTER TABLE users ADD e text; UPDATE users SET e = n || age;"
    for history, is_noted in ((USERS, False), (USERS + trigger, True)):
        *_, one = imports(history, sql)
        assert kinds([one]) == [["rename_column"], ["add_column"]]
        assert ["which fires touched;" in plan.text for plan in one.plans] == [False, is_noted]

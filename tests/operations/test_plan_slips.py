"""A slip in a change is found by `check`, in the words of the plan: which field, what of it, what instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crossfade.errors import Refusal
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = "CREATE TABLE t (id int PRIMARY KEY, a int, b int, name text NOT NULL, w text)"


def plan(*changes: str) -> Plan:
    entries = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: slip\nhold: 0s\nchanges:\n{entries}", "plan.yaml")


def told(database: Database, *changes: str) -> list[Refusal]:
    with Engine(database.url) as engine:
        return list(engine.check(plan(*changes)).refusals)


def assert_told(database: Database, slips: Mapping[str, tuple[str, ...]]) -> None:
    """Each change has one refusal, with the code and the words that are listed for it."""
    with Engine(database.url) as engine:
        found = {change: engine.check(plan(change)).refusals for change in slips}
    for change, (code, *words) in slips.items():
        refusals = found[change]
        assert [r.code for r in refusals] == [code], (change, refusals)
        said = f"{refusals[0].object}: {refusals[0].message} {refusals[0].instead}"
        assert all(word in said for word in words), (change, said)


COLUMNS = {
    "change_type: {table: t, column: a, to: bigint, using: aa + 1}": ("using of change_type", "aa", "Did you mean a?"),
    "change_type: {table: t, column: a, to: text, into: c, using: c}": ("using of change_type", "names c"),
    "change_type: {table: t, column: a, to: text, reverse: 'nam::int'}": ("reverse of change_type", "mean name?"),
    "change_type: {table: t, column: a, to: text, into: cents, reverse: 'cent::int'}": ("mean cents?",),
    "split_column: {table: t, from: w, into: {f: {type: text, using: ww}}, reverse: f}": ("using of f", "mean w?"),
    "split_column: {table: t, from: w, into: {f: {type: text, using: w}}, reverse: g}": ("reverse of w", "names g"),
    "merge_columns: {table: t, from: [a, b], into: c, type: int, using: a + b, reverse: {a: c, b: q}}": (
        "reverse of b of merge_columns on public.t",
        "names q",
    ),
    "drop_column: {table: t, column: name, reverse: nosuch}": ("reverse of drop_column", "names nosuch"),
    "add_column: {table: t, name: n, type: int, fill: aa}": ("fill of add_column", "mean a?"),
    "add_column: {table: t, name: n, type: int, fill: n}": ("fill of add_column", "names n"),
    "add_column: {table: t, name: n, type: text, fill: 'ctid::text'}": ("the system column ctid",),
    "add_column: {table: t, name: n, type: text, fill: 't::text'}": ("t, the row as a whole",),
}


def test_a_column_that_an_expression_cannot_see_is_told_with_its_field(database: Database) -> None:
    database.execute(SETUP)
    assert_told(database, {change: ("no_such_column", *words) for change, words in COLUMNS.items()})
    dropped = told(
        database, "drop_column: {table: t, column: a}", "add_column: {table: t, name: n, type: int, fill: a}"
    )
    assert [(r.code, r.object) for r in dropped] == [("no_such_column", "fill of add_column on public.t")]


def test_a_slip_is_told_beside_what_depends_on_the_column(database: Database) -> None:
    database.execute(SETUP)
    database.execute("CREATE VIEW v AS SELECT w FROM t")
    found = told(database, "split_column: {table: t, from: w, into: {f: {type: text, using: nosuch(w)}}, reverse: f}")
    assert {(r.code, r.object) for r in found} == {
        ("dependent", "view public.v"),
        ("expression", "using of f in split_column on public.t"),
    }


def test_a_repair_that_a_constraint_refuses_until_contract_is_foreseen(database: Database) -> None:
    database.execute(SETUP)
    database.execute("ALTER TABLE t ADD CONSTRAINT old CHECK (w IN ('a', 'b') AND a > 0)")
    database.execute("INSERT INTO t VALUES (1, 1, 1, 'n', 'a'), (2, 2, 2, 'n', 'b'), (3, 3, 3, 'n', 'b')")
    goes, comes = "drop_constraint: {table: t, name: old}", "add_check: {table: t, name: c, expression: w <> 'b', fix: "
    repairs = {
        (goes, f"{comes}{{w: \"'c'\"}}}}"): ["fix"],
        (f"{comes}{{w: \"'c'\"}}}}", goes): ["fix"],
        (goes, f"{comes}{{w: \"'a'\"}}}}"): [],
        (goes.replace("}", ", when: expand}"), f"{comes}{{w: \"'c'\"}}}}"): [],
    }
    with Engine(database.url) as engine:
        for changes, words in repairs.items():
            cautions = [c for c in engine.check(plan(*changes)).cautions if c.code == "violating_rows"]
            assert len(cautions) == len(words), changes
            for caution, word in zip(cautions, words, strict=True):
                assert f"2 rows to which `{word}` gives a value of w that constraint old refuses" in caution.message


def test_a_value_that_writes_get_meets_a_constraint_that_goes_at_contract(database: Database) -> None:
    database.execute(SETUP)
    database.execute("ALTER TABLE t ADD CONSTRAINT old CHECK (a BETWEEN 1 AND 5)")
    goes = "drop_constraint: {table: t, name: old}"
    for given, field in (
        ("set_not_null: {table: t, column: a, fill: '0'}", "fill of set_not_null on public.t"),
        ("set_default: {table: t, column: a, value: '9'}", "value of set_default on public.t"),
    ):
        (refusal,) = told(database, goes, given)
        assert (refusal.object, "when: expand" in refusal.instead) == (field, True)
        assert told(database, goes.replace("}", ", when: expand}"), given) == []
        assert told(database, goes, given.replace("'0'", "'1'").replace("'9'", "'5'")) == []


def test_a_table_of_ours_is_never_what_was_meant(database: Database) -> None:
    with Engine(database.url) as engine:
        engine.init()
    for name in ("run", "crossfade.run"):
        (refusal,) = told(database, f"drop_table: {{table: {name}}}")
        assert refusal.code == "no_such_table"
        assert "crossfade" not in refusal.instead


def test_a_default_of_text_becomes_one_of_the_enum_by_using(database: Database) -> None:
    """The enum is found by the users' path, where contract has its own."""
    database.execute("""
        CREATE TYPE mood AS ENUM ('sad', 'fine');
        CREATE TABLE t (id int PRIMARY KEY, m text DEFAULT 'FINE', s text DEFAULT upper('sad')) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (5);
        CREATE TABLE high PARTITION OF t (m DEFAULT 'SAD') FOR VALUES FROM (5) TO (9);
    """)
    (refusal,) = told(database, "change_type: {table: t, column: s, to: mood, using: lower(s)::mood}")
    assert (refusal.code, refusal.object) == ("expression", "default of public.t.s")
    assert "drop_default" in refusal.instead
    becomes = plan("change_type: {table: t, column: m, to: mood, using: lower(m)::mood, reverse: 'upper(m::text)'}")
    with Engine(database.url) as engine:
        engine.start(becomes)
        engine.approve(becomes.name, Phase.CONTRACT, "alice")
        engine.advance(becomes.name, to=State.BACKFILLED)
        database.execute("INSERT INTO t (id) VALUES (1)")
        engine.advance(becomes.name)
    database.execute("INSERT INTO t (id) VALUES (2); INSERT INTO high (id) VALUES (6)")
    assert database.execute("SELECT m::text FROM t ORDER BY id") == [("fine",), ("fine",), ("sad",)]


FOUND_LATE = {
    "add_column: {table: t, name: n, type: 'varchar(2)', default: \"'abc'\"}": ("default of add_column", "too long"),
    "add_column: {table: t, name: n, type: int, nullable: false, default: 'null'}": ("default of", "it gives NULL"),
    "add_column: {table: t, name: n, type: json, unique: true}": ("unique of add_column", "no default operator class"),
    "add_unique: {table: j, columns: [a], name: u}": ("columns of add_unique u", "no default operator class"),
    "add_primary_key: {table: j, columns: [a], name: p}": ("columns of add_primary_key p", "no default operator class"),
    "add_column: {table: t, name: n, type: text, references: {table: t}}": ("references of", "public.t.id"),
    "create_table: {name: n, columns: {a: {type: text, references: {table: t}}}}": ("columns.a.references of create",),
    "create_table: {name: n, columns: {a: {type: text}}, "
    "constraints: [{name: f, foreign_key: {columns: [a], table: t}}]}": ("constraints.f.foreign_key of create_table",),
    "set_identity: {table: t, column: id, generated: by default, sequence: {start: 5, max_value: 2}}": (
        "sequence of set_identity on public.t",
        "START value (5) cannot be greater than MAXVALUE (2)",
    ),
    "set_identity: {table: k, column: n, sequence: {max_value: 2, start: 5}}": ("sequence of", "(5)"),
    "partition_table: {table: t, by: range, key: [id], partitions: {o1: {from: nosuch, to: 9}}}": (
        "partitions of partition_table on public.t",
        "nosuch",
    ),
    "partition_table: {table: t, by: range, key: [id], partitions: {p: {from: 1, to: 9}, q: {from: 5, to: 10}}}": (
        'partition "q" would overlap partition "p"',
    ),
    "add_column: {table: t, name: n, type: int, fill: '7', check: n < 5}": ("check of add_column", "n < 5", "break"),
    "add_column: {table: t, name: n, type: int, fill: '1', default: '7', check: n < 5}": ("check of add_column",),
    "add_column: {table: t, name: n, type: small, fill: '7'}": ("fill of add_column", "7", "n takes: public.small"),
    "set_not_null: {table: s, column: a, fill: '7'}": ("fill of set_not_null on public.s", "7", "a takes", "few CHECK"),
    "set_not_null: {table: s, column: b, fill: '7'}": ("fill of set_not_null on public.s", "b takes: public.small"),
    "set_not_null: {table: s, column: a, fill: \"'x'\"}": ("fill of set_not_null on public.s", "invalid input"),
    "set_default: {table: s, column: a, value: '7'}": ("value of set_default on public.s", "a takes", "few CHECK"),
    "set_default: {table: s, column: b, value: '7'}": ("value of set_default on public.s", "break the CHECK"),
    "set_default: {table: s, column: c, value: \"'xxx'\"}": ("value of set_default", "too long for type character(2)"),
}
BY_NAME = {
    "add_column: {table: t, name: n, type: int, references: {table: t, column: b}}": ("no_referenced_key", "b is no"),
    "add_column: {table: t, name: n, type: int, references: {table: t, column: c}}": ("no_such_column", "no column c"),
    "create_table: {name: n, columns: {a: {type: int, references: {table: t, column: b}}}}": ("no_referenced_key",),
    "partition_table: {table: t, by: range, key: [idd], partitions: {o1: {from: 1, to: 9}}}": (
        "no_such_column",
        "Did you mean id?",
    ),
    "set_identity: {table: k, column: n, sequence: {increment: -1}}": ("sequence_turned_round", "count back"),
    "change_type: {table: t, column: a, to: int}": ("nothing_to_do", "it is integer already"),
    "change_type: {table: parted, column: v, to: bigint}": (
        "invalid_index",
        "index public.parted_v",
        "Finish it first",
    ),
    "partition_table: {table: cut, by: hash, key: [id], partitions: {p: {modulus: 1, remainder: 0}}}": (
        "invalid_index",
        "index public.cut_v",
    ),
    "change_type: {table: parted, column: id, to: bigint}": ("partition_key", "maintenance window"),
    "add_column: {table: t, name: n, type: text, nullable: false, fill: 'null::text'}": (
        "expression",
        "`fill` is NULL",
    ),
    "set_not_null: {table: t, column: a, fill: 'null'}": ("expression", "public.t.a", "`fill` is NULL"),
    "add_check: {table: k, name: c, expression: n > 0, fix: {n: '1'}}": ("identity_column", "public.k.n", "numbers it"),
    "add_check: {table: s, name: c, expression: g > 0, fix: {g: '1'}}": ("generated_column", "public.s.g", "computes"),
    "add_foreign_key: {table: k, name: c, columns: [n], references: {table: t}, fix: {n: '1'}}": ("identity_column",),
    "create_table: {name: crossfade.n, columns: {a: {type: int}}}": ("unsupported_table", "the schema of crossfade's"),
    "sql: {backfill: {table: t, set: {a: 'random()::int'}, where: a IS NULL}}": ("volatile", "backfill.set.a"),
    "sql: {backfill: {table: t, set: {a: b}, where: random() > 1}}": ("volatile", "backfill.where", "random"),
}


CONSTRAINED = """
    CREATE DOMAIN small AS int CHECK (VALUE < 5);
    CREATE TABLE s (id int PRIMARY KEY, a int CONSTRAINT few CHECK (a < 5) REFERENCES t, b small, c char(2),
                    g int GENERATED ALWAYS AS (id) STORED, CONSTRAINT other CHECK (a < id));
"""


def test_a_constant_that_a_column_takes_passes(database: Database) -> None:
    database.execute(SETUP)
    database.execute(CONSTRAINED)
    database.execute("""
        CREATE FUNCTION whole(s) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN $1.id > 0;
        ALTER TABLE s ADD CHECK (whole(s.*) OR a > 0);
    """)
    bad = "set_not_null: {table: s, column: a, fill: '7'}"
    fine = (
        ("set_default: {table: s, column: a, value: '4'}",),
        ("set_default: {table: s, column: c, value: 'now()::text'}",),
        ("drop_constraint: {table: s, name: few, when: expand}", bad),
        ("set_default: {table: s, column: a, value: '7'}", "drop_constraint: {table: s, name: few, when: expand}"),
    )
    for changes in fine:
        assert told(database, *changes) == [], changes
    with Engine(database.url) as engine:
        cautions = engine.check(plan(bad.replace("7", "4"))).cautions
    assert [(c.object, "row 4 of public.t." in c.message) for c in cautions if c.code == "fill_refers"] == [
        ("constraint s_a_fkey on public.s", True)
    ]


def test_what_would_fail_in_a_later_phase_is_tried_on_an_empty_table(database: Database) -> None:
    database.execute(SETUP)
    database.execute("CREATE TABLE k (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY)")
    database.execute("CREATE TABLE j (a json NOT NULL)")
    database.execute(CONSTRAINED)
    database.execute("""
        CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
        CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (5);
        CREATE INDEX parted_v ON ONLY parted (v);
        CREATE TABLE cut (id int PRIMARY KEY, v int);
        CREATE INDEX cut_v ON cut (v);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'cut_v'::regclass;
    """)
    assert_told(database, {change: ("expression", *words) for change, words in FOUND_LATE.items()})
    assert_told(database, BY_NAME)


def test_an_identity_that_counts_down_begins_below_the_smallest_number(database: Database) -> None:
    database.execute(SETUP)
    database.execute("INSERT INTO t (id, name) SELECT g, 'n' FROM generate_series(-3, 20) g")
    down = plan("set_identity: {table: t, column: id, generated: by default, sequence: {increment: -2}}")
    with Engine(database.url) as engine:
        engine.start(down)
        engine.advance(down.name)
    database.execute("INSERT INTO t (name) VALUES ('new'), ('new')")
    assert database.execute("SELECT id FROM t WHERE name = 'new' ORDER BY id") == [(-6,), (-4,)]


def test_a_partition_whose_not_null_has_another_name_can_get_the_parents(database: Database) -> None:
    """From PostgreSQL 18 on NOT NULL has a name; it is the table's own where a table was made by itself."""
    if database.server.major < 18:
        pytest.skip("NOT NULL has no name before PostgreSQL 18")
    database.execute("""
        CREATE TABLE parted (id int PRIMARY KEY, v int NOT NULL) PARTITION BY RANGE (id);
        CREATE TABLE alone (id int PRIMARY KEY, v int NOT NULL);
        ALTER TABLE parted ATTACH PARTITION alone FOR VALUES FROM (0) TO (5);
    """)
    change = "change_type: {table: parted, column: v, to: bigint}"
    assert_told(database, {change: ("partition_constraint", "alone_v_not_null", "parted_v_not_null", "Detach it")})
    database.execute("""
        ALTER TABLE parted DETACH PARTITION alone;
        ALTER TABLE alone RENAME CONSTRAINT alone_v_not_null TO parted_v_not_null;
        ALTER TABLE parted ATTACH PARTITION alone FOR VALUES FROM (0) TO (5);
    """)
    assert told(database, change) == []


def test_a_unique_column_gets_no_value_that_is_every_rows(database: Database) -> None:
    database.execute(f"{SETUP}; INSERT INTO t (id, name) VALUES (1, 'a'), (2, 'b')")
    added = "add_column: {{table: t, name: n, type: text, unique: true{}}}"
    for field in (", nullable: false, fill: \"'abc'\"", ", nullable: false, default: \"md5('x')\""):
        (refusal,) = told(database, added.format(field))
        assert (refusal.code, refusal.object) == ("duplicates", "public.t.n")
    for field in ("", ", nullable: false, fill: name", ", default: gen_random_uuid()"):
        assert told(database, added.format(field)) == []
    database.execute("TRUNCATE t")
    assert told(database, added.format(", default: \"'abc'\"")) == []


def test_a_conversion_to_null_of_what_may_not_be_null_is_told(database: Database) -> None:
    database.execute(SETUP)
    conversions = ("to: int, using: 'NULL'", "to: int, into: n, using: length(name), reverse: 'NULL::text'")
    for field in conversions:
        (refusal,) = told(database, f"change_type: {{table: t, column: name, {field}}}")
        assert "it gives NULL" in refusal.message
    assert told(database, "change_type: {table: t, column: w, to: int, using: 'NULL'}") == []


def test_a_check_of_nothing_holds_for_all(database: Database) -> None:
    database.execute(f"{SETUP}; INSERT INTO t (id, name) VALUES (1, 'a')")
    with Engine(database.url) as engine:
        engine.start(plan("add_column: {table: t, name: n, type: int, fill: id, nullable: false, check: 'NULL'}"))
        assert engine.expand("slip").state is State.EXPANDED

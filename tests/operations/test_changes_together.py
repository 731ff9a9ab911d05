"""Changes of one table in one plan: what goes together, and what is refused by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.errors import GateBlocked, WouldDiscard
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c int NOT NULL, w text, n int NOT NULL, CONSTRAINT ck CHECK (a > 0));
INSERT INTO t VALUES (1, 1, 1, 1, 'w', 1);
"""


def plan(*changes: str) -> Plan:
    entries = "".join(f"  - {change}\n" for change in changes)
    return parse_plan(f"crossfade: 1\nname: pair\nhold: 0s\nchanges:\n{entries}", "plan.yaml")


def told(database: Database, *changes: str) -> list[Refusal]:
    with Engine(database.url) as engine:
        return list(engine.check(plan(*changes)).refusals)


READERS = {
    "fill": "add_column: {table: t, name: x, type: int, fill: @ + 1}",
    "not null": "set_not_null: {table: t, column: a, fill: '@'}",
    "reverse": "drop_column: {table: t, column: n, reverse: '@'}",
    "using": "change_type: {table: t, column: a, to: bigint, using: a + @, reverse: a - @}",
    "split": "split_column: {table: t, from: w, into: {u: {type: text, using: w || @}}, reverse: u}",
    "merge": "merge_columns: {table: t, from: [a], into: u, type: int, using: a, reverse: {a: u + @}}",
}
"""`@` is the column that they read."""
TAKERS = {
    "rename": "rename_column: {table: t, from: b, to: bb}",
    "type": "change_type: {table: t, column: b, to: bigint}",
    "into": "change_type: {table: t, column: b, to: bigint, into: bb}",
    "drop": "drop_column: {table: t, column: b}",
    "split": "split_column: {table: t, from: b, into: {y: {type: int, using: b}}, reverse: y}",
    "sql": "sql: {contract: [{run: alter table t rename b to bb, undo: alter table t rename bb to b}]}",
}


@pytest.mark.long
def test_a_column_that_a_trigger_reads_is_not_taken_away_by_the_same_plan(database: Database) -> None:
    database.execute(SETUP)
    pairs = [(reader, TAKERS["drop"]) for reader in READERS.values()]
    pairs += [(READERS["fill"], taker) for taker in TAKERS.values()]
    for reader, taker in pairs:
        refusals = told(database, reader.replace("@", "b"), taker)
        assert [r.code for r in refusals] == ["not_together"], (reader, taker, refusals)
        assert refusals[0].object == f"change 2 ({taker.partition(':')[0]})"
        assert f"change 1 ({reader.partition(':')[0]})" in refusals[0].message
        assert "public.t.b" in refusals[0].message


@pytest.mark.long
def test_nor_is_it_read_after_a_change_that_puts_another_in_its_place(database: Database) -> None:
    database.execute(SETUP)
    pairs = [(TAKERS["rename"], reader.replace("@", "bb")) for reader in READERS.values()]
    pairs += [(TAKERS[taking], READERS["using"].replace("@", new)) for taking, new in (("type", "b"), ("into", "bb"))]
    for taker, reader in pairs:
        refusals = told(database, taker, reader)
        assert len(refusals) == 1, (taker, reader, refusals)
        assert refusals[0].code in {"not_together", "in_another_run"}


HARMLESS = (
    ("add_column: {table: t, name: x, type: int, fill: a + 1}", TAKERS["drop"]),
    ("add_column: {table: t, name: x, type: text, fill: w}", "change_type: {table: t, column: w, to: varchar}"),
    ("set_not_null: {table: t, column: a, fill: '1'}", TAKERS["rename"]),
    (TAKERS["drop"], "change_type: {table: t, column: a, to: bigint}"),
)


@pytest.mark.parametrize("pair", HARMLESS)
def test_what_leaves_the_other_alone_goes_together(database: Database, pair: tuple[str, str]) -> None:
    database.execute(SETUP)
    assert told(database, *pair) == []


NAMES = (
    ("drop_column: {table: t, column: b}", "add_column: {table: t, name: b, type: int}"),
    ("drop_column: {table: t, column: b}", "rename_column: {table: t, from: a, to: b}"),
    ("drop_column: {table: t, column: b}", "change_type: {table: t, column: a, to: bigint, into: b}"),
    (
        "drop_column: {table: t, column: b}",
        "split_column: {table: t, from: w, into: {b: {type: text, using: w}}, reverse: b}",
    ),
    (
        "drop_column: {table: t, column: b}",
        "merge_columns: {table: t, from: [a], into: b, type: int, using: a, reverse: {a: b}}",
    ),
    ("rename_column: {table: t, from: a, to: x}", "add_column: {table: t, name: a, type: int}"),
    ("rename_column: {table: t, from: a, to: x}", "rename_column: {table: t, from: b, to: a}"),
    (TAKERS["split"], "add_column: {table: t, name: b, type: int}"),
    (
        "drop_constraint: {table: t, name: ck}",
        "add_check: {table: t, name: ck, expression: b > 0, enforce: now}",
    ),
    (
        "rename_constraint: {table: t, from: ck, to: other}",
        "add_check: {table: t, name: ck, expression: b > 0, enforce: now}",
    ),
    ("drop_column: {table: t, column: a}", "add_check: {table: t, name: ck, expression: b > 0}"),
)


@pytest.mark.long
def test_a_name_is_not_free_before_contract(database: Database) -> None:
    database.execute(SETUP)
    for giver, taker in NAMES:
        refusals = told(database, giver, taker)
        assert [r.code for r in refusals] == ["name_in_use_until_contract"], (giver, taker, refusals)
        assert refusals[0].object == f"change 2 ({taker.partition(':')[0]})"
        assert f"change 1 ({giver.partition(':')[0]})" in refusals[0].message


def test_a_table_that_gets_partitions_is_another_one_by_its_name(database: Database) -> None:
    database.execute("CREATE TABLE m (id int PRIMARY KEY, a int)")
    partitions = "partition_table: {table: m, by: list, key: [id], partitions: {m_all: default}}"
    for change in ("create_index: {table: m, columns: [a], name: i}", "add_column: {table: m, name: x, type: int}"):
        for order in ((partitions, change), (change, partitions)):
            assert "not_together" in [refusal.code for refusal in told(database, *order)], order


UNTIL_CONTRACT = {
    "drop_default: {table: s, column: id}": ["set_identity: {table: s, column: id, generated: always}"],
    "set_identity: {table: s, column: i, generated: never}": ["set_default: {table: s, column: i, value: '7'}"],
    "set_generated: {table: s, column: g}": [
        "set_default: {table: s, column: g, value: '7'}",
        "set_not_null: {table: s, column: g, fill: '0'}",
        "add_check: {table: s, name: ck, expression: g > 0, fix: {g: '1'}}",
        "sql: {expand: [{run: ALTER TABLE s ALTER g SET DEFAULT 4, undo: ALTER TABLE s ALTER g DROP DEFAULT}]}",
    ],
    "drop_not_null: {table: s, column: d}": [
        "add_check: {table: s, name: ck, expression: d <> 3, fix: {d: 'NULL'}}",
    ],
}


def test_a_column_keeps_what_it_has_until_contract(database: Database) -> None:
    """What another change does to it before that would fail, or would be refused for each row."""
    database.execute(
        "CREATE TABLE s (id serial PRIMARY KEY, d int NOT NULL, i int GENERATED BY DEFAULT AS IDENTITY,"
        " g int GENERATED ALWAYS AS (id + 1) STORED)"
    )
    for loses, others in UNTIL_CONTRACT.items():
        for other in others:
            (refusal,) = told(database, loses, other)
            assert (refusal.code, refusal.object) == ("not_together", f"change 2 ({other.partition(':')[0]})"), other
            assert f"change 1 ({loses.partition(':')[0]}) takes " in refusal.message
    (refusal,) = told(database, UNTIL_CONTRACT["drop_not_null: {table: s, column: d}"][0])
    assert "it gives NULL, and the column is NOT NULL" in refusal.message


@pytest.mark.parametrize(
    "change",
    [
        "rename_column: {table: rooms, from: off, to: gone}",
        "rename_column: {table: rooms, from: room, to: place}",
        "change_type: {table: rooms, column: during, to: text, using: during::text, reverse: during::int4range}",
    ],
)
def test_a_column_under_an_exclusion_that_is_to_come_stays_as_it_is(database: Database, change: str) -> None:
    database.execute("CREATE EXTENSION btree_gist")
    database.execute("CREATE TABLE rooms (id int PRIMARY KEY, room int, during int4range, off boolean)")
    elements = "[{column: room, operator: '='}, {column: during, operator: '&&'}]"
    exclusion = f"add_exclusion: {{table: rooms, name: apart, elements: {elements}, where: NOT off}}"
    found = told(database, exclusion, change)
    assert "in_another_run" in [refusal.code for refusal in found]
    assert told(database, change) == []


FREE = (
    ("drop_constraint: {table: t, name: ck}", "add_check: {table: t, name: ck, expression: b > 0}"),
    (
        "drop_constraint: {table: t, name: ck, when: expand}",
        "add_check: {table: t, name: ck, expression: b > 0, enforce: now}",
    ),
    ("rename_constraint: {table: t, from: ck, to: other}", "add_check: {table: t, name: ck, expression: b > 0}"),
)


@pytest.mark.parametrize("pair", FREE)
def test_one_that_is_given_away_in_time_can_be_taken(database: Database, pair: tuple[str, str]) -> None:
    database.execute(SETUP)
    assert told(database, *pair) == []


@pytest.mark.long
def test_what_is_filled_is_filled_until_every_constraint_of_the_plan_is_there(database: Database) -> None:
    """Old versions leave it out until contract; a row without it would break what is validated."""
    database.execute(SETUP)
    before = database.dump()
    changes = plan(
        "add_column: {table: t, name: x, type: int, fill: b}",
        "set_not_null: {table: t, column: x}",
        "add_check: {table: t, name: positive, expression: x > 0}",
    )
    with Engine(database.url) as engine:
        hidden = [s.id for s in engine.explain(changes).program.steps if s.part is Part.HIDE]
        assert hidden[-1] == "1.add_column/finish"
        engine.start(changes)
        engine.approve("pair", Phase.CONTRACT, "alice")
        engine.advance("pair", to=State.BACKFILLED)
        assert engine.rollback("pair").state is State.ROLLED_BACK
        assert database.dump() == before


@pytest.mark.long
def test_what_an_added_columns_constraints_would_refuse_is_counted_before_they_come(database: Database) -> None:
    database.execute(SETUP)
    filled = "type: int, default: '5', fill: n - 1, check: x > 0, references: {table: t}"
    with Engine(database.url) as engine:
        engine.start(plan(f"add_column: {{table: t, name: x, {filled}}}"))
        engine.approve("pair", Phase.CONTRACT, "alice")
        engine.advance("pair", to=State.BACKFILLED)
        with pytest.raises(GateBlocked, match=r"1 row of public\.t violates t_x_check") as blocked:
            engine.contract("pair")
        assert "1 row of public.t violates t_x_fkey" in str(blocked.value)
        database.execute("UPDATE t SET x = 1")
        assert engine.contract("pair").state is State.CONTRACTED
    assert database.execute("INSERT INTO t (id, c, n) VALUES (5, 1, 1) RETURNING x") == [(5,)]
    left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'crossfade'::regnamespace AND proname ~ 'crossfade_'"
    assert database.execute(left) == [(0,)]


@pytest.mark.long
def test_a_constraint_of_an_added_column_is_over_the_column_that_stays(database: Database) -> None:
    """Until contract the new name is that of a second column, which goes."""
    database.execute(SETUP)
    with Engine(database.url) as engine:
        engine.start(
            plan(
                "rename_column: {table: t, from: b, to: bb}",
                "add_column: {table: t, name: x, type: int, default: '1', check: x <= bb}",
                "rename_column: {table: t, from: a, to: aa}",
            )
        )
        engine.approve("pair", Phase.CONTRACT, "alice")
        assert engine.advance("pair").state is State.CONTRACTED
    found = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 't_check'"
    assert database.execute(found) == [("CHECK ((x <= bb))",)]


@pytest.mark.long
def test_an_index_that_the_plan_builds_becomes_the_replica_identity_once_it_is_fit(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        engine.start(
            plan(
                "set_not_null: {table: t, column: b, fill: '1'}",
                "add_unique: {table: t, name: t_b_key, columns: [b]}",
                "set_replica_identity: {table: t, to: index, index: t_b_key}",
            )
        )
        engine.approve("pair", Phase.CONTRACT, "alice")
        assert engine.advance("pair").state is State.CONTRACTED
    assert database.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indisreplident") == [("t_b_key",)]


MAKERS = {
    "policy": "enable_row_security: {table: t, policies: [{name: own, using: '@ > 0'}]}",
    "generated": "add_column: {table: t, name: g, type: int, generated: {expression: '@ + 1'}}",
}
"""What is made over `@` does not go with it."""


@pytest.mark.long
def test_what_the_plan_makes_over_a_column_holds_it(database: Database) -> None:
    database.execute(SETUP)
    for making, maker in MAKERS.items():
        for taking in ("drop", "type", "into", "split"):
            refusals = told(database, maker.replace("@", "b"), TAKERS[taking])
            assert [r.code for r in refusals] == ["not_together"], (making, taking, refusals)
            assert "public.t.b" in refusals[0].message
            assert "of change 1 (" in refusals[0].message


def test_so_does_a_foreign_key_that_the_plan_makes(database: Database) -> None:
    database.execute(SETUP)
    database.execute("ALTER TABLE t ADD UNIQUE (b); CREATE TABLE o (id int PRIMARY KEY)")
    maker = "add_column: {table: o, name: r, type: int, references: {table: t, column: b}}"
    assert {r.code for r in told(database, maker, TAKERS["drop"])} == {"not_together"}


@pytest.mark.long
def test_what_the_plan_makes_follows_a_column_that_only_gets_another_name(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        engine.start(
            plan(
                MAKERS["policy"].replace("@", "a"),
                MAKERS["generated"].replace("@", "a"),
                "rename_column: {table: t, from: a, to: x}",
                MAKERS["generated"].replace("@", "x").replace("g,", "h,"),
                MAKERS["policy"].replace("@", "x").replace("own", "new"),
            )
        )
        engine.approve("pair", Phase.CONTRACT, "alice")
        assert engine.advance("pair").state is State.CONTRACTED
    found = "SELECT attname::text, pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid "
    found += "AND attnum = adnum WHERE attgenerated <> '' UNION SELECT polname::text, pg_get_expr(polqual, polrelid) "
    assert dict(database.execute(found + "FROM pg_policy")) == {
        "g": "(x + 1)",
        "h": "(x + 1)",
        "own": "(x > 0)",
        "new": "(x > 0)",
    }


REFUSED_TWICE = (
    (
        TAKERS["rename"],
        "add_column: {table: t, name: x, type: int, fill: bb}",
        "into a plan of its own, after this one.",
    ),
    (TAKERS["rename"], "change_type: {table: t, column: bb, to: bigint}", "one change_type with `into`"),
    ("set_not_null: {table: t, column: b}", TAKERS["rename"], "Write it before change 2 (set_not_null)"),
    (
        "add_check: {table: t, name: positive, expression: b > 0}",
        TAKERS["type"],
        "Write it before change 2 (add_check)",
    ),
)


@pytest.mark.parametrize(("first", "second", "advice"), REFUSED_TWICE)
def test_a_column_that_the_plan_works_on_already_is_told_with_the_change(
    database: Database, first: str, second: str, advice: str
) -> None:
    database.execute(SETUP)
    (refusal,) = told(database, "set_comment: {table: t, comment: x}", first, second)
    assert (refusal.code, refusal.object) == ("in_another_run", "public.t.bb" if "rename" in first else "public.t.b")
    assert refusal.message == f"change 2 ({first.partition(':')[0]}) of this plan works on it already."
    assert advice in (refusal.instead or "")


def test_both_names_of_a_renamed_column_are_filled_whichever_is_written(database: Database) -> None:
    database.execute(SETUP)
    with Engine(database.url) as engine:
        engine.expand(plan(TAKERS["rename"], "set_not_null: {table: t, column: bb, fill: '-1'}"))
    database.execute("INSERT INTO t (id, b, c, n) VALUES (2, NULL, 1, 1), (3, 5, 1, 1), (4, 5, 1, 1)")
    database.execute("INSERT INTO t (id, bb, c, n) VALUES (5, NULL, 1, 1)")
    database.execute("UPDATE t SET b = NULL WHERE id = 3")
    database.execute("UPDATE t SET bb = NULL WHERE id = 4")
    assert database.execute("SELECT DISTINCT b, bb FROM t WHERE id > 1") == [(-1, -1)]


def test_what_another_change_computes_is_not_filled_besides(database: Database) -> None:
    database.execute(SETUP)
    for maker, column in ((TAKERS["type"], "b"), (TAKERS["into"], "bb"), (TAKERS["split"], "y")):
        (refusal,) = told(database, maker, f"set_not_null: {{table: t, column: {column}, fill: '1'}}")
        assert (refusal.code, refusal.object) == ("filled_twice", f"public.t.{column}")


def test_the_name_of_a_dropped_key_is_its_indexs_until_contract(database: Database) -> None:
    database.execute(SETUP)
    dropped = "drop_constraint: {table: t, name: t_pkey}"
    (refusal,) = told(database, dropped, "add_primary_key: {table: t, name: t_pkey, columns: [n]}")
    assert (refusal.code, refusal.object) == ("name_in_use_until_contract", "public.t_pkey")
    assert "change 1 (drop_constraint) of this plan" in refusal.message
    database.execute("CREATE TABLE other (); CREATE INDEX taken ON t (a)")
    (refusal,) = told(database, dropped, "add_primary_key: {table: t, name: other, columns: [n]}")
    assert refusal.code == "name_taken"


@pytest.mark.long
def test_an_index_is_built_anew_by_the_name_that_it_gets_at_contract(database: Database) -> None:
    database.execute(SETUP + "CREATE INDEX ib ON t (b)")
    before = database.execute("SELECT 'ib'::regclass::oid")
    with Engine(database.url) as engine:
        engine.expand(plan("rename_index: {from: ib, to: of_b}", "reindex: {index: of_b}"))
        assert database.execute("SELECT 'ib'::regclass::oid") != before
        engine.approve("pair", Phase.CONTRACT, "alice")
        assert engine.advance("pair").state is State.CONTRACTED
    assert database.execute("SELECT to_regclass('ib'), to_regclass('of_b')::text") == [(None, "of_b")]


def test_a_domain_that_the_plan_makes_gets_its_check_there(database: Database) -> None:
    made = "create_domain: {name: d, type: int}"
    (refusal,) = told(database, made, "add_domain_check: {domain: d, name: c, expression: value > 0}")
    assert (refusal.code, refusal.object) == ("not_together", "d")


def test_what_the_server_says_of_a_trial_is_in_the_plans_names(database: Database) -> None:
    database.execute(SETUP)
    database.execute("CREATE TYPE e AS ENUM ('w'); ALTER TABLE t ALTER w SET DEFAULT lower('W')")
    for change, words in {
        "change_type: {table: t, column: w, to: e, using: 'w::e'}": 'column "w" is of type e',
        "change_type: {table: t, column: b, to: uuid}": '`b integer assigned to b uuid`: column "b" is of type uuid',
        "enable_row_security: {table: t, policies: [{name: p, using: ww > 0}]}": 'the column "w"',
    }.items():
        said = " ".join(f"{r.message} {r.instead}" for r in told(database, change))
        assert "crossfade" not in said
        assert words in said, (change, said)


@pytest.mark.long
def test_what_a_later_default_of_the_plan_gave_is_nothing_that_a_rollback_would_destroy(database: Database) -> None:
    database.execute(SETUP)
    default = "set_default: {table: t, column: x, value: '4'}"
    with Engine(database.url) as engine:
        for first in (
            "add_column: {table: t, name: x, type: int, default: '3'}",
            "add_column: {table: t, name: x, type: int}",
        ):
            engine.start(plan(first, default))
            engine.advance("pair", to=State.BACKFILLED)
            database.execute("INSERT INTO t (id, c, n) VALUES (2, 2, 2)")
            assert database.execute("UPDATE t SET x = 5 WHERE id = 1 RETURNING x") == [(5,)]
            with pytest.raises(WouldDiscard):
                engine.rollback("pair")
            database.execute("DELETE FROM t WHERE id = 1")
            assert engine.rollback("pair").state is State.ROLLED_BACK
            database.execute("DELETE FROM t; INSERT INTO t (id, c, n) VALUES (1, 1, 1)")


LATE = (
    "add_unique: {table: t, name: late, columns: [b]}",
    "add_unique: {table: t, name: late, columns: [b], where: b > 0}",
    "add_column: {table: t, name: x, type: int, default: '0', check: x < b}",
)


@pytest.mark.parametrize("late", LATE)
def test_what_comes_in_contract_is_not_carried_over_to_another_column(database: Database, late: str) -> None:
    database.execute(SETUP)
    (refusal,) = told(database, late, TAKERS["type"])
    assert (refusal.code, refusal.object) == ("not_together", "change 2 (change_type)")
    assert told(database, late, TAKERS["rename"]) == []


BEFORE_17 = "SELECT current_setting('server_version_num')::int < 170000"
"""PostgreSQL gives no generated column another expression yet."""


def test_so_does_another_expression_of_a_generated_column(database: Database) -> None:
    database.execute(SETUP)
    database.execute("ALTER TABLE t ADD g int GENERATED ALWAYS AS (id) STORED")
    maker = "set_generated: {table: t, column: g, expression: b + 1}"
    (refusal,) = told(database, maker, TAKERS["drop"])
    assert refusal.code == "not_together" or (refusal.code == "server_version" and database.execute(BEFORE_17)[0][0])


def test_an_index_that_an_earlier_change_takes_along_is_said_to_go_with_that(database: Database) -> None:
    database.execute(SETUP)
    database.execute("CREATE INDEX t_a ON t (a)")
    split = "split_table: {table: t, to_table: t_more, key: {id: t_id}, columns: [b]}"
    database.execute("CREATE INDEX t_b ON t (b)")
    for index in ("t_b", "public.t_b"):
        (refusal,) = told(database, split, f"drop_index: {{name: {index}}}")
        assert (refusal.code, refusal.object) == ("no_such_index", index)
        assert "change 1 (split_table)" in refusal.message
    (refusal,) = told(database, "drop_index: {name: t_a}", "drop_index: {name: t_a}")
    assert "change 1 (drop_index)" in refusal.message


def test_nothing_is_tried_of_a_change_that_is_refused_anyway(database: Database) -> None:
    database.execute(SETUP)
    database.execute("ALTER TABLE t ADD CHECK (n >= 0)")
    changes = ("rename_column: {table: t, from: n, to: m}", "change_type: {table: t, column: m, to: bigint}")
    assert "expression" not in {r.code for r in told(database, *changes)}
    assert told(database, *changes)


MOODS = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE SCHEMA s;
CREATE TABLE people (id int PRIMARY KEY, m mood, n int);
CREATE TABLE lone (m mood PRIMARY KEY);
"""
BEHIND_AN_ENUM = {
    "set_not_null: {table: people, column: m}": "change 2 (set_not_null)",
    "add_check: {table: people, name: c, expression: m <> 'glad'}": "change 2 (add_check)",
    "add_foreign_key: {table: people, name: k, columns: [m], references: {table: lone}}": "change 2 (add_foreign_key)",
    "rename_table: {from: people, to: folk}": "change 1 (remove_enum_values)",
    "move_table: {table: people, to_schema: s}": "change 1 (remove_enum_values)",
    "drop_table: {table: lone}": "change 1 (remove_enum_values)",
    "add_check: {table: people, name: c, expression: n > 0}": None,
    "set_not_null: {table: people, column: n}": None,
    "create_index: {table: people, name: i, columns: [m]}": None,
}


@pytest.mark.long
def test_what_asks_values_of_an_enum_that_is_made_anew_or_moves_their_table_waits(database: Database) -> None:
    database.execute(MOODS)
    anew = "remove_enum_values: {type: mood, map: {sad: ok}}"
    found = {other: told(database, anew, other) for other in BEHIND_AN_ENUM}
    for other, refused in BEHIND_AN_ENUM.items():
        expected = [] if refused is None else [("not_together", refused)]
        assert [(r.code, r.object) for r in found[other]] == expected, other


def test_a_key_is_not_changed_under_a_reference_that_goes_only_at_the_end(database: Database) -> None:
    database.execute("CREATE TABLE par (id int PRIMARY KEY); CREATE TABLE chi (id int, par_id int REFERENCES par)")
    key = "change_type: {table: par, column: id, to: bigint, follow_references: true}"
    for gone in ("drop_table: {table: chi}", "drop_column: {table: chi, column: par_id}"):
        found = told(database, gone, key)
        assert [(r.code, r.object) for r in found] == [("not_together", "constraint chi_par_id_fkey on public.chi")]
    assert told(database, "drop_constraint: {table: chi, name: chi_par_id_fkey}", key) == []

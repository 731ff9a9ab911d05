"""What the kinds about indexes, uniqueness and partitions refuse, foresee and clean up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade import Engine
from crossfade.errors import InvalidPlan, PreflightRefused, StepFailed
from crossfade.gates.phase_gates import gates_of
from crossfade.operations.indexes.chosen_names import key_names, relation_name
from crossfade.operations.step import Part, Phase
from crossfade.plan.changes.index_fields import IndexKey
from crossfade.plan.load import parse_plan
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.states import State

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

_TABLES = """
CREATE TABLE t (id int PRIMARY KEY, a int, b text, during int4range,
    CONSTRAINT t_alone EXCLUDE USING gist (during WITH &&));
CREATE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (b);
CREATE UNIQUE INDEX t_ab ON t (a, b);
CREATE TABLE u (b text REFERENCES t (b));
CREATE TABLE r (id int NOT NULL);
CREATE UNIQUE INDEX r_id ON r (id);
ALTER TABLE r REPLICA IDENTITY USING INDEX r_id;
CREATE TABLE p (id int NOT NULL, day int NOT NULL, CONSTRAINT said CHECK (id > 0)) PARTITION BY RANGE (day);
CREATE INDEX p_day ON p (day);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p_rest PARTITION OF p DEFAULT;
CREATE TABLE alone (id int NOT NULL, day bigint);
"""


def plan_of(changes: str, more: str = "hold: 0s") -> Plan:
    return parse_plan(f"crossfade: 1\nname: it\n{more}\nchanges:\n  - {changes}\n", "it.yaml")


REFUSED = {
    "create_index: {table: t, name: x, columns: [nope]}": {"no_such_column"},
    "create_index: {table: t, name: t_a, columns: [a]}": {"index_exists"},
    "create_index: {table: t, name: t_a, columns: [b]}": {"index_exists"},
    "create_index: {table: t, name: u, columns: [b]}": {"name_taken"},
    "create_index: {table: p, name: x, columns: [id], unique: true}": {"partition_key"},
    "create_index: {table: t, name: x, columns: [{expression: random() * a}]}": {"expression"},
    "create_index: {table: t, name: x, columns: [{column: a, opclass: nope_ops}]}": {"expression"},
    "create_index: {table: t, name: x, columns: [a], method: gin}": {"expression"},
    "create_index: {table: t, name: x, columns: [a], with: {fillfactor: 7}}": {"expression"},
    "drop_index: {name: nope}": {"no_such_index"},
    "drop_index: {name: t}": {"no_such_index"},
    "drop_index: {name: t_pkey}": {"constraint_index"},
    "drop_index: {name: t_b}": {"constraint_index"},
    "drop_index: {name: p1_day_idx}": {"partition_index"},
    "drop_index: {name: r_id}": {"replica_identity"},
    "replace_index: {name: t_a, columns: [a]}": {"index_exists"},
    "replace_index: {name: t_pkey, columns: [a]}": {"constraint_index"},
    "rename_index: {from: t_a, to: t_b}": {"index_exists"},
    "rename_index: {from: t_a, to: u}": {"name_taken"},
    "reindex: {index: t_alone}": {"exclusion_constraint"},
    "reindex: {table: nope}": {"no_such_table"},
    "add_unique: {table: p, name: x, columns: [id]}": {"partition_key"},
    "add_unique: {table: t, name: x, columns: [nope]}": {"no_such_column"},
    "add_unique: {table: p, name: said, columns: [day]}": {"name_taken"},
    "add_primary_key: {table: t, name: x, columns: [a]}": {"primary_key_exists"},
    "add_exclusion: {table: p, name: x, elements: [{column: id, operator: '='}]}": {"partitioned_constraint"},
    "add_exclusion: {table: t, name: x, elements: [{column: a, operator: '='}]}": {"expression"},
    "attach_partition: {table: t, partition: alone, bounds: FOR VALUES IN (1)}": {"not_partitioned", "partition_shape"},
    "attach_partition: {table: p, partition: p1, bounds: FOR VALUES FROM (1) TO (2)}": {"unsupported_table"},
    "attach_partition: {table: p, partition: alone, bounds: FOR VALUES FROM (20) TO (30)}": {"partition_shape"},
    "detach_partition: {table: p, partition: p1}": {"default_partition"},
    "detach_partition: {table: p, partition: alone}": {"no_such_partition", "default_partition"},
}


@pytest.mark.long
def test_what_cannot_be_done_is_refused_by_name(database: Database) -> None:
    database.execute(_TABLES)
    with Engine(database.url) as engine:
        found = {text: codes_of(engine, text) for text in REFUSED}
    assert found == REFUSED


def codes_of(engine: Engine, change: str) -> set[str]:
    with pytest.raises(PreflightRefused) as raised:
        engine.explain(plan_of(change))
    return {refusal.code for refusal in raised.value.refusals}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("create_index: {table: t, name: x, columns: []}", "at least"),
        ("create_index: {table: t, name: x, columns: [{order: desc}]}", "either a `column` or an `expression`"),
        ("create_index: {table: t, name: x, columns: [{colum: a}]}", "did you mean `column`"),
        ("create_index: {table: t, name: x, columns: [3]}", "expected"),
        ("create_index: {table: t, name: x, columns: [a], nulls_not_distinct: true}", "is about a unique index"),
        ("reindex: {}", "either an `index` or a `table`"),
        ("add_unique: {table: t, name: x, columns: [a, a]}", "listed twice"),
        ("add_unique: {table: t, name: x, columns: [a], where: b, deferrable: immediate}", "only a constraint"),
        ("attach_partition: {table: t, partition: u, bounds: TO (3)}", "says no bounds"),
        ("attach_partition: {table: t, partition: u, bounds: DEFAULT; DROP TABLE t}", "says no bounds"),
        ("add_exclusion: {table: t, name: x, elements: [{column: a, operator: '= 1) --'}]}", "is not valid here"),
    ],
)
def test_a_mistake_in_the_plan_is_said(change: str, said: str) -> None:
    with pytest.raises(InvalidPlan) as raised:
        plan_of(change)
    assert said in str(raised.value.as_json())


@pytest.mark.long
def test_rows_that_are_alike_are_shown_before_and_stop_contract_with_nothing_left(database: Database) -> None:
    database.execute(_TABLES)
    database.execute("INSERT INTO alone VALUES (1, 7), (2, 7), (3, NULL), (4, NULL)")
    plan = plan_of("add_unique: {table: alone, name: once, columns: [day]}")
    with Engine(database.url) as engine:
        told = [c.message for c in engine.explain(plan).cautions if c.code == "duplicates"]
        assert len(told) == 1
        assert "(7) 2 times" in told[0]
        engine.start(plan)
        engine.approve("it", Phase.CONTRACT, "alice")
        with pytest.raises(StepFailed, match=r"Key \(day\)=\(7\) is duplicated") as raised:
            engine.advance(plan)
        assert raised.value.hint is not None
        assert "nothing of the index is left" in raised.value.hint
        assert database.execute("SELECT to_regclass('once')") == [(None,)]
        database.execute("INSERT INTO alone VALUES (5, 7)")
        database.execute("DELETE FROM alone WHERE id IN (2, 5)")
        assert engine.advance(plan).state is State.CONTRACTED
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute("INSERT INTO alone VALUES (5, 7)")


@pytest.mark.every_server
def test_attaching_reads_no_row_and_builds_nothing(database: Database) -> None:
    """As the server itself says at DEBUG1."""
    database.execute(
        """
        CREATE TABLE people (id int PRIMARY KEY);
        CREATE TABLE p (id int NOT NULL, day date NOT NULL, who int REFERENCES people, PRIMARY KEY (day, id))
            PARTITION BY RANGE (day);
        CREATE INDEX p_who ON p (who);
        CREATE TABLE p_rest PARTITION OF p DEFAULT;
        CREATE TABLE later (id int NOT NULL, day date NOT NULL, who int);
        CREATE TABLE q (id int, kind text) PARTITION BY LIST (kind);
        CREATE TABLE q_rest PARTITION OF q DEFAULT;
        CREATE TABLE abroad (id int, kind text);
        """
    )
    plan = plan_of(
        "attach_partition: {table: p, partition: later, bounds: FOR VALUES FROM ('2026-01-01') TO (MAXVALUE)}\n"
        "  - attach_partition: {table: q, partition: abroad, bounds: \"FOR VALUES IN ('eu', 'us', NULL)\"}"
    )
    with Engine(database.url) as engine:
        steps = engine.explain(plan).program.steps
    assert not [step.id for step in steps if step.id == "1.attach_partition/attach" and step.scans]
    said: list[str] = []
    with database.connect(autocommit=True) as connection:
        connection.add_notice_handler(lambda notice: said.append(str(notice.message_primary)))
        for step in steps:
            connection.execute(f"SET client_min_messages = {'debug1' if step.id.endswith('attach') else 'warning'}")
            for statement in step.statements:
                connection.execute(statement.text.encode())
    implied = [text for text in said if text.endswith("is implied by existing constraints")]
    assert len(implied) == 4, said
    assert not [text for text in said if "building index" in text or "validating" in text or "verifying" in text]


@pytest.mark.alike
def test_what_a_build_that_was_cut_off_has_left_goes_when_the_index_is_built_anew(database: Database) -> None:
    database.execute(_TABLES)
    database.execute(
        "CREATE INDEX t_a_ccnew ON t (a); CREATE INDEX t_a_ccold ON t (a); CREATE INDEX t_a_ccold1 ON t (a)"
    )
    database.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text ~ '_cc|^t_a$'")
    before = database.execute("SELECT 't_a'::regclass::oid")
    with Engine(database.url) as engine:
        assert engine.advance(plan_of("reindex: {table: t}")).state is State.CONTRACTED
    left = "SELECT relname FROM pg_class WHERE relkind = 'i' AND relname ~ '^t_' ORDER BY 1"
    assert database.execute(left) == [("t_a",), ("t_ab",), ("t_alone",), ("t_b",), ("t_pkey",)]
    assert database.execute("SELECT 't_a'::regclass::oid") != before
    assert database.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass") == [(True,)]


@pytest.mark.long
@pytest.mark.alike
def test_a_detaching_that_was_cut_off_is_finished_and_can_be_reverted(database: Database) -> None:
    database.execute(_TABLES)
    database.execute("DROP TABLE p_rest; INSERT INTO p VALUES (1, 3)")
    plan = plan_of("detach_partition: {table: p, partition: p1}", "hold: 0s\nretain: 7d")
    before = database.dump()
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve("it", Phase.CONTRACT, "alice")
        engine.advance(plan, to=State.BACKFILLED)
        with database.connect() as reader, database.connect(autocommit=True) as cut_off:
            reader.execute("SELECT FROM p")
            cut_off.execute("SET statement_timeout = '200ms'")
            with pytest.raises(psycopg.errors.QueryCanceled):
                cut_off.execute("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY")
        assert database.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhdetachpending AND inhparent = 'p'::regclass"
        ) == [(1,)]
        assert engine.contract("it").state is State.RETAINED
        assert database.execute("SELECT (SELECT count(*) FROM p), (SELECT count(*) FROM p1)") == [(0, 1)]
        assert engine.revert("it").state is State.BACKFILLED
    assert database.dump() == before


@pytest.mark.long
def test_an_index_over_a_column_that_the_plan_changes_ends_up_over_the_changed_one(database: Database) -> None:
    database.execute(_TABLES)
    plan = plan_of(
        "change_type: {table: alone, column: id, to: bigint}\n"
        "  - create_index: {table: alone, name: found, columns: [{expression: id % 7}, id], where: id > 3}"
    )
    with Engine(database.url) as engine:
        engine.start(plan)
        engine.approve("it", Phase.CONTRACT, "alice")
        assert engine.advance(plan).state is State.CONTRACTED
    assert database.execute("SELECT pg_get_indexdef('found'::regclass)") == [
        ("CREATE INDEX found ON public.alone USING btree (((id % (7)::bigint)), id) WHERE (id > 3)",)
    ]


def test_an_index_is_dropped_only_when_nothing_reads_it() -> None:
    plan = plan_of("drop_index: {name: t_a}", "hold: 7d")
    assert [g.entry.kind for g in gates_of(plan, Phase.CONTRACT)] == ["approval", "table_activity"]
    own = plan_of("drop_index: {name: t_a}", "hold: 7d\ngates: {contract: [table_activity: {index: t_a, hold: 1d}]}")
    assert [g.hold.days for g in gates_of(own, Phase.CONTRACT) if g.entry.kind == "table_activity"] == [1]
    other = plan_of("drop_index: {name: t_a}", "hold: 7d\ngates: {contract: [table_activity: {table: t, hold: 1d}]}")
    assert [g.hold.days for g in gates_of(other, Phase.CONTRACT) if g.entry.kind == "table_activity"] == [7, 1]


def test_the_definition_of_a_dropped_index_is_kept(database: Database) -> None:
    database.execute(_TABLES)
    with Engine(database.url) as engine:
        (step,) = engine.explain(plan_of("drop_index: {name: t_ab}")).program.of(Part.DROP)
    assert [s.text for s in step.undo] == ["CREATE UNIQUE INDEX CONCURRENTLY t_ab ON public.t (a, b)"]


def test_names_are_chosen_as_postgresql_chooses_them(database: Database) -> None:
    table, column = "a table with " + "ä" * 20, "a_column_with_" + "o" * 30
    texts = (
        "lower(b)",
        "b || 'x'",
        "coalesce(b, 'x')",
        "(a + 1)::text",
        "greatest(a, 2)",
        "CASE WHEN a > 1 THEN 2 END",
        "CASE WHEN a > 1 THEN 2 ELSE abs(a) END",
        "b::varchar(3)",
        "(a + 1)::int8::text",
        "nullif(b, 'x')",
        "(ARRAY[a])[1]",
    )
    keys = (IndexKey(column=column), *(IndexKey.model_validate({"expression": text}) for text in texts))
    database.execute(f'CREATE TABLE "{table}" (a int, b text, {column} int)')
    database.execute(f'CREATE INDEX ON "{table}" ({column}); CREATE INDEX ON "{table}" ({column})')
    for text in texts:
        database.execute(f'CREATE INDEX ON "{table}" (({text}), a, a)')
    made = [
        name
        for (name,) in database.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace ORDER BY oid"
        )
    ]
    chosen: list[str] = []
    for key in (keys[0], *keys):
        again = () if key.column else (IndexKey(column="a"), IndexKey(column="a"))
        taken = {QualifiedName("public", name) for name in chosen}
        chosen.append(relation_name(QualifiedName("public", table), key_names((key, *again)), "idx", taken))
    assert chosen == made

"""The positive control of `legacy_writes`: silence counts only while every trigger is in place and works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.gates.legacy_writes import judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.gates import LegacyWrites

from .expanded import KEYED, PARTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .expanded import Expanded

PASS, BLOCKED, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.ERROR
TREE = KEYED + "CREATE TABLE child () INHERITS (t); INSERT INTO child VALUES (5, 'five');"
SUBPARTED = PARTED + (
    "CREATE TABLE p3 PARTITION OF t FOR VALUES FROM (20) TO (90) PARTITION BY RANGE (id);"
    "CREATE TABLE p3_a PARTITION OF p3 FOR VALUES FROM (20) TO (50);"
)


def judged(run: Expanded) -> Judgement:
    return judge(observe(run.connection, run.subject, LegacyWrites(), run.look()), LegacyWrites())


def trigger(run: Expanded, purpose: str) -> str:
    """The name of one trigger of the pair."""
    (name,) = {t.name for t in run.subject.rows[0].triggers if t.name.endswith(purpose)}
    return f'"{name}"'


@pytest.mark.every_server
@pytest.mark.parametrize("ddl", [KEYED, PARTED, SUBPARTED, TREE], ids=["plain", "parted", "subparted", "tree"])
def test_in_place_and_tried_it_passes(start: Callable[..., Expanded], ddl: str) -> None:
    found = judged(start(ddl))
    assert found.verdict is PASS
    (control,) = found.evidence["control"]
    assert control["faults"] == []
    assert control["proof"] == "a trial write was carried over and noted, and taken back"
    assert control["triggers"] == 2 * {KEYED: 1, PARTED: 3, SUBPARTED: 5, TREE: 2}[ddl]


@pytest.mark.parametrize(
    ("ddl", "carrier"),
    [(KEYED, "t"), (PARTED, "p2"), (SUBPARTED, "p3_a"), (TREE, "child")],
    ids=["plain", "parted", "subparted", "tree"],
)
def test_each_trigger_that_is_switched_off_is_an_error(start: Callable[..., Expanded], ddl: str, carrier: str) -> None:
    run = start(ddl)
    names = sorted({t.name for t in run.subject.rows[0].triggers})
    assert len(names) == 2
    with run.app("ddl", autocommit=True) as ddl_session:
        for name in names:
            ddl_session.execute(f'ALTER TABLE {carrier} DISABLE TRIGGER "{name}"'.encode())
            found = judged(run)
            assert found.verdict is ERROR
            assert found.reason == (
                f"trigger {name} on {run.schema}.{carrier} is disabled: writes of the old shape are not seen"
            )
            ddl_session.execute(f'ALTER TABLE {carrier} ENABLE ALWAYS TRIGGER "{name}"'.encode())
    assert judged(run).verdict is PASS


@pytest.mark.parametrize("mode", ["ENABLE", "ENABLE REPLICA"])
def test_a_trigger_that_does_not_fire_for_every_writer_is_an_error(start: Callable[..., Expanded], mode: str) -> None:
    run = start(KEYED)
    run.sql(f"ALTER TABLE t {mode} TRIGGER {trigger(run, 'update')}")
    assert judged(run).verdict is ERROR
    assert "is not ENABLE ALWAYS" in judged(run).reason


@pytest.mark.parametrize(("ddl", "carrier"), [(KEYED, "t"), (TREE, "child"), (PARTED, "t")])
def test_a_trigger_that_was_dropped_is_an_error(start: Callable[..., Expanded], ddl: str, carrier: str) -> None:
    run = start(ddl)
    run.sql(f"DROP TRIGGER {trigger(run, 'update')} ON {carrier}")
    found = judged(run)
    assert found.verdict is ERROR
    assert f"on {run.schema}.{carrier} is missing" in found.reason


def test_a_trigger_that_is_missing_on_a_partition_only_is_an_error(start: Callable[..., Expanded]) -> None:
    run = start(PARTED)
    # The server does not let anybody drop a partition's clone; a catalog that was tampered with shows it all the same.
    run.sql(
        "SET allow_system_table_mods = on; DELETE FROM pg_depend d USING pg_trigger g WHERE d.objid = g.oid"
        " AND g.tgrelid = 'p2'::regclass; DELETE FROM pg_trigger WHERE tgrelid = 'p2'::regclass"
    )
    found = judged(run)
    assert found.verdict is ERROR
    assert f"on {run.schema}.p2 is missing" in found.reason
    assert f"on {run.schema}.p1" not in found.reason


def test_a_table_that_is_gone_is_an_error(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("DROP TABLE t")
    assert judged(run).verdict is ERROR


def test_a_trigger_of_the_same_name_that_calls_somebody_elses_function_is_an_error(
    start: Callable[..., Expanded],
) -> None:
    run = start(KEYED)
    name = trigger(run, "update")
    run.sql("CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    run.sql(
        f"DROP TRIGGER {name} ON t; CREATE TRIGGER {name} BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION nothing()"
    )
    run.sql(f"ALTER TABLE t ENABLE ALWAYS TRIGGER {name}")
    assert judged(run).verdict is ERROR
    assert "does not call a function of crossfade" in judged(run).reason


def test_a_known_old_write_blocks_beside_a_fault_and_both_are_said(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("UPDATE t SET old = 'x'")
    run.sql("ALTER TABLE t DISABLE TRIGGER USER")
    found = judged(run)
    assert found.verdict is BLOCKED
    assert found.clear_since is None
    assert "nightly-import" in found.reason
    assert "is disabled" in found.reason


def test_a_write_that_was_noted_in_this_run_is_the_better_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "hold: 0s")
    run.sql("UPDATE t SET old = 'x'")
    found = judged(run)
    assert found.verdict is PASS
    assert found.evidence["control"][0]["proof"] == "a write of the old shape was noted in this run"


def test_a_fault_of_one_change_is_found_beside_another_that_works(start: Callable[..., Expanded]) -> None:
    changes = "".join(f"  - rename_column: {{table: {{schema}}.t, from: {c}, to: new_{c}}}\n" for c in ("a", "b"))
    ddl = "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b');"
    run = start(ddl, change=changes)
    assert judged(run).verdict is PASS
    run.sql(f'ALTER TABLE t DISABLE TRIGGER "{run.subject.rows[1].triggers[0].name}"')
    found = judged(run)
    assert found.verdict is ERROR
    assert [bool(c["faults"]) for c in found.evidence["control"]] == [False, True]

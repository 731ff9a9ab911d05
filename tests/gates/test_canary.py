"""The canary: a trial write of the old shape under the real triggers, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade.gates.canary import Canary, send_canary
from crossfade.gates.legacy_writes import judge, observe
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.plan.gates import LegacyWrites

from .expanded import KEYED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .expanded import Expanded

PASS, BLOCKED, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.ERROR


def judged(run: Expanded) -> Judgement:
    return judge(observe(run.connection, run.subject, LegacyWrites(), run.look()), LegacyWrites())


BROKEN = {
    "update": ("does not reach new", "BEGIN RETURN NEW; END"),
    "note_write": ("is not noted", "BEGIN END"),
}


@pytest.fixture
def broken(start: Callable[..., Expanded], request: pytest.FixtureRequest) -> Iterator[Expanded]:
    """A run of which one function does nothing any more; the ledger's own is made whole again."""
    run = start(KEYED)
    name = str(request.param)
    ((definition,),) = run.sql(
        "SELECT pg_get_functiondef(p.oid)"
        " FROM pg_proc p WHERE p.pronamespace = 'crossfade'::regnamespace"
        " AND (p.proname = %s OR p.oid IN (SELECT tgfoid FROM pg_trigger WHERE tgrelid = 't'::regclass)"
        " AND p.proname ~ %s)",
        [name, name],
    )
    head = definition[: definition.index("AS $function$")]
    run.sql(f"{head} AS '{BROKEN[name][1]}'")
    yield run
    run.sql(definition)


@pytest.mark.parametrize(("broken", "name"), [(n, n) for n in BROKEN], indirect=["broken"])
def test_a_function_that_does_nothing_is_found_by_the_trial_write(broken: Expanded, name: str) -> None:
    found = judged(broken)
    assert found.verdict is ERROR
    assert f"the triggers on {broken.schema}.t do not work: a write to old {BROKEN[name][0]}" in found.reason


def send(run: Expanded) -> Canary:
    triggers = run.sql("SELECT oid FROM pg_trigger WHERE tgrelid = 't'::regclass")
    return send_canary(run.connection, run.subject.name, run.subject.rows[0], [oid for (oid,) in triggers])


def test_the_trial_write_leaves_nothing_behind(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    before = run.sql("SELECT * FROM t ORDER BY id")
    assert send(run) == Canary()
    assert run.sql("SELECT * FROM t ORDER BY id") == before
    notes = "SELECT count(*) FROM crossfade.legacy_writes WHERE plan = %s"
    assert run.sql(notes, [run.subject.name]) == [(0,)]
    assert run.connection.execute("SELECT to_regclass('pg_temp.crossfade_canary')").fetchone() == (None,)
    assert run.connection.execute("SHOW lock_timeout").fetchone() == ("5s",)


def test_without_triggers_the_trial_write_says_what_they_fail_to_do(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    assert send_canary(run.connection, run.subject.name, run.subject.rows[0], []).fault == (
        "a write to old does not reach new"
    )


def test_where_there_is_no_value_to_try_it_with_nothing_is_claimed(start: Callable[..., Expanded]) -> None:
    run = start("CREATE TABLE t (id int PRIMARY KEY, old text); INSERT INTO t VALUES (1, NULL);")
    assert send(run) == Canary(not_tried="no value of old to try it with in the first rows of the table")
    found = judged(run)
    assert found.verdict is PASS
    assert "a trial write was not possible" in found.evidence["control"][0]["proof"]


def test_a_table_that_is_locked_is_not_waited_for_long(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.app("ddl").execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    assert "lock timeout" in (send(run).not_tried or "")


def test_columns_with_odd_names_are_tried_as_well(start: Callable[..., Expanded]) -> None:
    odd = '"a % of {b} ""c"""'
    run = start(
        f"CREATE TABLE t (id int PRIMARY KEY, {odd} text DEFAULT '%s'); INSERT INTO t VALUES (1, 'one');",
        change="  - rename_column: {table: {schema}.t, from: 'a % of {b} \"c\"', to: 'x%s y'}\n",
    )
    assert send(run) == Canary()
    run.sql(f"UPDATE t SET {odd} = 'two'")
    assert judged(run).verdict is BLOCKED

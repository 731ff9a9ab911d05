"""What there is to tell, as it is read from a real ledger."""

from __future__ import annotations

import pytest

from crossfade.notify.facts import Fact, read_facts

from .runs import APPROVAL, VERSION, Runs

NOTIFY = [{"slack": {"url_env": "CHAT"}}]
RUN = "users-email"


def told(runs: Runs, *driven: str) -> list[tuple[str, str | None, str]]:
    return [(f.event, f.phase, f.state) for f in facts(runs, *driven)]


def facts(runs: Runs, *driven: str) -> tuple[Fact, ...]:
    return read_facts(runs.connection, driven)


def test_each_phase_that_was_done_is_told_with_its_time(runs: Runs) -> None:
    run = runs.add(RUN, NOTIFY)
    assert facts(runs) == ()
    runs.move(run, "expanding")
    assert facts(runs) == ()
    runs.move(run, "expanded", "backfilling", "backfilled", "contracting", "retained", "dropping", "contracted")
    found = facts(runs, RUN)
    assert [(f.phase, f.state) for f in found] == [
        ("expand", "expanded"),
        ("backfill", "backfilled"),
        ("contract", "contracted"),
    ]
    assert all(f.seconds is not None and f.seconds >= 0 for f in found)
    (begun, done) = runs.one(
        "SELECT min(at) FILTER (WHERE data ->> 'target' = 'contracting'), max(at) FROM crossfade.events"
    )
    assert found[-1].seconds == pytest.approx((done - begun).total_seconds())
    assert found[-1].database == runs.database.name
    assert facts(runs) == (), "one that is over is told by whoever drove it"


def test_a_phase_that_passes_through_is_not_told(runs: Runs) -> None:
    index = runs.add("index", NOTIFY, {"steps": [{"part": "expand"}], "rows": [], "data": []})
    data = runs.add("tidy", NOTIFY, {"steps": [], "rows": [], "data": [{}]})
    for run in (index, data):
        runs.move(run, "expanding", "expanded", "backfilling", "backfilled", "contracting", "retained", "dropping")
        runs.move(run, "contracted")
    assert [(f.run, f.phase) for f in facts(runs, "index", "tidy")] == [("index", "expand"), ("tidy", "backfill")]


def test_a_revert_is_no_end_of_backfill_and_the_next_contract_is_another(runs: Runs) -> None:
    run = runs.add(RUN, NOTIFY)
    runs.move(run, "expanding", "expanded", "backfilling", "backfilled", "contracting", "retained", "reverting")
    runs.move(run, "backfilled")
    assert [f.phase for f in facts(runs)] == ["expand", "backfill"]


def test_a_failure_is_told_once_a_day_for_each_code_and_state(runs: Runs) -> None:
    run = runs.add(RUN, NOTIFY)
    runs.move(run, "expanding")
    for message in ("no lock on users", "no lock on users, again"):
        runs.fail(run, message=message)
    runs.fail(run, code="step_failed", message="no such column")
    runs.move(run, "expanded", "backfilling")
    runs.fail(run)
    found = [f for f in facts(runs) if f.event == "failed"]
    assert [(f.code, f.phase, f.state, f.reasons[0]) for f in found] == [
        ("lock_timeout", "expand", "expanding", "no lock on users"),
        ("step_failed", "expand", "expanding", "no such column"),
        ("lock_timeout", "backfill", "backfilling", "no lock"),
    ]
    assert len({f.occurrence for f in found}) == 3


@pytest.mark.parametrize("first", ["UNKNOWN", "BLOCKED", "ERROR"])
def test_a_blockage_counts_from_the_first_look_that_did_not_pass(runs: Runs, first: str) -> None:
    run = runs.add(RUN, NOTIFY)
    runs.move(run, "expanding", "expanded", "backfilling", "backfilled")
    runs.since(run, 120)
    runs.evaluate(run, "contract", APPROVAL, minutes_ago=100)
    runs.evaluate(run, "contract", minutes_ago=60)
    runs.evaluate(run, "contract", {**VERSION, "verdict": first}, minutes_ago=45)
    runs.evaluate(run, "contract", VERSION, {**APPROVAL, "mode": "observe"}, minutes_ago=1)
    (blocked,) = (f for f in facts(runs) if f.event in ("blocked", "approval_wanted"))
    assert (blocked.event, blocked.phase, blocked.state) == ("blocked", "contract", "backfilled")
    assert blocked.reasons == ("nothing reports",)
    assert blocked.seconds is not None
    assert 45 * 60 <= blocked.seconds < 46 * 60
    runs.evaluate(run, "contract", VERSION)
    (later,) = (f for f in facts(runs) if f.event == "blocked")
    assert later.occurrence == blocked.occurrence
    runs.evaluate(run, "contract")
    assert not [f for f in facts(runs) if f.event == "blocked"]
    runs.evaluate(run, "contract", VERSION)
    (anew,) = (f for f in facts(runs) if f.event == "blocked")
    assert anew.occurrence != blocked.occurrence


def test_looks_at_a_phase_that_is_not_next_do_not_count(runs: Runs) -> None:
    run = runs.add(RUN, NOTIFY)
    runs.evaluate(run, "contract", VERSION)
    runs.evaluate(run, "backfill", APPROVAL)
    assert facts(runs) == ()
    runs.evaluate(run, "expand", APPROVAL)
    assert told(runs) == [("blocked", "expand", "planned"), ("approval_wanted", "expand", "planned")]
    runs.move(run, "expanding")
    assert facts(runs) == ()
    runs.move(run, "expanded")
    assert told(runs) == [("phase_finished", "expand", "expanded")], "that was asked before its time"


@pytest.mark.parametrize(
    ("gates", "wanted"),
    [
        ([APPROVAL], True),
        ([VERSION, APPROVAL], True),
        ([VERSION], False),
        ([VERSION, {**APPROVAL, "verdict": "PASS"}], False),
        ([VERSION, {**APPROVAL, "mode": "observe"}], False),
        ([VERSION, {**APPROVAL, "override": {"by": "me"}}], False),
        ([{"kind": "all", "verdict": "BLOCKED", "mode": "enforce", "reason": "r", "gates": [VERSION, APPROVAL]}], True),
    ],
)
def test_an_approval_is_wanted_where_one_is_part_of_what_holds_the_phase(
    runs: Runs, gates: list[dict[str, object]], wanted: bool
) -> None:
    run = runs.add(RUN, NOTIFY)
    runs.evaluate(run, "expand", *gates)
    assert ("approval_wanted", "expand", "planned") in told(runs) or not wanted
    assert ("approval_wanted" in [event for event, *_ in told(runs)]) is wanted
    (blocked,) = (f for f in facts(runs) if f.event == "blocked")
    closed = [g["reason"] for g in gates if g["mode"] == "enforce" and g["verdict"] != "PASS" and "override" not in g]
    assert list(blocked.reasons) == closed


def test_runs_whose_plans_name_nobody_are_told_of_only_where_they_are_driven(runs: Runs) -> None:
    runs.move(runs.add(RUN), "expanding", "expanded")
    runs.move(runs.add("other"), "expanding", "expanded")
    assert facts(runs) == ()
    assert [f.run for f in facts(runs, RUN)] == [RUN]


def test_what_is_older_than_a_day_is_not_told(runs: Runs) -> None:
    run = runs.add(RUN, NOTIFY)
    runs.connection.execute(
        "INSERT INTO crossfade.events (run_id, kind, data, at) VALUES"
        """ (%(run)s, 'state_changed', '{"source": "expanding", "target": "expanded"}', now() - interval '25 hours'),"""
        """ (%(run)s, 'failed', '{"code": "c", "message": "m"}', now() - interval '25 hours')""",
        {"run": run},
    )
    assert facts(runs, RUN) == ()

"""An audit says all that was decided and done, in every state, to whoever may read the ledger, without secrets."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.cli.audit_page import escaped, fenced, page
from crossfade.errors import RowsFailed, UnknownRun, UsageError
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow import audit
from crossfade.workflow.audit import without_secrets
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from ..fixtures.database import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.plan.model import Plan
    from crossfade.workflow.audit import Audit

    from ..fixtures.database import Database
    from ..fixtures.servers import Server

RUN = "the-rename"
USERS = """
CREATE TABLE users (id int PRIMARY KEY, email text);
INSERT INTO users SELECT g, 'e' || g FROM generate_series(1, 50) g;
"""
REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE check_violation USING MESSAGE = 'not e7'; END $$;
CREATE TRIGGER a_refuse BEFORE UPDATE ON users FOR EACH ROW WHEN (OLD.id = 7) EXECUTE FUNCTION refuse();
"""


def plan(extra: str = "") -> Plan:
    text = f"crossfade: 1\nname: {RUN}\n{extra}\nchanges:\n"
    return parse_plan(f"{text}  - rename_column: {{table: users, from: email, to: email_address}}\n", "plan.yaml")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    database.execute(USERS)
    with Engine(database.url) as made:
        yield made


@pytest.fixture(scope="module")
def states(server: Server) -> Iterator[dict[State, Audit]]:
    """What an audit says of one run in the states that it goes through, forwards and back."""
    with fresh_database(server) as database, Engine(database.url) as engine:
        database.execute(USERS)
        found: dict[State, Audit] = {}

        def look() -> None:
            one = engine.audit(RUN)
            found.setdefault(State(one.state), one)

        engine.start(plan("retain: 1d"))
        look()
        engine.approve(RUN, Phase.CONTRACT, "alice", reason="ticket 4711")
        for goal in (State.EXPANDED, State.BACKFILLED, State.RETAINED):
            engine.advance(RUN, to=goal)
            look()
        engine.revert(RUN)
        engine.rollback(RUN)
        look()
        engine.start(plan())
        engine.advance(RUN, to=State.BACKFILLED)
        engine.approve(RUN, Phase.CONTRACT, "bob")
        engine.advance(RUN)
        look()
        yield found


@pytest.mark.long
@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (State.PLANNED, {"pending"}),
        (State.EXPANDED, {"done", "pending"}),
        (State.BACKFILLED, {"done", "pending"}),
        (State.RETAINED, {"done", "pending"}),
        (State.ROLLED_BACK, {"undone", "pending"}),
        (State.CONTRACTED, {"done"}),
    ],
)
def test_it_works_in_every_state(states: dict[State, Audit], state: State, steps: set[str]) -> None:
    found = states[state]
    assert {step.state for step in found.steps} == steps
    assert all(step.sql for step in found.steps)
    assert json.loads(json.dumps(found.as_json()))["state"] == state
    assert page(found).startswith(f"# Audit of {RUN}\n")
    assert found.events[0]["kind"] == "started"


@pytest.mark.long
def test_a_name_that_was_used_before_is_that_of_the_latest_run(states: dict[State, Audit]) -> None:
    assert states[State.ROLLED_BACK].earlier == ()
    [earlier] = states[State.CONTRACTED].earlier
    assert (earlier["state"], earlier["id"]) == ("rolled_back", states[State.ROLLED_BACK].run)
    assert [g["approver"] for g in states[State.CONTRACTED].approvals] == ["bob"]
    assert "## Earlier runs of this name" in page(states[State.CONTRACTED])


@pytest.mark.long
def test_rows_are_summed_by_table(states: dict[State, Audit]) -> None:
    [batch] = states[State.CONTRACTED].batches
    assert (batch["relation"], batch["rows_done"], batch["verified_share"]) == ("public.users", 50, 1.0)
    assert batch["batches"] > 0
    assert batch["workers"]
    [row] = states[State.CONTRACTED].rows
    assert row["relation"] == "public.users"
    assert row["sql"].startswith("UPDATE")


def test_each_step_of_contract_ran_on_the_word_of_a_verdict(states: dict[State, Audit]) -> None:
    found = states[State.RETAINED]
    hide = [step.id for step in found.steps if step.part == "hide"]
    on_its_word = {e["step"]: e for e in found.evaluations if e["step"]}
    assert set(hide) <= set(on_its_word)
    assert {e["verdict"] for e in on_its_word.values()} == {"PASS"}
    [approval] = [g for g in on_its_word[hide[0]]["gates"] if g["kind"] == "approval"]
    assert "alice" in str(approval["evidence"])
    assert f"on its word ran step {escaped(hide[0])}" in page(found)


def test_an_approval_tells_the_database_role_and_whether_it_is_of_this_plan(states: dict[State, Audit]) -> None:
    [given] = states[State.RETAINED].approvals
    assert (given["approver"], given["reason"], given["is_of_this_plan"]) == ("alice", "ticket 4711", True)
    assert given["db_user"] == states[State.RETAINED].created_by


@pytest.mark.long
def test_overrides_and_who_waived_rows_are_told_without_their_values(engine: Engine, database: Database) -> None:
    database.execute(REFUSING)
    engine.expand(plan('apps: {api: {scheme: semver, new: ">=2.0.0"}}'))
    engine.override(RUN, "app_version", actor="ada", reason="INC-42", lasts=timedelta(minutes=30), phase=Phase.CONTRACT)
    with pytest.raises(RowsFailed):
        engine.backfill(RUN)
    engine.waive_quarantine(RUN, "a test account", by="bob")
    found = engine.audit(RUN)
    [override] = found.overrides
    assert (override["gate"], override["actor"], override["reason"]) == ("app_version", "ada", "INC-42")
    assert timedelta(minutes=29) < override["until"] - override["at"] <= timedelta(minutes=30)
    [row] = found.quarantined
    assert (row["key"], row["state"]) == ({"id": "7"}, "waived")
    assert (row["waived_by"], row["waived_because"]) == ("bob", "a test account")
    assert not {"row", "image"} & set(row)


def test_addresses_are_without_secrets_and_sql_is_as_it_is(engine: Engine) -> None:
    gate = 'http: {url: "http://127.0.0.1:9/x?token=s3cret", timeout: 100ms, mode: observe}'
    argv = 'exec: {command: [sh, "https://u:pw4@example.com/y?k=k33p"], mode: observe}'
    engine.start(plan(f"gates: {{expand: [{{{gate}}}, {{{argv}}}]}}"))
    engine.gates(RUN)
    found = engine.audit(RUN)
    said = page(found) + json.dumps(found.as_json())
    assert "http://127.0.0.1:9/x" in said
    for secret in ("s3cret", "pw4", "k33p"):
        assert secret not in said
    assert found.steps[0].sql[0] in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ada:pw@db/shop?password=x", "postgresql://***@db/shop?***"),
        ("see https://h/p?t=1#f, then", "see https://h/p?***"),
        ("host=db password='a b' user=x", "host=db password=*** user=x"),
        ("http://[broken", "http://***"),
        ("nothing here", "nothing here"),
    ],
)
def test_a_text_without_its_secrets(text: str, shown: str) -> None:
    assert without_secrets({"a": [text]})["a"][0].startswith(shown)


@pytest.mark.long
def test_looks_that_found_the_same_are_left_out_and_counted(
    engine: Engine, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.advance(plan(), to=State.BACKFILLED)
    engine.gates(RUN)
    engine.approve(RUN, Phase.CONTRACT, "alice")
    for _ in range(3):
        engine.gates(RUN)
    found = engine.audit(RUN)
    told = [e["verdict"] for e in found.evaluations if e["phase"] == "contract"]
    assert told == ["BLOCKED", "PASS", "PASS"]
    assert found.evaluations_left_out == 2
    assert "2 looks at the gates" in page(found)
    monkeypatch.setattr(audit, "_MOST_EVALUATIONS", 1)
    monkeypatch.setattr(audit, "_MOST_EVENTS", 2)
    fewer = engine.audit(RUN)
    assert len(fewer.evaluations) + fewer.evaluations_left_out == len(found.evaluations) + found.evaluations_left_out
    assert fewer.evaluations == found.evaluations[-1:]
    assert (len(fewer.events), fewer.events_left_out) == (2, len(found.events) - 2)
    assert fewer.events == found.events[-2:]


@pytest.mark.long
def test_whoever_may_read_the_ledger_may_audit_and_nothing_is_written(engine: Engine, database: Database) -> None:
    engine.advance(plan(), to=State.BACKFILLED)
    engine.approve(RUN, Phase.CONTRACT, "alice")
    database.execute("CREATE ROLE auditor LOGIN IN ROLE crossfade_reader")
    with Engine(database.server.url(database.name, user="auditor")) as reader:
        assert reader.audit(RUN) == engine.audit(RUN)
    with database.connect(user="auditor") as nobody, pytest.raises(psycopg.errors.InsufficientPrivilege):
        nobody.execute("SELECT FROM users")


def test_a_run_that_is_not_there(engine: Engine) -> None:
    with pytest.raises(UsageError, match="no ledger"):
        engine.audit(RUN)
    engine.init()
    with pytest.raises(UnknownRun):
        engine.audit(RUN)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a | b\nc", "a \\| b c"),
        ("`x` <img> [a](b) @all", "\\`x\\` \\<img\\> \\[a\\](b) \\@all"),
        ({"id": "1"}, '\\{"id": "1"\\}'),
        (None, ""),
    ],
)
def test_a_cell_stays_one_cell(value: object, shown: str) -> None:
    assert escaped(value) == shown


@pytest.mark.parametrize(("text", "fence"), [("SELECT 1", "```"), ("a ``` b", "````"), ("`````", "``````")])
def test_no_text_ends_its_fence(text: str, fence: str) -> None:
    assert list(fenced(text, "sql")) == [f"{fence}sql", text, fence]

"""The gate `dependents`: what hangs on the column that goes, what follows the one that stays, which texts name it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

from crossfade.gates.acknowledgement import Shown
from crossfade.gates.approval import Word, give
from crossfade.gates.dependents import Hanging, Observation, Suspect, in_words, judge, observe
from crossfade.gates.suspects import TextFunction
from crossfade.gates.verdict import Judgement, Verdict
from crossfade.operations.step import Part, Phase
from crossfade.plan.gates import Dependents
from crossfade.postgres.connect import connect
from crossfade.workflow import ledger
from crossfade.workflow.program import from_json

from .expanded import KEYED, PARTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .expanded import Expanded

PASS, BLOCKED, UNKNOWN, ERROR = Verdict.PASS, Verdict.BLOCKED, Verdict.UNKNOWN, Verdict.ERROR
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASK, SHOW = Dependents(), Dependents(suspects="show")
CLEAR = Hanging(table="public.users", old="email", dropped="email_address")
NEW_SUSPECT = Suspect("public.report()", "sql", Shown(name="f", since=NOW))
KNOWN = Suspect("public.report()", "sql", Shown(name="f", since=NOW, acknowledged_by="ada", acknowledged_at=NOW))


@pytest.fixture
def start(start: Callable[..., Expanded]) -> Iterator[Callable[..., Expanded]]:
    """As everywhere, and nothing is left for the next test: a text that names a table does not say in which schema."""
    made: list[Expanded] = []

    def make(ddl: str, plan: str = "") -> Expanded:
        made.append(start(ddl, plan))
        return made[-1]

    yield make
    for run in made:
        run.sql(f"DROP SCHEMA {run.schema} CASCADE")


def judged(*pairs: Hanging, entry: Dependents = ASK) -> Judgement:
    return judge(Observation(run="rename", phase="contract", pairs=pairs), entry)


@pytest.mark.parametrize(
    ("pairs", "asked", "shown"),
    [
        ([], UNKNOWN, UNKNOWN),
        ([CLEAR], PASS, PASS),
        ([replace(CLEAR, follows=("view public.v",))], PASS, PASS),
        ([replace(CLEAR, blocks=("view public.v",))], BLOCKED, BLOCKED),
        ([replace(CLEAR, vanishes=("index public.i",))], BLOCKED, BLOCKED),
        ([CLEAR, replace(CLEAR, vanishes=("index public.i",))], BLOCKED, BLOCKED),
        ([replace(CLEAR, is_there=False)], UNKNOWN, UNKNOWN),
        ([replace(CLEAR, is_there=False), replace(CLEAR, blocks=("view public.v",))], BLOCKED, BLOCKED),
        ([replace(CLEAR, suspects=(NEW_SUSPECT,))], BLOCKED, PASS),
        ([replace(CLEAR, suspects=(KNOWN,))], PASS, PASS),
        ([replace(CLEAR, suspects=(KNOWN, NEW_SUSPECT))], BLOCKED, PASS),
        ([replace(CLEAR, suspects=(KNOWN,), blocks=("view public.v",))], BLOCKED, BLOCKED),
    ],
)
def test_the_verdict(pairs: list[Hanging], asked: Verdict, shown: Verdict) -> None:
    assert judged(*pairs).verdict is asked
    assert judged(*reversed(pairs)).verdict is asked
    assert judged(*pairs, entry=SHOW).verdict is shown


def test_the_reason_says_what_is_in_the_way_and_what_to_do() -> None:
    assert (
        judged(CLEAR).reason == "nothing would keep public.users.email_address from being dropped, or vanish unnoticed"
    )
    assert judged(replace(CLEAR, blocks=("view public.v",), vanishes=("index public.i",))).reason == (
        "public.users.email_address cannot be dropped because of view public.v: drop that, and make it anew on email,"
        " which stays under the new name; with public.users.email_address would vanish: index public.i; make it on"
        " email instead, and drop this one"
    )
    suspect = replace(CLEAR, suspects=(NEW_SUSPECT,))
    assert judged(suspect, entry=Dependents(acknowledged_by="the owner")).reason.endswith(
        "crossfade approve rename --phase contract --as YOU --role 'the owner'"
    )
    assert "the text of public.report() names" in judged(suspect, entry=SHOW).reason
    assert judged(replace(CLEAR, suspects=(KNOWN,))).reason.endswith(
        "; ada looked at the suspects, at 2026-03-01 12:00:00 UTC"
    )
    assert judged(replace(CLEAR, vanishes=tuple("abcdefg"))).reason.count("a, b, c, d, e and 2 more") == 1
    assert len(judged(replace(CLEAR, vanishes=("i",) * 70)).evidence["pairs"][0]["vanishes"]) == 50


def test_in_words_it_says_what_is_asked_of_suspects() -> None:
    assert in_words(ASK).endswith("no function's text names the old shape unless a person has looked at it")
    assert in_words(SHOW).endswith("names the old shape (shown only)")


@pytest.mark.parametrize(
    ("body", "uses", "named"),
    [
        ("SELECT email FROM users", False, True),
        ("SELECT Email FROM USERS", False, True),
        ('SELECT "email" FROM "users"', False, True),
        ("SELECT u.email FROM public.users u", False, True),
        ("SELECT emails FROM users", False, False),
        ("SELECT old_email FROM users", False, False),
        ("SELECT email$1 FROM users", False, False),
        ("SELECT email FROM users_archive", False, False),
        ("NEW.email := lower(NEW.email)", True, True),
        ("NEW.email := lower(NEW.email)", False, False),
        ("NEW.mail := ''", True, False),
    ],
)
def test_a_text_names_the_column_as_a_word(body: str, uses: bool, named: bool) -> None:
    function = TextFunction(name="f()", language="sql", body=body, uses=uses)
    assert function.names(["users"], "email") is named


def test_a_name_with_quotes_in_it_is_found_by_its_spelling() -> None:
    function = TextFunction(name="f()", language="sql", body='SELECT "e""mail" FROM users', uses=False)
    assert function.names(["users"], 'e"mail')


def looked(run: Expanded, entry: Dependents = ASK, phase: Phase = Phase.CONTRACT) -> tuple[Judgement, Hanging]:
    observation = observe(run.connection, run.subject, entry, run.look(phase))
    (pair,) = observation.pairs
    return judge(observation, entry), pair


FOLLOWING = {
    "view": "CREATE VIEW v AS SELECT old FROM t",
    "star view": "CREATE VIEW v AS SELECT t.id, t.old FROM t",
    "materialized view": "CREATE MATERIALIZED VIEW v AS SELECT old FROM t",
    "index": "CREATE INDEX i ON t (old)",
    "check": "ALTER TABLE t ADD CONSTRAINT c CHECK (old <> '')",
    "policy": "CREATE POLICY p ON t USING (old <> '')",
    "generated": "ALTER TABLE t ADD COLUMN g text GENERATED ALWAYS AS (lower(old)) STORED",
    "trigger": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TRIGGER a AFTER UPDATE OF old ON t FOR EACH ROW EXECUTE FUNCTION f()",
}


@pytest.mark.every_server
@pytest.mark.parametrize("made", FOLLOWING)
def test_what_hangs_on_the_old_column_follows_it(start: Callable[..., Expanded], made: str) -> None:
    run = start(KEYED)
    run.sql(FOLLOWING[made])
    found, pair = looked(run)
    assert found.verdict is PASS, found.reason
    assert pair.follows
    assert not pair.blocks
    assert not pair.vanishes


BLOCKING = {
    "view {s}.v": "CREATE VIEW v AS SELECT new FROM t",
    "view {s}.w": "CREATE VIEW w AS SELECT * FROM t",
    "materialized view {s}.m": "CREATE MATERIALIZED VIEW m AS SELECT new FROM t",
    "policy p on table {s}.t": "CREATE POLICY p ON t USING (new <> '')",
    "trigger a on table {s}.t": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "CREATE TRIGGER a AFTER UPDATE OF new ON t FOR EACH ROW EXECUTE FUNCTION f()",
    "function {s}.g()": "CREATE FUNCTION g() RETURNS text BEGIN ATOMIC SELECT max(new) FROM t; END",
    "constraint k on table {s}.other": "ALTER TABLE t ADD CONSTRAINT u UNIQUE (new);"
    "CREATE TABLE other (ref text CONSTRAINT k REFERENCES t (new))",
    "publication of table {s}.t in publication {s}_p": "CREATE PUBLICATION {s}_p FOR TABLE t (id, new)",
}
VANISHING = {
    "index {s}.i": "CREATE INDEX i ON t (new)",
    "index {s}.j": "CREATE INDEX j ON t (other) WHERE new IS NOT NULL",
    "constraint c on table {s}.t": "ALTER TABLE t ADD CONSTRAINT c CHECK (new <> '')",
    "constraint u on table {s}.t": "ALTER TABLE t ADD CONSTRAINT u UNIQUE (other, new)",
    "statistics object {s}.x": "CREATE STATISTICS x ON new, other FROM t",
    "default value for column new of table {s}.t": "ALTER TABLE t ALTER new SET DEFAULT 'x'",
    "NOT NULL of column new of table {s}.t": "UPDATE t SET new = old; ALTER TABLE t ALTER new SET NOT NULL",
    "SELECT for PUBLIC on column new of table {s}.t": "GRANT SELECT (new) ON t TO PUBLIC",
}


def take_note(run: Expanded) -> None:
    give(run.connection, run.subject.run_id, Word(phase=Phase.CONTRACT, approver="ada", role="dependents"))


def refused(run: Expanded) -> bool:
    """Whether PostgreSQL itself refuses the drop, once our triggers are gone; all of it is taken back."""
    (change,) = run.subject.rows
    try:
        with run.connection.transaction(force_rollback=True):
            for trigger in change.triggers:
                run.connection.execute(f'DROP TRIGGER "{trigger.name}" ON {trigger.relation}'.encode())
            run.connection.execute(f"ALTER TABLE {run.schema}.t DROP COLUMN new".encode())
    except psycopg.errors.DependentObjectsStillExist:
        return True
    return False


def carry_out(run: Expanded, part: Part) -> None:
    """Run the steps of a part."""
    for step in from_json(ledger.get_run(run.connection, run.subject.name).program).of(part):
        for statement in step.statements:
            run.connection.execute(statement.text.encode())


@pytest.mark.alike
@pytest.mark.parametrize("name", BLOCKING)
def test_what_would_keep_the_new_column_from_being_dropped_blocks(start: Callable[..., Expanded], name: str) -> None:
    run = start(KEYED)
    if run.database.server.major < 15 and "publication" in name:
        pytest.skip("PostgreSQL 14 has no column lists")
    assert not refused(run)
    assert looked(run)[1].blocks == ()
    run.sql(BLOCKING[name].replace("{s}", run.schema))
    found, pair = looked(run)
    assert found.verdict is BLOCKED
    assert name.format(s=run.schema) in pair.blocks
    assert refused(run)


@pytest.mark.alike
@pytest.mark.parametrize("name", VANISHING)
def test_what_would_vanish_with_the_new_column_blocks(start: Callable[..., Expanded], name: str) -> None:
    run = start(KEYED)
    run.sql(VANISHING[name])
    found, pair = looked(run)
    assert found.verdict is BLOCKED
    assert pair.vanishes == (name.format(s=run.schema),)
    assert pair.blocks == ()
    assert not refused(run)


RICH = """
CREATE TABLE t (id int PRIMARY KEY, old text DEFAULT 'x' UNIQUE, other int);
CREATE INDEX i ON t (old) INCLUDE (other);
GRANT SELECT (old), UPDATE (old) ON t TO PUBLIC;
"""


@pytest.mark.alike
@pytest.mark.parametrize("ddl", [KEYED, PARTED, RICH], ids=["keyed", "parted", "rich"])
def test_what_is_ours_neither_blocks_nor_counts_as_lost(start: Callable[..., Expanded], ddl: str) -> None:
    run = start(ddl)
    (change,) = run.subject.rows
    run.sql("UPDATE t SET new = old")
    carry_out(run, Part.SEAL)
    # A trigger of ours is known by its function, whatever became of its comment.
    for trigger in change.triggers:
        run.sql(f'COMMENT ON TRIGGER "{trigger.name}" ON {trigger.relation} IS NULL')
    found, pair = looked(run)
    assert found.verdict is PASS, found.reason
    assert (pair.blocks, pair.vanishes) == ((), ())
    assert "crossfade" not in "".join(pair.follows)
    # Once the twin is hidden, it is still what goes.
    carry_out(run, Part.HIDE)
    found, pair = looked(run)
    assert (found.verdict, pair.old, pair.dropped) == (PASS, "new", change.dropped[0].hidden)
    run.sql(f'CREATE INDEX lost ON t ("{change.dropped[0].hidden}")')
    assert looked(run)[0].verdict is BLOCKED


@pytest.mark.alike
def test_partitions_and_children_count(start: Callable[..., Expanded]) -> None:
    run = start(PARTED)
    run.sql("CREATE VIEW v AS SELECT new FROM p1; CREATE INDEX i ON p2 (new)")
    _, pair = looked(run)
    assert (pair.blocks, pair.vanishes) == ((f"view {run.schema}.v",), (f"index {run.schema}.i",))


def test_a_role_without_rights_sees_the_same(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql("CREATE VIEW v AS SELECT new FROM t; CREATE INDEX i ON t (new)")
    run.sql(SUSPECT["sql"])
    run.sql(f"CREATE ROLE plain_reader LOGIN; GRANT USAGE ON SCHEMA crossfade, {run.schema} TO plain_reader")
    run.sql("GRANT SELECT ON ALL TABLES IN SCHEMA crossfade TO plain_reader")
    run.sql("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA crossfade TO plain_reader")
    _, seen = looked(run)
    look = run.look(record=False)
    with connect(run.database.server.url(run.database.name, user="plain_reader")) as plain:
        (pair,) = observe(plain, run.subject, ASK, look).pairs
    assert (pair.blocks, pair.vanishes) == (seen.blocks, seen.vanishes)
    assert [s.name for s in pair.suspects] == [s.name for s in seen.suspects] == [f"{run.schema}.f()"]


SUSPECT = {
    "sql": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(old)::int FROM t'",
    "plpgsql": "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(old) FROM t); END'",
    "procedure": "CREATE PROCEDURE f() LANGUAGE sql AS 'UPDATE t SET old = NULL'",
    "by a row": "CREATE FUNCTION f(r t) RETURNS text LANGUAGE sql AS 'SELECT r.old'",
    "of a trigger": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.old := 1; RETURN NEW; END';"
    "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
}
INNOCENT = {
    "another column": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(other)::int FROM t'",
    "another table": "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT 'old' $$",
    "the new name": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(new)::int FROM t'",
    "a parsed body": "CREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT max(old) FROM t; END",
}


@pytest.mark.alike
@pytest.mark.parametrize("made", SUSPECT)
def test_a_function_whose_text_names_the_old_column_is_a_suspect(start: Callable[..., Expanded], made: str) -> None:
    run = start(KEYED)
    run.sql(SUSPECT[made])
    found, pair = looked(run)
    (suspect,) = pair.suspects
    assert suspect.name.startswith(f"{run.schema}.f(")
    assert found.verdict is BLOCKED
    assert suspect.name in found.reason
    assert looked(run, SHOW)[0].verdict is PASS


@pytest.mark.parametrize("made", INNOCENT)
def test_other_functions_are_not(start: Callable[..., Expanded], made: str) -> None:
    run = start(KEYED)
    run.sql(INNOCENT[made])
    found, pair = looked(run)
    assert (found.verdict, pair.suspects) == (PASS, ())


def test_a_suspect_that_was_looked_at_passes_until_its_text_changes(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    run.sql(SUSPECT["sql"])
    take_note(run)
    # Nobody had been shown the function then.
    assert looked(run)[0].verdict is BLOCKED
    take_note(run)
    found, _ = looked(run)
    assert found.verdict is PASS
    assert "ada looked at the suspects" in found.reason
    run.sql("CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT count(old || old)::int FROM t'")
    assert looked(run)[0].verdict is BLOCKED


def test_before_expand_only_suspects_can_be_in_the_way(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    (change,) = run.subject.rows
    run.sql("CREATE VIEW v AS SELECT old FROM t")
    for trigger in change.triggers:
        run.sql(f'DROP TRIGGER "{trigger.name}" ON t')
    run.sql("ALTER TABLE t DROP COLUMN new")
    assert looked(run, phase=Phase.EXPAND)[0].verdict is PASS
    run.sql(SUSPECT["sql"])
    assert looked(run, phase=Phase.EXPAND)[0].verdict is BLOCKED


def test_a_column_that_is_gone_is_no_proof(start: Callable[..., Expanded]) -> None:
    run = start(KEYED)
    (change,) = run.subject.rows
    gone = replace(change.dropped[0], kept="never")
    for rows in ((replace(change, dropped=(gone,)),), (replace(change, table="never"),), ()):
        observation = observe(run.connection, replace(run.subject, rows=rows), ASK, run.look())
        assert judge(observation, ASK).verdict is UNKNOWN


def test_in_front_of_contract_it_is_a_guard(start: Callable[..., Expanded]) -> None:
    run = start(KEYED, "gates: {contract: [dependents: {}]}")
    assert run.gates()["dependents"].verdict is PASS
    run.sql("CREATE INDEX i ON t (new)")
    gate = run.gates()["dependents"]
    assert (gate.verdict, gate.is_guard) == (BLOCKED, True)

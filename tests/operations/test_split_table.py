"""What two homes of the same columns owe each other while both are written, and what preflight refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from crossfade import Engine
from crossfade.errors import Interrupted, InvalidPlan, VerificationFailed
from crossfade.observe.events import StepDone
from crossfade.operations.step import Part, Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from .hammering import hammer
from .written_past import write_past

if TYPE_CHECKING:
    from crossfade.observe.events import Event
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLE = """
    CREATE TABLE users (id int PRIMARY KEY, name text, bio text, lang text NOT NULL DEFAULT 'en');
    INSERT INTO users SELECT g, 'user ' || g, nullif('bio ' || g, 'bio 3') FROM generate_series(1, 20) g;
"""
OLD = "SELECT id, bio, lang FROM users ORDER BY id"
NEW = "SELECT user_id, about, lang FROM profiles ORDER BY user_id"
NOTES = "SELECT relname FROM pg_class WHERE relname ~ '^crossfade_home_.*_notes$' AND relkind = 'r'"


def plan(columns: str = "{bio: about, lang: lang}", key: str = "{id: user_id}") -> Plan:
    return parse_plan(
        "crossfade: 1\nname: split\nretain: 7d\nhold: 0s\nbackfill: {batch_rows: 10}\nchanges:\n- split_table: "
        f"{{table: users, to_table: profiles, key: {key}, columns: {columns}}}\n",
        "plan.yaml",
    )


def begin(engine: Engine, to: State) -> None:
    engine.start(plan())
    engine.approve("split", Phase.CONTRACT, "alice")
    assert engine.advance("split", to=to).state is to


def assert_in_step(database: Database) -> None:
    assert database.execute(NEW) == database.execute(OLD)
    ((notes,),) = database.execute(NOTES)
    assert database.execute(sql.SQL("SELECT * FROM crossfade.{}").format(sql.Identifier(str(notes)))) == []


WRITES = (
    "INSERT INTO users (id, bio) VALUES (100, 'new'), (101, NULL)",
    "INSERT INTO users VALUES (1, 'a', 'again') ON CONFLICT (id) DO UPDATE SET bio = excluded.bio",
    "UPDATE users SET bio = bio || id, name = NULL",
    "UPDATE users SET id = id + 1000 WHERE id IN (4, 101)",
    "UPDATE users SET id = id + 2000, bio = 'moved' WHERE id = 12",
    "UPDATE users SET bio = NULL, lang = 'fr' WHERE id = 5",
    "DELETE FROM users WHERE id = 6",
    "UPDATE profiles SET about = user_id || 'x' WHERE user_id < 10",
    "UPDATE profiles SET about = NULL, lang = 'it' WHERE user_id = 7",
    "INSERT INTO users VALUES (200, 'n')",
    "INSERT INTO profiles VALUES (200, 'mine')",
    "INSERT INTO profiles VALUES (200, 'yours') ON CONFLICT (user_id) DO UPDATE SET about = 'both'",
    "INSERT INTO users VALUES (201, 'n'); INSERT INTO profiles (user_id, about) VALUES (201, 'x')",
    "DELETE FROM profiles WHERE user_id = 8",
    "DELETE FROM profiles WHERE user_id = 9; INSERT INTO profiles VALUES (9, 'anew', 'es')",
    "INSERT INTO users VALUES (202, 'n'); UPDATE profiles SET user_id = 202 WHERE user_id = 10",
    "WITH gone AS (DELETE FROM users WHERE id = 11 RETURNING *) INSERT INTO users SELECT 211, name, bio FROM gone",
    "TRUNCATE profiles",
    "UPDATE profiles SET about = 'all'",
    "TRUNCATE users",
    "INSERT INTO users VALUES (1, 'a', 'last')",
)


@pytest.mark.long
@pytest.mark.alike
def test_every_kind_of_write_of_either_version_is_in_both_homes(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, State.EXPANDED)
        # Rows that no batch has copied yet get there by their first write, whoever writes.
        database.execute("UPDATE users SET lang = 'xx' WHERE id <= 3; DELETE FROM users WHERE id = 15")
        database.execute("INSERT INTO profiles (user_id, lang) VALUES (17, 'yy')")
        assert database.execute("SELECT bio, lang FROM users WHERE id = 17") == [("bio 17", "yy")]
        assert engine.advance("split", to=State.BACKFILLED).state is State.BACKFILLED
        assert_in_step(database)
        for statement in WRITES:
            database.execute(statement)
            assert_in_step(database)
        assert engine.contract("split").state is State.RETAINED


@pytest.mark.long
@pytest.mark.alike
def test_what_is_written_while_the_columns_are_hidden_is_there_after_a_revert(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        assert engine.contract("split").state is State.RETAINED
        for statement in (
            "INSERT INTO users (id, name) VALUES (100, 'without'), (101, 'with')",
            "INSERT INTO profiles VALUES (101, 'x', 'de')",
            "UPDATE profiles SET about = 'y' WHERE user_id < 5",
            "DELETE FROM profiles WHERE user_id = 5",
            "UPDATE profiles SET user_id = 100 WHERE user_id = 6",
            "UPDATE users SET id = 300 WHERE id = 7",
            "DELETE FROM users WHERE id = 8",
        ):
            database.execute(statement)
        with database.connect() as held, held.transaction():
            held.execute("SELECT FROM users WHERE id = 9 FOR UPDATE")
            database.execute("UPDATE profiles SET about = 'noted' WHERE user_id = 9")
        facts = database.execute(NEW)
        assert engine.revert("split").state is State.BACKFILLED
        assert_in_step(database)
        assert [row for row in database.execute(NEW) if row[0] not in (5, 6)] == facts
        assert engine.contract("split").state is State.RETAINED


@pytest.mark.alike
def test_a_reference_to_nothing_is_refused_before_there_is_a_foreign_key(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="profiles_user_id_fkey"):
            database.execute("INSERT INTO profiles VALUES (999, 'nobody')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            database.execute("INSERT INTO profiles VALUES (1, 'twice')")
    assert_in_step(database)


@pytest.mark.alike
def test_two_writers_of_the_same_rows_never_fail_each_other_and_end_in_step(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        failed = hammer(database, OLD_WRITES, NEW_WRITES)
    assert failed == []
    assert_in_step(database)


OLD_WRITES = (
    "UPDATE users SET bio = %(what)s WHERE id = %(id)s",
    "UPDATE users SET name = %(what)s WHERE id = %(id)s",
    "UPDATE users SET bio = %(what)s, lang = %(what)s WHERE id BETWEEN %(id)s AND %(id)s + 2",
    "UPDATE users SET name = %(what)s WHERE id BETWEEN %(id)s AND %(id)s + 2",
)
NEW_WRITES = (
    "UPDATE profiles SET about = %(what)s WHERE user_id = %(id)s",
    "UPDATE profiles SET lang = %(what)s WHERE user_id = %(id)s",
    "UPDATE profiles SET about = %(what)s WHERE user_id BETWEEN %(id)s AND %(id)s + 2",
    "UPDATE profiles SET lang = %(what)s WHERE user_id BETWEEN %(id)s AND %(id)s + 2",
)


REFUSED = {
    "no_unique_key": "CREATE TABLE users (id int, bio text, lang text)",
    "no_such_column": "CREATE TABLE users (id int PRIMARY KEY, bio text)",
    "key_type": "CREATE TABLE users (id citext PRIMARY KEY, bio text, lang text)",
    "default_varies": TABLE + "ALTER TABLE users ALTER bio SET DEFAULT now()::text",
    "no_value": TABLE + "ALTER TABLE users ALTER lang DROP DEFAULT",
    "identity_column": "CREATE TABLE users (id int PRIMARY KEY, bio text, lang serial)",
    "generated_column": TABLE + "ALTER TABLE users DROP bio, ADD bio text GENERATED ALWAYS AS (name || '!') STORED",
    "constrained_domain": "CREATE DOMAIN short AS text CHECK (length(VALUE) < 9);"
    "CREATE TABLE users (id int PRIMARY KEY, bio short, lang text)",
    "unsupported_constraint": TABLE + "ALTER TABLE users ADD UNIQUE (bio) DEFERRABLE",
    "unsupported_table": "CREATE UNLOGGED TABLE users (id int PRIMARY KEY, bio text, lang text)",
    "row_security": TABLE + "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
    "rule": TABLE + "CREATE RULE r AS ON DELETE TO users DO INSTEAD NOTHING",
    "publication": TABLE + "CREATE PUBLICATION p FOR TABLE users",
    "dependent": TABLE + "CREATE VIEW v AS SELECT bio FROM users",
    "trigger_function": TABLE
    + "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.bio := 1; RETURN NEW; END';"
    + "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION t()",
    "name_taken": TABLE + "CREATE TABLE profiles ()",
}


@pytest.mark.long
def test_what_cannot_be_split_off_is_refused_by_name(database: Database) -> None:
    with Engine(database.url) as engine:
        database.execute("CREATE EXTENSION IF NOT EXISTS citext")
        for code, setup in REFUSED.items():
            database.execute(setup)
            assert code in refusals(engine)
            database.execute("DROP TABLE users CASCADE; DROP TABLE IF EXISTS profiles; DROP PUBLICATION IF EXISTS p")


def refusals(engine: Engine) -> set[str]:
    return {r.code for r in engine.check(plan()).refusals}


WRONG = {
    ("[id, bio]", "{id: user_id}"): "part of `key`",
    ("[bio, bio]", "{id: user_id}"): "listed twice",
    ("{bio: user_id}", "{id: user_id}"): "two columns of the new table",
    ("[]", "{id: user_id}"): "is empty",
}


@pytest.mark.parametrize(("columns", "key"), WRONG)
def test_what_makes_no_table_is_told_by_the_plan(columns: str, key: str) -> None:
    with pytest.raises(InvalidPlan, match=WRONG[columns, key]):
        plan(columns, key)


def test_a_home_that_somebody_wrote_past_is_not_hidden(database: Database) -> None:
    database.execute(TABLE)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        write_past(database, "profiles", "UPDATE profiles SET about = 'other' WHERE user_id = 2")
        with pytest.raises(VerificationFailed, match="1 row differs"):
            engine.contract("split")


@pytest.mark.long
def test_whoever_dies_between_two_steps_that_hide_goes_on_after_them(database: Database) -> None:
    database.execute(TABLE)
    steps: list[str] = []
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        steps += [s.id for s in engine.explain(plan()).program.of(Part.HIDE)]
    assert len(steps) > 2
    for step in steps[:-1]:

        def stop(event: Event, step: str = step) -> None:
            if isinstance(event, StepDone) and event.step == step:
                dying.stop()

        with Engine(database.url, emit=stop) as dying, pytest.raises(Interrupted):
            dying.contract("split")
    with Engine(database.url) as engine:
        assert engine.contract("split").state is State.RETAINED


@pytest.mark.long
def test_a_later_change_of_the_plan_works_on_the_new_table(database: Database) -> None:
    database.execute(TABLE)
    written = parse_plan(
        "crossfade: 1\nname: split\nhold: 0s\nchanges:\n"
        "- split_table: {table: users, to_table: profiles, key: {id: user_id}, columns: {bio: about}}\n"
        "- create_index: {table: profiles, name: by_length, columns: [{expression: length(about)}]}\n"
        "- set_not_null: {table: profiles, column: about, fill: \"'none'\"}\n",
        "plan.yaml",
    )
    with Engine(database.url) as engine:
        engine.start(written)
        engine.approve("split", Phase.CONTRACT, "alice")
        assert engine.advance("split").state is State.CONTRACTED
    assert database.execute("SELECT about FROM profiles WHERE user_id = 3") == [("none",)]

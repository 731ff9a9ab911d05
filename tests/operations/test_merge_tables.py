"""A table that becomes columns of another: writes of either version, what new versions do not know, and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..plans.lock_watch import LockWatch, forecast, in_words, watching
from .hammering import hammer

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLES = """
    CREATE TABLE users (id int PRIMARY KEY, name text);
    CREATE TABLE profiles (
        user_id int PRIMARY KEY REFERENCES users DEFERRABLE INITIALLY DEFERRED, bio text,
        lang text NOT NULL DEFAULT 'en'
    );
    INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 20) g;
    INSERT INTO profiles SELECT g, nullif('bio ' || g, 'bio 3') FROM generate_series(1, 15) g;
"""
OLD = """
    SELECT u.id, p.bio, coalesce(p.lang, 'en') FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id
"""
NEW = "SELECT id, bio, lang FROM users ORDER BY id"


def plan(columns: str = "") -> Plan:
    return parse_plan(
        "crossfade: 1\nname: merge\nretain: 7d\nhold: 0s\nbackfill: {batch_rows: 10}\nchanges:\n- merge_tables: "
        f"{{from: profiles, into: users, key: {{user_id: id}}{columns}}}\n",
        "plan.yaml",
    )


def begin(engine: Engine, to: State) -> None:
    engine.start(plan())
    engine.approve("merge", Phase.CONTRACT, "alice")
    assert engine.advance("merge", to=to).state is to


def assert_in_step(database: Database) -> None:
    assert database.execute(NEW) == database.execute(OLD)


WRITES = (
    "INSERT INTO users (id, bio) VALUES (100, 'new'), (101, NULL)",
    "INSERT INTO profiles VALUES (101, 'mine')",
    "INSERT INTO profiles VALUES (100, 'mine') ON CONFLICT (user_id) DO UPDATE SET bio = excluded.bio",
    "BEGIN; INSERT INTO profiles VALUES (102, 'first', 'fr'); INSERT INTO users VALUES (102, 'second'); COMMIT",
    "UPDATE users SET bio = bio || id, name = NULL",
    "UPDATE users SET bio = NULL, lang = 'fr' WHERE id = 5",
    "UPDATE users SET bio = 'made', lang = DEFAULT WHERE id = 18",
    "DELETE FROM users WHERE id = 6",
    "UPDATE profiles SET bio = user_id || 'x' WHERE user_id < 10",
    "UPDATE profiles SET bio = NULL, lang = 'it' WHERE user_id = 7",
    "DELETE FROM profiles WHERE user_id = 8",
    "DELETE FROM profiles WHERE user_id = 9; INSERT INTO profiles (user_id, lang) VALUES (9, 'es')",
    "UPDATE profiles SET user_id = 19 WHERE user_id = 10",
    "TRUNCATE profiles",
    "UPDATE users SET bio = 'all'",
    "TRUNCATE users CASCADE",
    "INSERT INTO users VALUES (1, 'a', 'last')",
)


@pytest.mark.long
@pytest.mark.alike
def test_every_kind_of_write_of_either_version_is_in_both_homes(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        begin(engine, State.EXPANDED)
        # Rows that no batch has carried yet get there by their first write, and keep what nobody has written.
        database.execute("UPDATE users SET lang = 'xx' WHERE id <= 2; DELETE FROM users WHERE id = 12")
        assert database.execute("SELECT * FROM profiles WHERE user_id = 2") == [(2, "bio 2", "xx")]
        assert engine.advance("merge", to=State.BACKFILLED).state is State.BACKFILLED
        assert_in_step(database)
        for statement in WRITES:
            database.execute(statement)
            assert_in_step(database)
        assert engine.contract("merge").state is State.RETAINED


@pytest.mark.long
@pytest.mark.alike
def test_what_is_written_while_the_table_is_hidden_is_there_after_a_revert(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        assert engine.contract("merge").state is State.RETAINED
        for statement in (
            "INSERT INTO users (id, bio) VALUES (100, 'with'), (101, NULL)",
            "UPDATE users SET bio = 'y', lang = 'de' WHERE id IN (1, 2, 18)",
            "UPDATE users SET bio = NULL, lang = DEFAULT WHERE id = 4",
            "DELETE FROM users WHERE id IN (7, 17)",
        ):
            database.execute(statement)
        facts = database.execute(NEW)
        assert engine.revert("merge").state is State.BACKFILLED
        assert database.execute(NEW) == facts
        assert_in_step(database)
        assert engine.contract("merge").state is State.RETAINED


@pytest.mark.long
@pytest.mark.alike
def test_two_writers_of_the_same_rows_never_fail_each_other_and_end_in_step(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        failed = hammer(database, OLD_WRITES, NEW_WRITES)
    assert failed == []
    assert_in_step(database)


OLD_WRITES = (
    "UPDATE profiles SET bio = %(what)s WHERE user_id = %(id)s",
    "UPDATE profiles SET lang = %(what)s WHERE user_id = %(id)s",
    "UPDATE profiles SET bio = %(what)s, lang = %(what)s WHERE user_id BETWEEN %(id)s AND %(id)s + 2",
    "UPDATE profiles SET lang = %(what)s WHERE user_id BETWEEN %(id)s AND %(id)s + 2",
)
NEW_WRITES = (
    "UPDATE users SET bio = %(what)s WHERE id = %(id)s",
    "UPDATE users SET name = %(what)s WHERE id = %(id)s",
    "UPDATE users SET bio = %(what)s WHERE id BETWEEN %(id)s AND %(id)s + 2",
    "UPDATE users SET lang = %(what)s WHERE id BETWEEN %(id)s AND %(id)s + 2",
)

PLAIN = TABLES.replace("DEFERRABLE INITIALLY DEFERRED", "")
REFUSED = {
    "column_left_out": PLAIN + "ALTER TABLE profiles ADD avatar bytea",
    "no_reference": "CREATE TABLE profiles (user_id int PRIMARY KEY, bio text, lang text);"
    "CREATE TABLE users (id int PRIMARY KEY REFERENCES profiles)",
    "no_value": PLAIN + "ALTER TABLE profiles ALTER lang DROP DEFAULT",
    "name_taken": PLAIN + "ALTER TABLE users ADD bio text",
    "table_dependent": PLAIN + "CREATE VIEW v AS SELECT bio FROM profiles",
    "no_such_column": PLAIN + "ALTER TABLE profiles DROP lang",
    "identity_column": PLAIN + "ALTER TABLE profiles DROP lang, ADD lang serial",
    "unsupported_constraint": PLAIN + "ALTER TABLE profiles ADD UNIQUE (bio)",
    "row_security": PLAIN + "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
}


def test_what_cannot_be_merged_is_refused_by_name(database: Database) -> None:
    with Engine(database.url) as engine:
        for code, setup in REFUSED.items():
            database.execute(setup)
            assert code in refusals(engine)
            database.execute("DROP TABLE users, profiles CASCADE")


def refusals(engine: Engine) -> set[str]:
    return {r.code for r in engine.check(plan(", columns: [bio, lang]")).refusals}


@pytest.mark.long
@pytest.mark.alike
def test_rows_that_a_revert_makes_look_up_what_they_refer_to(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute(TABLES)
    database.execute("""
        CREATE TABLE langs (lang text PRIMARY KEY);
        INSERT INTO langs VALUES ('en'), ('de');
        ALTER TABLE profiles ADD FOREIGN KEY (lang) REFERENCES langs;
    """)
    monkeypatch.setattr("crossfade.postgres.locks._take", lambda *_: None)
    with watching(LockWatch(database), monkeypatch) as watch, Engine(database.url) as engine:
        told = forecast(engine.explain(plan()).program.steps)
        begin(engine, State.BACKFILLED)
        engine.contract("merge")
        database.execute("INSERT INTO users (id, bio, lang) VALUES (100, 'with', 'de')")
        engine.revert("merge")
    assert_in_step(database)
    (undone,) = (key for key in watch.seen if key[1] == "undone")
    assert in_words({undone: watch.seen[undone]}) == in_words({undone: told[undone]})
    assert "public.langs" in told[undone]

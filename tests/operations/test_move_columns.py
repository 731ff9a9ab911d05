"""Columns between two tables that are both there: writes of either version, rows that are made, and refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.errors import InvalidPlan, VerificationFailed
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.workflow.states import State

from ..plans.lock_watch import LockWatch, forecast, in_words, watching
from .written_past import write_past

if TYPE_CHECKING:
    from crossfade.plan.model import Plan

    from ..fixtures.database import Database

TABLES = """
    CREATE TABLE users (id int PRIMARY KEY, name text, bio text, lang text NOT NULL DEFAULT 'en');
    CREATE TABLE profiles (
        id serial PRIMARY KEY, user_id int NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
        theme text
    );
    INSERT INTO users SELECT g, 'user ' || g, nullif('bio ' || g, 'bio 3') FROM generate_series(1, 20) g;
    INSERT INTO profiles (user_id, theme) SELECT g, 'dark' FROM generate_series(1, 10) g;
"""
OLD = "SELECT id, bio, lang FROM users ORDER BY id"
NEW = """
    SELECT u.id, p.about, coalesce(p.lang, 'en') FROM users u LEFT JOIN profiles p ON p.user_id = u.id ORDER BY u.id
"""


def plan(columns: str = "{bio: about, lang: lang}", key: str = "{id: user_id}") -> Plan:
    return parse_plan(
        "crossfade: 1\nname: move\nretain: 7d\nhold: 0s\nbackfill: {batch_rows: 10}\nchanges:\n- move_columns: "
        f"{{table: users, to_table: profiles, key: {key}, columns: {columns}}}\n",
        "plan.yaml",
    )


def begin(engine: Engine, to: State, written: Plan | None = None) -> None:
    engine.start(written or plan())
    engine.approve("move", Phase.CONTRACT, "alice")
    assert engine.advance("move", to=to).state is to


def assert_in_step(database: Database) -> None:
    assert database.execute(NEW) == database.execute(OLD)


WRITES = (
    "INSERT INTO users (id, bio) VALUES (100, 'new'), (101, NULL)",
    "INSERT INTO profiles (user_id, theme) VALUES (100, 'mine'), (101, 'mine')",
    "INSERT INTO users VALUES (1, 'a', 'again') ON CONFLICT (id) DO UPDATE SET bio = excluded.bio",
    "UPDATE users SET bio = bio || id, name = NULL",
    "UPDATE users SET id = id + 1000, bio = 'moved' WHERE id IN (4, 15, 101)",
    "UPDATE users SET bio = NULL, lang = 'fr' WHERE id = 5",
    "UPDATE users SET bio = NULL, lang = DEFAULT WHERE id = 16",
    "DELETE FROM users WHERE id = 6",
    "UPDATE profiles SET about = user_id || 'x' WHERE user_id < 10",
    "UPDATE profiles SET about = NULL, lang = 'it' WHERE user_id = 7",
    "INSERT INTO users VALUES (200, 'n'); INSERT INTO profiles (user_id, about) VALUES (200, 'mine')",
    "INSERT INTO profiles (user_id, about) VALUES (200, 'y') ON CONFLICT (user_id) DO UPDATE SET about = 'both'",
    "DELETE FROM profiles WHERE user_id = 8",
    "DELETE FROM profiles WHERE user_id = 9; INSERT INTO profiles (user_id, lang) VALUES (9, 'es')",
    "INSERT INTO users VALUES (202, 'n'); UPDATE profiles SET user_id = 202 WHERE user_id = 10",
    "WITH gone AS (DELETE FROM users WHERE id = 11 RETURNING *) INSERT INTO users SELECT 211, name, bio FROM gone",
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
        # Rows that no batch has carried yet get there by their first write, whoever writes.
        database.execute("UPDATE users SET lang = 'xx' WHERE id <= 3; DELETE FROM users WHERE id = 12")
        database.execute("UPDATE profiles SET lang = 'yy' WHERE user_id = 4")
        assert database.execute("SELECT about, lang FROM profiles WHERE user_id = 4") == [("bio 4", "yy")]
        assert engine.advance("move", to=State.BACKFILLED).state is State.BACKFILLED
        assert_in_step(database)
        for statement in WRITES:
            database.execute(statement)
            assert_in_step(database)
        assert engine.contract("move").state is State.RETAINED


@pytest.mark.long
@pytest.mark.alike
def test_a_row_of_ours_makes_room_for_an_app_and_hands_its_values_on(database: Database) -> None:
    database.execute(TABLES)
    taken = "SELECT theme, about, lang FROM profiles WHERE user_id = 14"
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        database.execute("UPDATE profiles SET theme = NULL WHERE id > 1 AND theme IS NOT NULL")
        database.execute("ALTER TABLE profiles ADD UNIQUE (theme)")
    # An INSERT that comes to nothing, for another constraint: then ours is there again.
    database.execute("INSERT INTO profiles (user_id, theme) VALUES (14, 'dark') ON CONFLICT DO NOTHING")
    assert database.execute(taken) == [(None, "bio 14", "en")]
    made = "INSERT INTO profiles (user_id, theme, lang) VALUES (14, 'red', 'de') RETURNING about"
    assert database.execute(made) == [("bio 14",)]
    assert database.execute(taken) == [("red", "bio 14", "de")]
    assert database.execute("SELECT bio, lang FROM users WHERE id = 14") == [("bio 14", "de")]
    assert database.execute("INSERT INTO profiles (user_id) VALUES (14) ON CONFLICT DO NOTHING RETURNING 1") == []


@pytest.mark.long
@pytest.mark.alike
def test_what_is_written_while_the_columns_are_hidden_is_there_after_a_revert(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        database.execute("CREATE UNIQUE INDEX one_dark ON profiles (theme) WHERE theme = 'only'")
        database.execute("UPDATE profiles SET theme = 'only' WHERE user_id = 2")
        assert engine.contract("move").state is State.RETAINED
        database.execute("INSERT INTO profiles (user_id, theme) VALUES (14, 'only') ON CONFLICT DO NOTHING")
        assert database.execute("SELECT about FROM profiles WHERE user_id = 14") == [("bio 14",)]
        for statement in (
            "INSERT INTO users (id, name) VALUES (100, 'without'), (101, 'with')",
            "INSERT INTO profiles (user_id, about, lang) VALUES (101, 'x', 'de')",
            "INSERT INTO profiles (user_id, theme) VALUES (15, 'over ours')",
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
        assert engine.revert("move").state is State.BACKFILLED
        assert database.execute(NEW) == facts
        assert_in_step(database)
        assert engine.contract("move").state is State.RETAINED


@pytest.mark.long
def test_a_value_that_somebody_wrote_past_is_not_hidden(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        begin(engine, State.BACKFILLED)
        write_past(database, "profiles", "UPDATE profiles SET lang = 'other' WHERE user_id = 2")
        with pytest.raises(VerificationFailed, match=r'1 row differs from what "?public"?\."?profiles'):
            engine.contract("move")


def test_what_is_left_of_a_run_that_nobody_knows_is_found(database: Database) -> None:
    database.execute(TABLES)
    with Engine(database.url) as engine:
        begin(engine, State.EXPANDED)
        assert engine.orphans() == ()
        database.execute("UPDATE crossfade.runs SET name = 'another'")
        found = engine.orphans()
    kinds = [line.split()[0] for line in found if line.endswith("(run move: unknown)")]
    assert len(kinds) == len(found)
    made = "SELECT count(*) FROM pg_proc WHERE proname ~ '^crossfade_home_'"
    assert [(kinds.count("function"),)] == database.execute(made)
    assert kinds.count("table") == 2
    assert "trigger" in kinds


REFUSED = {
    "no_reference": TABLES + "ALTER TABLE profiles DROP CONSTRAINT profiles_user_id_fkey",
    "no_unique_key": TABLES + "ALTER TABLE profiles DROP CONSTRAINT profiles_user_id_key",
    "no_such_column": TABLES + "ALTER TABLE users DROP bio",
    "name_taken": TABLES + "ALTER TABLE profiles ADD about text",
    "no_value": TABLES + "ALTER TABLE profiles ALTER theme SET NOT NULL",
    "key_type": TABLES + "ALTER TABLE profiles ALTER user_id TYPE int8",
    "default_varies": TABLES + "ALTER TABLE users ALTER bio SET DEFAULT now()::text",
    "row_security": TABLES + "ALTER TABLE profiles ENABLE ROW LEVEL SECURITY",
    "publication": TABLES + "CREATE PUBLICATION p FOR TABLE profiles",
    "dependent": TABLES + "CREATE VIEW v AS SELECT bio FROM users",
    "unsupported_table": TABLES + "CREATE TABLE c () INHERITS (profiles)",
}
UNSUPPORTED = {
    "unique constraint or index users_bio_key": "ALTER TABLE users ADD UNIQUE (bio)",
    "foreign key letters_profile_fkey": "CREATE TABLE letters (profile int REFERENCES profiles)",
    "constraint profiles_user_id_fkey": "ALTER TABLE profiles DROP CONSTRAINT profiles_user_id_fkey,"
    " ADD FOREIGN KEY (user_id) REFERENCES users",
}


@pytest.mark.long
def test_what_cannot_be_moved_is_refused_by_name(database: Database) -> None:
    with Engine(database.url) as engine:
        for code, setup in REFUSED.items():
            database.execute(setup)
            assert code in {found for found, _ in refusals(engine)}
            clear(database)
        for shown, more in UNSUPPORTED.items():
            database.execute(TABLES + more)
            assert any(c == "unsupported_constraint" and shown in o for c, o in refusals(engine))
            clear(database)


def clear(database: Database) -> None:
    database.execute("DROP TABLE users, profiles CASCADE; DROP TABLE IF EXISTS letters")
    database.execute("DROP PUBLICATION IF EXISTS p")


def refusals(engine: Engine) -> set[tuple[str, str]]:
    return {(r.code, r.object) for r in engine.check(plan()).refusals}


def test_a_plan_that_names_a_column_of_the_key_is_told_so() -> None:
    with pytest.raises(InvalidPlan, match="part of `key`"):
        plan("[id]")


@pytest.mark.long
def test_a_rollback_leaves_no_row_that_was_only_made_for_its_values(database: Database) -> None:
    database.execute(
        "CREATE TABLE people (id int PRIMARY KEY, bio text);"
        "CREATE TABLE pages (id serial PRIMARY KEY, person int NOT NULL UNIQUE REFERENCES people ON DELETE CASCADE,"
        " theme text NOT NULL DEFAULT 'light');"
        "INSERT INTO people SELECT g, 'bio' FROM generate_series(1, 5) g; INSERT INTO pages (person) VALUES (1)"
    )
    text = (
        "crossfade: 1\nname: back\nhold: 0s\nretain: 7d\nchanges:\n"
        "  - move_columns: {table: people, to_table: pages, key: {id: person}, columns: {bio: about}}\n"
    )
    with Engine(database.url) as engine:
        engine.advance(parse_plan(text, "back.yaml"), to=State.BACKFILLED)
        database.execute("INSERT INTO people VALUES (6, 'six'); UPDATE pages SET theme = 'dark' WHERE person = 2")
        assert database.execute("SELECT count(*) FROM pages") == [(6,)]
        assert engine.rollback("back", discard=True).state is State.ROLLED_BACK
    assert database.execute("SELECT person, theme FROM pages ORDER BY person") == [(1, "light"), (2, "dark")]


@pytest.mark.alike
def test_rows_that_a_revert_makes_look_up_what_they_refer_to(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.execute("""
        CREATE TABLE users (id int PRIMARY KEY, name text);
        CREATE TABLE themes (theme text PRIMARY KEY);
        CREATE TABLE profiles (
            user_id int PRIMARY KEY REFERENCES users ON DELETE CASCADE, bio text,
            theme text NOT NULL DEFAULT 'light' REFERENCES themes
        );
        INSERT INTO themes VALUES ('light');
        INSERT INTO users SELECT g, 'user ' || g FROM generate_series(1, 20) g;
        INSERT INTO profiles SELECT g, 'bio ' || g FROM generate_series(1, 15) g;
    """)
    written = parse_plan(
        "crossfade: 1\nname: move\nretain: 7d\nhold: 0s\nchanges:\n- move_columns: "
        "{table: profiles, to_table: users, key: {user_id: id}, columns: {bio: bio}}\n",
        "plan.yaml",
    )
    monkeypatch.setattr("crossfade.postgres.locks._take", lambda *_: None)
    with watching(LockWatch(database), monkeypatch) as watch, Engine(database.url) as engine:
        told = forecast(engine.explain(written).program.steps)
        begin(engine, State.BACKFILLED, written)
        engine.contract("move")
        database.execute("INSERT INTO users VALUES (100, 'new', 'with'), (101, 'new', NULL)")
        engine.revert("move")
    made = "SELECT user_id, bio FROM profiles WHERE user_id > 20"
    assert database.execute(made) == [(100, "with")]
    # It is in nobody's way.
    database.execute("INSERT INTO profiles (user_id, theme) VALUES (100, 'light')")
    assert database.execute(made) == [(100, "with")]
    (undone,) = (key for key in watch.seen if key[1] == "undone")
    assert in_words({undone: watch.seen[undone]}) == in_words({undone: told[undone]})
    assert "public.themes" in told[undone]

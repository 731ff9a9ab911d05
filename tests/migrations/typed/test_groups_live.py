"""What is put together as SQL, or has no statement of its own, is a plan that a database takes and that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed import one_plan
from crossfade.operations.step import Phase
from crossfade.plan.load import parse_plan
from crossfade.plan.written import written
from crossfade.workflow.engine import Engine
from crossfade.workflow.states import State

from .reading import after, read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...fixtures.database import Database

BEFORE = """
CREATE TABLE teams (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY, team int, CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id));
CREATE TABLE events (id int NOT NULL, at date) PARTITION BY RANGE (at);
CREATE VIEW v AS SELECT id FROM users;
INSERT INTO teams VALUES (1);
INSERT INTO users SELECT n, 1 FROM generate_series(1, 3) n;
"""
MIGRATION = """
ALTER TABLE users DROP CONSTRAINT users_team;
ALTER TABLE users ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES teams (id) ON DELETE CASCADE;
CREATE TABLE notes (id serial PRIMARY KEY, by int);
CREATE TABLE marks (note int REFERENCES notes, day date);
CREATE INDEX CONCURRENTLY marks_day ON marks (day);
ALTER TABLE notes ADD CONSTRAINT notes_by FOREIGN KEY (by) REFERENCES users (id);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
DROP VIEW v;
CREATE VIEW v AS SELECT id, team FROM users;
ALTER TABLE users ADD COLUMN number bigserial;
ALTER TABLE users ADD COLUMN note int;
ALTER TABLE users ADD CONSTRAINT users_note FOREIGN KEY (note) REFERENCES notes (id);
"""


def plans() -> Iterator[str]:
    """One for what goes together, and those that come one after the other."""
    found = read(MIGRATION, after(BEFORE))
    yield written("plan", one_plan(found))
    in_turn = [entry for typed in found if typed.in_turn for entry in typed.entries]
    yield from (written(f"plan-{number}", [entry]) for number, entry in enumerate(in_turn))


def test_they_leave_what_the_statements_leave(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        connection.execute(BEFORE.encode())
    with Engine(database.url) as engine:
        engine.init()
        for text in plans():
            plan = parse_plan(f"{text}hold: 0s\n", "plan.yaml")
            engine.start(plan)
            engine.approve(plan.name, Phase.CONTRACT, "anna")
            assert engine.advance(plan).state is State.CONTRACTED, text
    dump = database.dump()
    assert "ADD CONSTRAINT users_team FOREIGN KEY (team) REFERENCES public.teams(id) ON DELETE CASCADE;" in dump
    assert "ADD CONSTRAINT notes_by FOREIGN KEY (by) REFERENCES public.users(id);" in dump
    assert "ADD CONSTRAINT users_note FOREIGN KEY (note) REFERENCES public.notes(id);" in dump
    assert "ALTER SEQUENCE public.notes_id_seq OWNED BY public.notes.id;" in dump
    assert "CREATE INDEX marks_day ON public.marks USING btree (day);" in dump
    assert "ATTACH PARTITION public.events_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')" in dump
    assert "ALTER SEQUENCE public.users_number_seq OWNED BY public.users.number;" in dump
    assert database.execute("SELECT team FROM v WHERE id = 1") == [(1,)]
    assert database.execute("SELECT count(DISTINCT number) FROM users") == [(3,)]
    assert "users ALTER COLUMN number SET DEFAULT nextval('public.users_number_seq'::regclass);" in dump

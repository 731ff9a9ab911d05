"""A table that nobody uses any more goes, and comes back with all its rows where the drop is taken back."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_THERE = "SELECT count(*) FROM pg_class WHERE relname IN ('old_users', 'old_users_id_seq')"

CASES = (
    Case(
        id="a table with a sequence, a trigger and a key to another table",
        setup="""
        CREATE TABLE regions (name text PRIMARY KEY);
        INSERT INTO regions VALUES ('eu');
        CREATE TABLE old_users (id serial PRIMARY KEY, region text REFERENCES regions, email text);
        COMMENT ON TABLE old_users IS 'from before';
        CREATE INDEX by_email ON old_users (email);
        CREATE TRIGGER same BEFORE UPDATE ON old_users FOR EACH ROW
            EXECUTE FUNCTION suppress_redundant_updates_trigger();
        INSERT INTO old_users (region, email) SELECT 'eu', 'e' || g FROM generate_series(1, 200) g;
        """,
        changes="- drop_table: {table: old_users}",
        plain="DROP TABLE old_users",
        old_writes=("INSERT INTO regions VALUES ('r' || %(n)s)",),
        new_writes=("UPDATE regions SET name = name WHERE name = 'eu'",),
        reads=(("SELECT 1", "SELECT 1"),),
        checks={
            State.BACKFILLED: ((_THERE, [(2,)]), ("SELECT count(*) FROM old_users", [(200,)])),
            State.RETAINED: ((_THERE, [(1,)]),),
            State.CONTRACTED: ((_THERE, [(0,)]),),
        },
    ),
)

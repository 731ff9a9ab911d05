"""Indexes: built, dropped, replaced, built anew and renamed while both versions go on."""

from __future__ import annotations

from crossfade.workflow.states import State

from ..case import Case

_VISITS = """
    CREATE FUNCTION tidy(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)';
    CREATE TABLE visits (id int NOT NULL, day int NOT NULL, page text, seconds int)
        PARTITION BY RANGE (day);
    CREATE TABLE visits_early PARTITION OF visits FOR VALUES FROM (0) TO (100);
    CREATE TABLE visits_late PARTITION OF visits FOR VALUES FROM (100) TO (100000) PARTITION BY LIST (day);
    CREATE TABLE "Visits at any hour" PARTITION OF visits_late DEFAULT;
    INSERT INTO visits SELECT g, g, 'Page ' || g, g FROM generate_series(1, 200) g;
"""
_VISIT_WRITES = (
    "INSERT INTO visits VALUES (%(n)s, 3, 'old', 1)",
    "UPDATE visits SET seconds = seconds + 1 WHERE id = %(n)s %% 200 + 1",
    "DELETE FROM visits WHERE id = %(n)s",
)
_USERS = """
    CREATE TABLE users (id int PRIMARY KEY, email text, name text, born int);
    CREATE INDEX users_email ON users (email);
    CREATE UNIQUE INDEX "Users by name" ON users (name, id) WHERE name <> '';
    CREATE INDEX users_born ON users (born);
    COMMENT ON INDEX users_email IS 'by address';
    ALTER TABLE users CLUSTER ON users_email;
    INSERT INTO users SELECT g, 'u' || g, 'n' || g, g FROM generate_series(1, 200) g;
"""
_USER_WRITES = (
    "INSERT INTO users VALUES (%(n)s, 'e', 'n' || %(n)s, 1)",
    "UPDATE users SET email = 'f' || %(n)s WHERE id = %(n)s %% 200 + 1",
    "DELETE FROM users WHERE id = %(n)s",
)

CASES = (
    Case(
        id="one on a partitioned table, taken back with a change beside it",
        setup=_VISITS,
        changes="""
        - create_index:
            table: visits
            name: visits_by_page
            columns: [{expression: tidy(page)}, {column: seconds, order: desc, nulls: last}]
            include: [id]
            where: "page IS NOT NULL"
            with: {fillfactor: 70}
            comment: for the editors
        - create_index: {table: visits, name: spare, columns: [id]}
        - drop_index: {name: spare}
        """,
        plain="""
        CREATE INDEX visits_by_page ON visits (tidy(page), seconds DESC NULLS LAST) INCLUDE (id) WITH (fillfactor = 70)
            WHERE page IS NOT NULL;
        COMMENT ON INDEX visits_by_page IS 'for the editors';
        """,
        old_writes=_VISIT_WRITES,
        checks={
            State.EXPANDED: (
                ("SELECT count(*) FROM pg_index WHERE indisvalid AND indrelid::regclass::text ~* 'visits'", [(8,)]),
            )
        },
    ),
    Case(
        id="an unused one is dropped, another replaced, a third renamed",
        setup=_USERS,
        changes="""
        - drop_index: {name: public.users_born}
        - replace_index: {name: users_email, columns: [{expression: lower(email)}, id], method: btree}
        - rename_index: {from: Users by name, to: users_name_key}
        """,
        plain="""
        DROP INDEX users_born;
        DROP INDEX users_email; CREATE INDEX users_email ON users (lower(email), id);
        COMMENT ON INDEX users_email IS 'by address';
        ALTER TABLE users CLUSTER ON users_email;
        ALTER INDEX "Users by name" RENAME TO users_name_key;
        """,
        old_writes=_USER_WRITES,
        new_writes=("SELECT id FROM users WHERE lower(email) = 'u1'",),
    ),
    Case(
        id="one of a partitioned table is replaced",
        setup=_VISITS + "CREATE INDEX by_page ON visits (page);",
        changes="- replace_index: {name: by_page, columns: [page, id]}",
        plain="DROP INDEX by_page; CREATE INDEX by_page ON visits (page, id);",
        old_writes=_VISIT_WRITES,
    ),
    Case(
        id="all of a table are built anew",
        setup=_USERS,
        changes="- reindex: {table: users}",
        plain="SELECT",
        old_writes=_USER_WRITES,
        turns_back=frozenset(),
    ),
)

"""Whether a statement names a column: by its parse tree, and rather too much than too little."""

from __future__ import annotations

import pytest

from crossfade.gates.column_references import Mention, find_reference
from crossfade.gates.watched_column import WatchedColumn
from crossfade.postgres.names import QualifiedName

USERS = QualifiedName("public", "users")
PARTITION = QualifiedName("archive", "users_2024")


def column(name: str, table: QualifiedName = USERS) -> WatchedColumn:
    pending = f'("new" IS DISTINCT FROM "{name}")'
    return WatchedColumn(table=table, name=name, members=frozenset({table, PARTITION}), pending=pending)


EMAIL = column("email")


def mention(text: str, *columns: WatchedColumn) -> Mention:
    return find_reference(text, columns or (EMAIL,)).mention


NAMED = [
    "SELECT email FROM users",
    "SELECT EMAIL FROM Users",
    'SELECT "email" FROM "public"."users"',
    "SELECT u.email FROM users u",
    "SELECT public.users.email FROM public.users",
    "SELECT id FROM users WHERE lower(email) = $1",
    "SELECT id FROM users ORDER BY email",
    "SELECT max(id) FROM users GROUP BY email HAVING count(*) > $1",
    "SELECT new AS email FROM users GROUP BY email",
    "SELECT DISTINCT ON (email) id FROM users",
    "SELECT count(*) FILTER (WHERE email IS NULL) FROM users",
    "SELECT row_number() OVER (ORDER BY email) FROM users",
    "SELECT email FROM users, orders",
    "SELECT id FROM users WHERE id IN (SELECT user_id FROM orders WHERE email = $1)",
    "SELECT e.email FROM (SELECT * FROM users) AS e",
    "WITH e AS (SELECT * FROM users) SELECT e.email FROM e",
    "SELECT j.email FROM (users JOIN orders USING (id)) AS j",
    "SELECT id FROM users JOIN subscribers USING (email)",
    "SELECT (u).email FROM users u",
    "SELECT email(u) FROM users u",
    "SELECT id FROM ONLY users WHERE email = $1",
    "SELECT email FROM archive.users_2024",
    "SELECT users.email FROM users TABLESAMPLE system (1)",
    'SELECT U&"\\0065mail" FROM users',
    "SELECT now() - interval $1, email FROM users",
    "SELECT a.id FROM orders u, (SELECT id FROM users u WHERE u.email = $1) a",
    "INSERT INTO users (id, email) VALUES ($1, $2)",
    "INSERT INTO users (id) VALUES ($1) RETURNING email",
    "INSERT INTO users (id) VALUES ($1) ON CONFLICT (email) DO NOTHING",
    "INSERT INTO users (id) VALUES ($1) ON CONFLICT (lower(email)) DO NOTHING",
    "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET email = $2",
    "INSERT INTO users (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET new = excluded.email",
    "INSERT INTO audit (what) SELECT email FROM users",
    "UPDATE users SET email = $1 WHERE id = $2",
    "UPDATE users SET (a, email) = ($1, $2)",
    "UPDATE users SET a = $1 RETURNING old.email",
    "UPDATE users SET a = $1 WHERE email = $2",
    "UPDATE orders SET a = u.email FROM users u WHERE u.id = user_id",
    "DELETE FROM users WHERE email = $1",
    "DELETE FROM orders USING users u WHERE u.email = $1",
    "MERGE INTO users u USING s ON u.id = s.id WHEN MATCHED THEN UPDATE SET email = s.a",
    "MERGE INTO users u USING s ON u.id = s.id WHEN NOT MATCHED THEN INSERT (id, email) VALUES (s.a, s.b)",
    "MERGE INTO orders o USING users u ON u.email = o.a WHEN MATCHED THEN DELETE",
    "COPY users (id, email) FROM STDIN",
    "COPY (SELECT email FROM users) TO STDOUT",
    "PREPARE one AS SELECT email FROM users",
    "DECLARE c CURSOR FOR SELECT email FROM users",
    "EXPLAIN ANALYZE SELECT email FROM users",
    "CREATE TABLE copy AS SELECT email FROM users",
    "CREATE INDEX ON users (email)",
    "ANALYZE users (email)",
]


@pytest.mark.parametrize("text", NAMED)
def test_the_column_is_named(text: str) -> None:
    assert mention(text) is Mention.NAMED


STARS = [
    "SELECT * FROM users",
    "SELECT u.* FROM users u",
    "SELECT (u).* FROM users u",
    "TABLE users",
    "SELECT id FROM orders WHERE EXISTS (SELECT * FROM users)",
    "SELECT to_jsonb(u) FROM users u",
    "SELECT to_jsonb(u.*) FROM users u",
    "SELECT a FROM users NATURAL JOIN orders",
    "SELECT b FROM users AS u (a, b)",
    "INSERT INTO users VALUES ($1, $2)",
    "INSERT INTO users SELECT id FROM orders",
    "INSERT INTO users (id) VALUES ($1) RETURNING *",
    "UPDATE users SET a = $1 RETURNING *",
    "MERGE INTO users u USING s ON u.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (s.a)",
    "COPY users TO STDOUT",
]


@pytest.mark.parametrize("text", STARS)
def test_it_takes_every_column_and_cannot_be_told(text: str) -> None:
    assert mention(text) is Mention.STAR


UNREADABLE = [
    "DO $$ BEGIN PERFORM email FROM users; END $$",
    "SELEKT Email FROM users",
    "SELECT 'email",
    'SELEKT U&"d\\0061ta" FROM users',
]


@pytest.mark.parametrize("text", UNREADABLE)
def test_the_name_is_a_word_of_what_cannot_be_read(text: str) -> None:
    assert mention(text) is Mention.UNREADABLE


NONE = [
    "SELECT id FROM users",
    "SELECT count(*) FROM users",
    'SELECT "Email" FROM users',
    "SELECT email FROM orders",
    "SELECT email FROM audit.users",
    "SELECT o.email FROM users u JOIN orders o ON o.user_id = u.id",
    "SELECT o.* FROM users u, orders o",
    "SELECT * FROM orders WHERE EXISTS (SELECT 1 FROM users)",
    "SELECT new AS email FROM users ORDER BY email",
    "SELECT DISTINCT ON (email) new AS email FROM users",
    "SELECT new AS email FROM users UNION SELECT a FROM orders ORDER BY email",
    "SELECT e.email FROM (SELECT new AS email FROM users) AS e",
    "WITH e AS (SELECT new AS email FROM users) SELECT e.email FROM e",
    "SELECT id FROM users WHERE note = 'email'",
    "SELECT email.id FROM users JOIN orders AS email USING (id)",
    "INSERT INTO users DEFAULT VALUES",
    "INSERT INTO orders (email) SELECT new FROM users",
    "INSERT INTO orders (id) SELECT id FROM users ON CONFLICT (id) DO UPDATE SET email = excluded.email",
    "UPDATE orders SET email = u.new FROM users u",
    "UPDATE users SET new = $1",
    "MERGE INTO orders o USING users u ON u.id = o.id WHEN MATCHED THEN UPDATE SET email = u.new",
    "COPY users (id, new) TO STDOUT",
    "CREATE INDEX ON users (new)",
    "CREATE TABLE users (email text)",
    "VACUUM users",
    "SET search_path = users",
    "DO $$ BEGIN PERFORM emails, my_email FROM users; END $$",
    "SELEKT e_mail, emails FROM users",
    "",
]


@pytest.mark.parametrize("text", NONE)
def test_the_column_is_not_named(text: str) -> None:
    assert mention(text) is Mention.NONE


def test_an_odd_name_is_an_odd_name() -> None:
    odd = column('say "hi" $1.', QualifiedName("Odd Schema", "My.Table"))
    assert mention('SELECT "say ""hi"" $1." FROM "Odd Schema"."My.Table"', odd) is Mention.NAMED
    assert mention('SELECT "say ""hi"" $2." FROM "Odd Schema"."My.Table"', odd) is Mention.NONE
    assert mention('SELECT "say ""hi"" $1." FROM "Odd Schema"."my.table"', odd) is Mention.NONE


def test_of_several_columns_those_are_told_of_which_most_is_known() -> None:
    other = column("total", QualifiedName("public", "orders"))
    found = find_reference("SELECT u.email, o.* FROM users u, orders o", (other, EMAIL))
    assert (found.mention, found.columns) == (Mention.NAMED, (EMAIL,))
    found = find_reference("SELECT u.email, o.total FROM users u, orders o", (other, EMAIL))
    assert (found.mention, found.columns) == (Mention.NAMED, (other, EMAIL))
    assert str(EMAIL) == "public.users.email"


def test_a_long_chain_of_operators_is_read() -> None:
    chain = " + ".join(["id"] * 2000)
    assert mention(f"SELECT {chain} FROM ONLY public.users WHERE email = $1") is not Mention.NONE


PLACES = "(ctid) > ($1::pg_catalog.tid) AND (ctid) <= ($2::pg_catalog.tid)"
BLOCKS = "ctid >= $1::pg_catalog.tid AND ctid < $2::pg_catalog.tid"
GIVEN_UP = "pg_catalog.format($4, id) = $5 AND pg_catalog.format($6, region) = $7"
PENDING = f"({EMAIL.pending})"
OURS = [
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {PLACES} AND {PENDING}",
    f"SELECT pg_catalog.count(*) FROM ONLY archive.users_2024 WHERE {PLACES} AND {PENDING}",
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {BLOCKS} AND {PENDING} AND $3 AND NOT ({GIVEN_UP})",
    "CREATE TEMPORARY TABLE pg_temp.crossfade_canary AS SELECT email, new FROM public.users WITH NO DATA",
    "UPDATE pg_temp.crossfade_canary SET email = (SELECT s.email FROM (SELECT email FROM public.users LIMIT $1) s)",
]


@pytest.mark.parametrize("text", OURS)
def test_a_statement_of_ours_does_not_count(text: str) -> None:
    assert mention(text) is Mention.NONE


NOT_OURS = [
    f"SELECT count(*) FROM ONLY public.users WHERE {PLACES} AND {PENDING}",
    f"SELECT pg_catalog.count(*) FROM public.users WHERE {PLACES} AND {PENDING}",
    f"SELECT pg_catalog.count(*) FROM ONLY users WHERE {PLACES} AND {PENDING}",
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {PENDING}",
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {PLACES} AND email = $3",
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {PLACES} AND {PENDING} AND email = $3",
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {PLACES} AND {PENDING} AND NOT (email = $3)",
    f"SELECT pg_catalog.count(*), email FROM ONLY public.users WHERE {PLACES} AND {PENDING} GROUP BY email",
    f"SELECT pg_catalog.count(*) FROM ONLY public.users WHERE {PLACES} AND {PENDING} LIMIT (SELECT email FROM users)",
    "UPDATE pg_temp.canary SET email = (SELECT email FROM public.users)",
    "CREATE TABLE public.crossfade_canary AS SELECT email FROM public.users",
]


@pytest.mark.parametrize("text", NOT_OURS)
def test_a_statement_that_only_looks_like_ours_counts(text: str) -> None:
    assert mention(text) is Mention.NAMED

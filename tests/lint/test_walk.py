"""What each statement is shown with: whose transaction it is in, what is held there, which way it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfade.lint.seen import SeenStatement
from crossfade.lint.walk import walk
from crossfade.migrations.migration import Migration, Project, Tool, Transaction

from .found import script
from .shop import IN_USE

ALTER = "ALTER TABLE users ADD COLUMN a int"


def seen(
    up: str, down: str | None = None, *, transaction: Transaction, transaction_back: Transaction | None = None
) -> tuple[SeenStatement, ...]:
    """Both ways of a migration of the shop, one behind the other."""
    migration = Migration(
        name="a",
        file=Path("a.sql"),
        up=script(up),
        down=script(down) if down is not None else None,
        transaction=transaction,
        transaction_back=transaction_back,
    )
    project = Project(tool=Tool.PLAIN, root=Path(), migrations=(migration,))
    (shown,) = walk(project, IN_USE)[0].migrations
    return (*shown.up, *shown.down)


@pytest.mark.parametrize(
    ("transaction", "text", "inside"),
    [
        (Transaction.ALWAYS, f"{ALTER};", [True]),
        (Transaction.NEVER, f"{ALTER}; SELECT 1;", [False, False]),
        (Transaction.IF_SEVERAL, f"{ALTER};", [False]),
        (Transaction.IF_SEVERAL, f"{ALTER}; SELECT 1;", [True, True]),
        (Transaction.NEVER, "BEGIN; SELECT 1; COMMIT; SELECT 1;", [True, True, False, False]),
        (Transaction.NEVER, "BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 1;", [True, True, True, True]),
        (Transaction.NEVER, "START TRANSACTION; SAVEPOINT a; ROLLBACK TO a; SELECT 1; ROLLBACK;", [True] * 4 + [False]),
        (Transaction.NEVER, "BEGIN; SELECT 1; PREPARE TRANSACTION 'a'; SELECT 1;", [True, True, False, False]),
        (Transaction.ALWAYS, "SELECT 1; COMMIT; SELECT 1; BEGIN; SELECT 1;", [True, False, False, True, True]),
        (Transaction.IF_SEVERAL, "SELECT 1; COMMIT; SELECT 1;", [True, True, True]),
    ],
)
def test_whether_it_is_in_a_transaction(transaction: Transaction, text: str, inside: list[bool]) -> None:
    assert [s.in_transaction for s in seen(text, transaction=transaction)] == inside


def test_the_way_back_may_have_another_transaction() -> None:
    up, down = seen("SELECT 1;", "SELECT 2;", transaction=Transaction.ALWAYS, transaction_back=Transaction.NEVER)

    assert [(s.in_transaction, s.goes_back) for s in (up, down)] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    ("transaction", "text", "held"),
    [
        (Transaction.ALWAYS, f"{ALTER}; SELECT 1;", ["public.users"]),
        (Transaction.NEVER, f"{ALTER}; SELECT 1;", []),
        (Transaction.NEVER, f"BEGIN; {ALTER}; COMMIT; SELECT 1;", []),
        (Transaction.IF_SEVERAL, f"{ALTER}; COMMIT; SELECT 1;", []),
        (Transaction.ALWAYS, f"DO $$ BEGIN {ALTER}; END $$; SELECT 1;", ["public.users"]),
    ],
)
def test_what_is_held_before_the_last_statement(transaction: Transaction, text: str, held: list[str]) -> None:
    assert list(seen(text, transaction=transaction)[-1].held) == held


def test_a_function_holds_nothing_and_leaves_no_trace() -> None:
    text = f"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {ALTER}; END $$; SELECT 1;"
    made, body, last = seen(text, transaction=Transaction.ALWAYS)

    assert (made.inside, body.inside, last.inside) == (None, "the function f", None)
    assert last.held == {}
    assert last.before == made.after


INDEX = "CREATE INDEX i ON users (id);"
OUTLIVED = [
    (Transaction.NEVER, "BEGIN; SET LOCAL search_path = s; CREATE TABLE users (id int); COMMIT;"),
    (Transaction.NEVER, "BEGIN; SET LOCAL search_path = s; SET LOCAL search_path = t; COMMIT AND CHAIN;"),
    (Transaction.NEVER, "CREATE TABLE s.users (id int); SET LOCAL search_path = s;"),
    (Transaction.ALWAYS, "CREATE TABLE s.users (id int); SET LOCAL search_path = s; COMMIT;"),
    (Transaction.NEVER, "BEGIN; CREATE TEMP TABLE users (id int) ON COMMIT DROP; COMMIT;"),
    (Transaction.ALWAYS, "SET search_path = public, pg_temp; CREATE TEMP TABLE users (id int);"),
    (Transaction.ALWAYS, "CREATE TEMP TABLE users (id int); DROP TABLE users;"),
]
IN_FORCE = [
    (Transaction.ALWAYS, "CREATE TABLE s.users (id int); SET LOCAL search_path = s;"),
    (
        Transaction.NEVER,
        "CREATE TABLE s.users (id int); BEGIN; SET LOCAL search_path = t; SET search_path = s; COMMIT;",
    ),
    (Transaction.NEVER, "BEGIN; CREATE TEMP TABLE users (id int); COMMIT;"),
    (Transaction.ALWAYS, "CREATE TEMP TABLE users ON COMMIT DROP AS SELECT 1 AS id;"),
]


@pytest.mark.parametrize(("transaction", "text"), OUTLIVED)
def test_what_is_for_a_transaction_alone_ends_with_it(transaction: Transaction, text: str) -> None:
    last = seen(f"{text} {INDEX}", transaction=transaction)[-1]
    assert last.forecast.scans == ("public.users",)


@pytest.mark.parametrize(("transaction", "text"), IN_FORCE)
def test_another_table_of_the_name_comes_first(transaction: Transaction, text: str) -> None:
    last = seen(f"{text} {INDEX}", transaction=transaction)[-1]
    assert last.forecast.scans == ()

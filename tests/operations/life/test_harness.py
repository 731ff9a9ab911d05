"""The harness notices what it is there to notice: a test that cannot fail would say nothing of an operation."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from crossfade import Engine
from crossfade.workflow.states import State

from .canonical import canonical
from .cases.rename_column import CASES
from .course import Course, End
from .writers import Writer, writers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...fixtures.database import Database
    from .case import Case

ID = "    id integer NOT NULL,"
EMAIL = "    email text DEFAULT 'a;b'::text,"
DUMP = f"""
--
-- Name: users
--
CREATE TABLE public.users (
{ID}
{EMAIL}
    CONSTRAINT short CHECK ((length(email) < 9))
)
PARTITION BY RANGE (id);

ALTER TABLE ONLY public.users ADD CONSTRAINT users_key UNIQUE (id, email);

ALTER PUBLICATION some ADD TABLE ONLY public.users (id, email);
"""
COUNT = "SELECT count(*) FROM users WHERE name = 'n'"


@pytest.mark.parametrize(
    ("was", "becomes", "is_same"),
    [
        (f"{ID}\n{EMAIL}", f"{EMAIL}\n{ID}", True),
        ("(id, email);\n\nALTER PUB", "(email, id);\n\nALTER PUB", False),
        ("users (id, email)", "users (email, id)", True),
        ("users (id, email)", "users (id)", False),
        ("integer NOT NULL", "bigint NOT NULL", False),
        ("BY RANGE", "BY LIST", False),
        ("'a;b'", "'b;a'", False),
        ("-- Name: users\n", "", True),
        ("ALTER PUBLICATION some ADD TABLE ONLY public.users (id, email);", "", False),
    ],
)
def test_the_order_of_columns_is_all_that_may_differ(was: str, becomes: str, is_same: bool) -> None:
    assert was in DUMP
    assert (canonical(DUMP.replace(was, becomes)) == canonical(DUMP)) is is_same


@pytest.fixture
def case() -> Case:
    return CASES[0]


@pytest.fixture
def prepared(database: Database, case: Case) -> Database:
    database.execute(case.setup)
    return database


@contextmanager
def writer(database: Database, *statements: str) -> Iterator[Writer]:
    made = Writer(database.url, "old version", statements, count(1001, 2))
    try:
        yield made
    finally:
        made.end()


INSERT = "INSERT INTO users VALUES (%(n)s, 'x' || %(n)s, 'n')"


def test_a_writer_that_rehearses_leaves_nothing_and_one_at_rest_writes_nothing(prepared: Database) -> None:
    with writer(prepared, INSERT) as made:
        made.rehearse()
        made.rest()
        assert prepared.execute(COUNT) == [(0,)]
        made.work()
        made.rest()
        [(rows,)] = prepared.execute(COUNT)
        assert rows >= 20
        made.send_some()
        assert prepared.execute(COUNT) == [(rows,)]


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO users (mail) VALUES ('x')", r"old version: column \"mail\".* in: INSERT INTO users \(mail\)"),
        ("UPDATE users SET name = 'x' WHERE id = %(n)s", "old version: touched no row: UPDATE users"),
    ],
)
def test_a_statement_that_fails_or_touches_nothing_is_told_with_its_text(
    prepared: Database, statement: str, says: str
) -> None:
    with writer(prepared, statement) as made, pytest.raises(AssertionError, match=f"(?s){says}"):
        work_for_a_while(made)


def work_for_a_while(made: Writer) -> None:
    made.work()
    made.rest()


def run(case: Case, database: Database) -> None:
    end = End(schema="", untouched=[])
    with Engine(database.url) as engine, writers(case, database.url) as (old, new):
        Course(case=case, database=database, end=end, engine=engine, old=old, new=new).run()


def test_a_course_ends_where_the_shapes_differ(prepared: Database, case: Case) -> None:
    other = "SELECT id, email_address || '' || name FROM users ORDER BY id"
    [(old, _)] = case.reads
    case = replace(case, reads=((old, other),), turns_back=frozenset({State.BACKFILLED}))
    with pytest.raises(AssertionError, match="not the same"):
        run(case, prepared)


def test_a_course_ends_where_the_new_version_fails_after_contract(prepared: Database, case: Case) -> None:
    """One that still reads the old name, for which the old version's statements stand here."""
    case = replace(case, new_writes=("SELECT email FROM users WHERE id = %(n)s",), turns_back=frozenset())
    with pytest.raises(AssertionError, match=r'column "email" does not exist'):
        run(case, prepared)

"""Texts as pg_stat_statements keeps them: read, and shown without what nobody else may see."""

from __future__ import annotations

import pytest

from crossfade.postgres.seen_text import read_statements, shortened, tables_named, without_constants


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("SELECT 1; SELECT 2", 2),
        ("SELECT now() - interval $1", 1),
        ("SELECT a FROM t WHERE b IN ($1 /*, ... */)", 1),
        ("", 0),
        ("SELEKT 1", None),
        ("SELECT 'a", None),
    ],
)
def test_statements_are_read_with_parameters_anywhere(text: str, statements: int | None) -> None:
    found = read_statements(text)
    assert (None if found is None else len(found)) == statements


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('SELECT a FROM s.t u, (SELECT b FROM "T2") v', {"t", "T2"}),
        ("INSERT INTO t SELECT 1", {"t"}),
        ("COPY t TO STDOUT", {"t"}),
        ("SELECT 1", set()),
        ('SELECT \'"relname":"x"\'', set()),
        ('SELECT 1 FROM "odd name"', None),
        ("DO $$ BEGIN END $$", None),
        ("SELEKT 1 FROM t", None),
    ],
)
def test_tables_are_told_or_it_is_said_that_they_cannot_be(text: str, names: set[str] | None) -> None:
    assert tables_named(text) == names


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ALTER ROLE a PASSWORD 's3cret'", "ALTER ROLE a PASSWORD '…'"),
        ("SELECT 'it''s s3cret', b", "SELECT '…', b"),
        (r"SELECT E'it\'s s3cret', b", "SELECT '…', b"),
        ("DO $a$ x := 's3cret'; $$ s3cret $$ $a$", "DO '…'"),
        ("SELECT a FROM t WHERE b = $1 AND c = $2", "SELECT a FROM t WHERE b = $1 AND c = $2"),
        ('SELECT "a" FROM t', 'SELECT "a" FROM t'),
    ],
)
def test_constants_and_code_are_not_shown(text: str, shown: str) -> None:
    assert without_constants(text) == shown


def test_a_long_statement_is_cut() -> None:
    assert shortened("SELECT *\n  FROM users") == "SELECT * FROM users"
    assert len(shortened("SELECT " + "a, " * 100)) <= 80

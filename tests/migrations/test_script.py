"""A file's SQL is taken apart into statements with places; what is broken hides nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crossfade.migrations.script import Position, Script, Source
from crossfade.postgres.forecast.trees import kind


def script(text: str, begin: int = 0, end: int | None = None) -> Script:
    return Script(source=Source(Path("a.sql"), text), begin=begin, end=end)


def test_statements_and_their_places() -> None:
    found = script("-- first\nSELECT 'ä';\n\n  /* x */ DROP TABLE é ;\n").statements

    assert [statement.text for statement in found] == ["SELECT 'ä'", "DROP TABLE é"]
    assert [statement.position for statement in found] == [Position(2, 1), Position(4, 11)]
    assert [kind(statement.tree) for statement in found] == ["SelectStmt", "DropStmt"]


def test_places_within_a_statement() -> None:
    (statement,) = script("SELECT 1;\nCREATE TABLE ä (b int,\n  c text);", begin=9).statements

    assert [statement.at(column.location) for column in statement.tree.tableElts] == [Position(2, 17), Position(3, 3)]
    assert statement.at(None) == Position(2, 1)


@pytest.mark.parametrize("text", ["", ";;\n", "-- nothing\n", "\\d\n", "/* nothing */;"])
def test_nothing(text: str) -> None:
    assert script(text).statements == ()
    assert script(text).unreadable == ()


def test_a_broken_statement_hides_no_other() -> None:
    text = "CREATE TABLE a (id int);\nSELEC 1;\nCREATE TABLE b (\n  id int,\n);\nDROP TABLE c;"
    found = script(text)

    assert [statement.text for statement in found.statements] == ["CREATE TABLE a (id int)", "DROP TABLE c"]
    assert [statement.position for statement in found.statements] == [Position(1, 1), Position(6, 1)]
    assert [(part.position, part.message) for part in found.unreadable] == [
        (Position(2, 1), 'syntax error at or near "SELEC"'),
        (Position(5, 1), 'syntax error at or near ")"'),
    ]


def test_words_that_are_no_statement_are_told_wherever_they_stand() -> None:
    found = script("foo 1; -- SELECT\n'bar';;\nSELECT 1;\n/* x */ baz é;\nqux")

    assert [statement.text for statement in found.statements] == ["SELECT 1"]
    assert [part.position for part in found.unreadable] == [
        Position(1, 1),
        Position(2, 1),
        Position(4, 9),
        Position(5, 1),
    ]


def test_a_body_with_semicolons_beside_a_broken_statement() -> None:
    body = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN b THEN 1 END; SELECT 2; /* end */ END"
    found = script(f"SELEC 1;\n{body};\nCREATE TABBLE atomic;\nSELECT 3;\nEND;\nSELECT 4;")

    assert [statement.text for statement in found.statements] == [body, "SELECT 3", "END", "SELECT 4"]
    assert len(found.unreadable) == 2


def test_what_does_not_end() -> None:
    found = script("SELECT 1;\nSELECT 'x")

    assert [statement.text for statement in found.statements] == ["SELECT 1"]
    assert [part.position for part in found.unreadable] == [Position(2, 8)]


def test_a_part_of_a_file() -> None:
    text = "SELECT 1;\nSELECT 2;\nSELECT 3;"
    found = script(text, begin=10, end=20).statements

    assert [(statement.text, statement.position) for statement in found] == [("SELECT 2", Position(2, 1))]


@pytest.fixture
def on_a_small_stack() -> Iterator[ThreadPoolExecutor]:
    """A thread whose stack is a thirtieth of the usual one, so that less depth is too much for it."""
    usual = threading.stack_size(256 * 1024)
    with ThreadPoolExecutor(max_workers=1) as executor:
        executor.submit(int).result()
        threading.stack_size(usual)
        yield executor


def test_depth_ends_nothing(on_a_small_stack: ThreadPoolExecutor) -> None:
    """pglast calls itself for each level; a statement that is deep enough once took the process with it."""
    found = script("SELECT 1" + "+1" * 3_000 + " " * 20_000 + ";\nSELECT 2;")

    statements = on_a_small_stack.submit(lambda: found.statements).result()

    assert statements[-1].text == "SELECT 2"


def test_parentheses_without_end() -> None:
    found = script("SELECT " + "(" * 40_000 + ";\nSELECT 1;")

    assert [statement.text for statement in found.statements] == ["SELECT 1"]
    assert len(found.unreadable) == 1


def test_a_long_text_that_is_broken() -> None:
    found = script("SELECT 1;\n" * 3_000 + "SELEC 2;")

    assert len(found.statements) == 3_000
    assert [part.position for part in found.unreadable] == [Position(3001, 1)]

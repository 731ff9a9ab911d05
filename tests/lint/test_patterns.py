"""Patterns of paths: names anywhere, paths below the settings, folders with all that is in them."""

from __future__ import annotations

import pytest

from crossfade.lint.patterns import fits

FITTING = [
    ("a.sql", "a.sql"),
    ("x/y/a.sql", "a.sql"),
    ("x/a.down.sql", "*.down.sql"),
    ("x/a.sql", "x"),
    ("x/a.sql", "/x/"),
    ("x/a.sql", "./x/*.sql"),
    ("x/y/z/a.sql", "x/**/a.sql"),
    ("x/a.sql", "x/**/a.sql"),
    ("x/y/a.sql", "x/**"),
    ("a/b/seeds/c.sql", "**/seeds"),
    ("a1.sql", "a?.sql"),
    ("[a].sql", "[a].sql"),
]
OTHERS = [
    ("b.sql", "a.sql"),
    ("a.sql.txt", "a.sql"),
    ("x/y/a.sql", "x/*.sql"),
    ("y/x/a.sql", "/x"),
    ("y/x/a.sql", "x/a.sql"),
    ("seedsx/a.sql", "seeds"),
    ("aXsql", "a.sql"),
    ("a.sql", "a?.sql"),
    ("../a.sql", "/a.sql"),
]


@pytest.mark.parametrize(("path", "pattern"), FITTING)
def test_a_pattern_fits(path: str, pattern: str) -> None:
    assert fits(path, pattern)


@pytest.mark.parametrize(("path", "pattern"), OTHERS)
def test_a_pattern_does_not_fit(path: str, pattern: str) -> None:
    assert not fits(path, pattern)

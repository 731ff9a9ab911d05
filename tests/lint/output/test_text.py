"""What a person sees."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.lint.finding import Finding
from crossfade.lint.output.text import in_colours, write
from crossfade.lint.verdict import Frame, Told, Verdict, judge
from crossfade.migrations.script import Position

from ..found import about, report, script
from .verdicts import verdict

WHOLE = """\
error[index-not-concurrently]: waits for a.
 --> m/1 ü.sql:1:1
  |
1 | SELECT a; -- 日本
  | ^^^^^^^^
  = instead:
      -- another way
      a;

warning[set-not-null]: waits for b.
 --> m/1 ü.sql:2:1
  |
2 | / SELECT 1,
3 | |   b;
  | |___^
  = instead:
      -- another way
      b;
  = or as a plan:
      crossfade: 1
      name: b

note[index-not-concurrently]: waits for b.
 --> m/1 ü.sql:3:3
  |
3 |   b;
  |   ^^

error[file-not-read]: it is?[31m Python.
 --> /else/4.py:1:1
  = instead: print it as SQL

2 errors, 1 warning, 1 note in 4 files; 1 allowed by comments.
"""


ANYTHING = about(script("SELECT a;"), "a")


def framed(text: str, finding: Finding) -> list[str]:
    lines = write(judge(report({"a.sql": text}, [replace(finding, instead=None)]), Frame())).splitlines()
    return lines[3 : lines.index("")]


def test_findings_have_their_lines_and_what_to_do_instead() -> None:
    assert write(verdict()) == WHOLE


def test_in_colours_it_says_the_same() -> None:
    coloured = write(verdict(), in_colours)
    assert "\x1b[1;31merror[index-not-concurrently]\x1b[0m" in coloured
    for code in ("1;31", "1;33", "1;36", "34", "1", "0"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == WHOLE


def test_nothing_found_is_one_line() -> None:
    assert write(judge(report({"a.sql": "SELECT 1;"}, []), Frame())) == "nothing found in 1 file.\n"


UNDERLINED = {
    "SELECT a;": ["1 | SELECT a;", "  | ^^^^^^^^"],
    "/* 日本 */ SELECT a;": ["1 | /* 日本 */ SELECT a;", "  |            ^^^^^^^^"],
    "SELECT '日本', a;": ["1 | SELECT '日本', a;", "  | ^^^^^^^^^^^^^^^^"],
    "\tSELECT a;": ["1 |  SELECT a;", "  |  ^^^^^^^^"],
    "SELECT 'e\u0301', a;": ["1 | SELECT 'e\u0301', a;", "  | ^^^^^^^^^^^^^"],
    "SELECT '\u202e', a;": ["1 | SELECT '?', a;", "  | ^^^^^^^^^^^^^"],
}


@pytest.mark.parametrize(("text", "lines"), UNDERLINED.items(), ids=map(ascii, UNDERLINED))
def test_the_mark_stands_below_the_statement(text: str, lines: list[str]) -> None:
    assert framed(text, about(script(text), "a")) == lines


def test_of_a_long_statement_the_middle_is_left_out() -> None:
    text = "SELECT\n" + "  1,\n" * 9 + "  a;"
    assert framed(text, about(script(text), "a")) == [
        " 1 | / SELECT",
        " 2 | |   1,",
        " 3 | |   1,",
        " 4 | |   1,",
        "...",
        "11 | |   a;",
        "   | |___^",
    ]


def test_a_place_behind_the_end_of_the_file_does_not_matter() -> None:
    found = replace(about(script("SELECT a;"), "a"), position=Position(1, 40), end=None)
    assert framed("SELECT a;", found)[0] == "1 | SELECT a;"


@given(st.text(max_size=200), st.integers(0, 200), st.integers(0, 200))
def test_any_place_of_any_text_can_be_shown(text: str, begin: int, length: int) -> None:
    source = script(text).source
    begin = min(begin, len(text))
    place, end = source.position(begin), source.position(min(begin + length, len(text)))
    told = Told(finding=replace(ANYTHING, position=place, end=end), file=text, fingerprint="")
    shown = write(Verdict(told=(told,), files=(text,), sources={ANYTHING.file: source}))
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert "^" in shown or not text

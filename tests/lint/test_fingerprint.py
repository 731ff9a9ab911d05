"""A finding is known again after its lines have moved, and told apart from all others."""

from __future__ import annotations

from dataclasses import replace

from crossfade.lint.fingerprint import known
from crossfade.migrations.script import Position, Script

from .found import OTHER, about, script


def prints(of: Script, *words: str) -> list[str]:
    return [each.fingerprint for each in known([about(of, word) for word in words], [of])]


def test_it_stays_when_lines_move_or_are_laid_out_anew() -> None:
    before = script("SELECT a,  b;")
    after = script("-- more\n\nSELECT 1;\n\nSELECT a,\n\tb;")
    assert prints(before, "a") == prints(after, "a")


def test_it_changes_with_the_statement_and_with_the_rule() -> None:
    one, other = script("SELECT a;"), script("SELECT a, b;")
    assert prints(one, "a") != prints(other, "a")
    found = about(one, "a")
    first, second = known([found, replace(found, rule=OTHER)], [one])
    assert first.fingerprint != second.fingerprint


def test_the_message_is_no_part_of_it() -> None:
    file = script("SELECT a;")
    found = about(file, "a")
    first, second = (known([f], [file]) for f in (found, replace(found, message="another, with 20,000 rows.")))
    assert first[0].fingerprint == second[0].fingerprint


def test_the_same_several_times_is_told_apart() -> None:
    file = script("SELECT a;\nSELECT a;")
    second = replace(about(file, "a"), position=Position(2, 1), end=Position(2, 9))
    first, other = known([about(file, "a"), second], [file])
    assert first.fingerprint != other.fingerprint


def test_what_is_in_no_statement_is_known_by_its_line() -> None:
    before, after = script("CRATE TABLE a;"), script("\n\nCRATE  TABLE a;")
    finding = about(script("SELECT a;"), "a")
    (one,) = known([replace(finding, position=before.unreadable[0].position)], [before])
    (other,) = known([replace(finding, position=after.unreadable[0].position)], [after])
    assert one.fingerprint == other.fingerprint
    assert one.about == "CRATE TABLE a;"


def test_a_file_without_text_has_one_too() -> None:
    (one,) = known([about(script("SELECT a;"), "a")], [])
    assert len(one.fingerprint) == 32
    assert one.about == ""

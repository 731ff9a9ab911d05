"""A comment allows what it names, on the statement that it stands on; what is wrong with it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossfade.lint.allowances import weigh
from crossfade.lint.finding import Finding, Severity
from crossfade.migrations.script import Position, Script

from .found import OTHER, RULE, about, script

ALLOW = f"crossfade: allow {RULE} because it is small"
ON_STATEMENT_B = {
    "in front of it": f"SELECT a;\n-- {ALLOW}\nSELECT b;\nSELECT c;",
    "in front of it, with others between": f"SELECT a;\n-- {ALLOW}\n\n-- more\nSELECT b;\nSELECT c;",
    "in front of it, on its line": f"SELECT a; /* {ALLOW} */ SELECT b; SELECT c;",
    "inside": f"SELECT a;\nSELECT -- {ALLOW}\n b;\nSELECT c;",
    "behind it": f"SELECT a;\nSELECT b; -- {ALLOW}\nSELECT c;",
    "behind its last line": f"SELECT a;\nSELECT\n b; -- {ALLOW}\nSELECT c;",
    "behind it, before its semicolon": f"SELECT a;\nSELECT b -- {ALLOW}\n;\nSELECT c;",
    "in a body": f"SELECT a;\nDO $$ BEGIN\n-- {ALLOW}\nPERFORM b; END $$;\nSELECT c;",
    "in a file with carriage returns": f"SELECT a;\r\n-- {ALLOW}\r\nSELECT b;\r\nSELECT c;",
    "after letters of two bytes": f"SELECT 'éé', a;\n-- {ALLOW}\nSELECT b;\nSELECT c;",
    "behind the last one, without a semicolon": f"SELECT a;\nSELECT c;\nSELECT b -- {ALLOW}",
}


def rules(findings: tuple[Finding, ...]) -> list[str]:
    return [f.rule for f in findings]


@pytest.mark.parametrize("text", ON_STATEMENT_B.values(), ids=ON_STATEMENT_B)
def test_it_allows_on_its_statement_and_on_no_other(text: str) -> None:
    file = script(text)
    weighed = weigh([about(file, word) for word in "abc"], [file])
    assert [f.message for f in weighed.allowed] == ["waits for b."]
    assert [f.message for f in weighed.kept] == ["waits for a.", "waits for c."]


def test_it_allows_only_the_rules_that_it_names() -> None:
    file = script(f"-- {ALLOW}\nSELECT a;")
    weighed = weigh([about(file, "a", OTHER), about(file, "a")], [file])
    assert rules(weighed.kept) == [OTHER]


def test_it_allows_what_is_found_anywhere_in_the_statement() -> None:
    file = script(f"-- {ALLOW}\nSELECT a,\n  b;")
    inside = replace(about(file, "a"), position=Position(3, 3))
    assert weigh([inside], [file]).kept == ()


IN_BODIES = [
    (f"DO $$ BEGIN\n-- {ALLOW}\nCREATE INDEX i_a ON a (x);\nCREATE INDEX i_b ON b (x);\nEND $$;", ["all", "a"]),
    (f"DO $$ BEGIN\nCREATE INDEX i_a ON a (x); -- {ALLOW}\nCREATE INDEX i_b ON b (x);\nEND $$;", ["all", "a"]),
    (f"-- {ALLOW}\nDO $$ BEGIN\nCREATE INDEX i_a ON a (x);\nEXECUTE 'DROP INDEX i_b';\nEND $$;", ["all", "a", "b"]),
    (f"DO $$ BEGIN\nCREATE INDEX i_a ON a (x);\n-- {ALLOW}\nEXECUTE 'DROP INDEX i_b';\nEND $$;", ["all", "b"]),
    (f"DO $$ BEGIN\nCREATE INDEX i_a ON a (x);\n-- {ALLOW}\nPERFORM i_b;\nEND $$;", ["all", "b"]),
    (
        f"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\nDROP INDEX i_a;\n-- {ALLOW}\nDROP INDEX i_b $$;",
        ["all", "b"],
    ),
]
"""And the words of those on which it allows; `all` is what is about the block as a whole."""


@pytest.mark.parametrize(("text", "allowed"), IN_BODIES)
def test_in_a_body_it_stands_on_a_statement_of_the_body(text: str, allowed: list[str]) -> None:
    file = script(text)
    whole = replace(about(file, "i_a"), message="all")
    lines = {word: text[: text.index(f" i_{word}")].count("\n") + 1 for word in ("a", "b")}
    parts = [replace(whole, position=Position(line, 1), message=word) for word, line in lines.items()]
    assert [f.message for f in weigh([whole, *parts], [file]).allowed] == allowed


def test_a_whole_file_is_allowed_once_and_for_all() -> None:
    text = f"SELECT a;\nSELECT b;\n/* crossfade: allow-file {RULE}, {OTHER} because nobody uses it yet */"
    file = script(text)
    whole = Finding(rule=OTHER, severity=Severity.ERROR, file=file.source.path, position=Position(1, 1), message="x.")
    assert weigh([about(file, "a"), about(file, "b"), whole], [file]).kept == ()


def test_what_is_about_the_file_is_allowed_on_its_first_statement_too() -> None:
    file = script(f"\n-- {ALLOW}\nSELECT a;\nSELECT b;")
    begin = Finding(rule=RULE, severity=Severity.ERROR, file=file.source.path, position=Position(1, 1), message="x.")
    assert weigh([begin], [file]).kept == ()


def test_another_file_is_not_allowed() -> None:
    file, other = script(f"-- crossfade: allow-file {RULE} because x\nSELECT a;"), script("SELECT a;", "b.sql")
    weighed = weigh([about(file, "a"), about(other, "a")], [file, other])
    assert [str(f.file) for f in weighed.kept] == ["b.sql"]


def test_the_two_ways_of_one_file_are_told_apart() -> None:
    text = f"SELECT a;\n-- down\n-- {ALLOW}\nSELECT b;"
    source, down = script(text).source, text.index("-- down")
    ways = [Script(source=source, end=down), Script(source=source, begin=down)]
    weighed = weigh([about(ways[0], "a"), about(ways[1], "b")], ways)
    assert [f.message for f in weighed.allowed] == ["waits for b."]


def test_what_postgresql_cannot_read_may_be_allowed() -> None:
    file = script("-- crossfade: allow unreadable because it is for another server\nCRATE TABLE a;\nSELECT b;")
    (part,) = file.unreadable
    finding = Finding(
        rule="unreadable", severity=Severity.ERROR, file=file.source.path, position=part.position, message="x."
    )
    assert weigh([finding], [file]).kept == ()


FAULTS = {
    "-- crossfade: allow set-notnull because x\nSELECT a;": (
        "allowance-of-unknown-rule",
        "there is no rule set-notnull, so nothing is allowed by that name; did you mean `set-not-null`?",
    ),
    "-- crossfade: allow xyz because x\nSELECT a;": ("allowance-of-unknown-rule", "crossfade lint --list"),
    "-- crossfade: allow allowance-unused because x\nSELECT a;": (
        "allowance-of-unknown-rule",
        "no comment can allow it",
    ),
    f"-- crossfade: allow {RULE}\nSELECT a;": ("allowance-without-reason", "does not say why"),
    f"-- crossfade: alow {RULE} because x\nSELECT a;": ("allowance-unclear", "cannot be understood"),
    f"-- {ALLOW}\nSELECT b;\nSELECT a;": ("allowance-unused", "on the statement that the comment stands on"),
    f"SELECT a;\n-- {ALLOW}": ("allowance-unused", "stands on no statement"),
    f"SELECT a;\n-- crossfade: allow-file {OTHER} because x": ("allowance-unused", "in this file"),
}


@pytest.mark.parametrize(("text", "said"), FAULTS.items(), ids=FAULTS)
def test_a_comment_that_is_wrong_allows_nothing_and_is_told(text: str, said: tuple[str, str]) -> None:
    file = script(text)
    finding, fault = weigh([about(file, "a")], [file]).kept
    assert finding.rule == RULE
    assert (fault.rule, fault.severity) == (said[0], Severity.WARNING)
    assert said[1] in fault.message
    assert file.source.line(fault.position.line)[fault.position.column - 1 :].startswith("-- crossfade")


def test_of_several_rules_each_has_to_be_of_use_and_be_known() -> None:
    file = script(f"-- crossfade: allow {RULE}, {OTHER}, indx because x\nSELECT a;")
    weighed = weigh([about(file, "a")], [file])
    assert rules(weighed.allowed) == [RULE]
    assert rules(weighed.kept) == ["allowance-of-unknown-rule", "allowance-unused"]
    assert OTHER in weighed.kept[1].message


def test_a_file_that_cannot_be_scanned_allows_nothing() -> None:
    file = script(f"-- {ALLOW}\nSELECT a;\nSELECT 'x")
    assert rules(weigh([about(script("\nSELECT a;"), "a")], [file]).kept) == [RULE]

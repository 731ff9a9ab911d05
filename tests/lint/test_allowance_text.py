"""What a comment allows, and when it allows nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.lint.allowance_text import Allows, NoReason, Unclear, comments, read

ALLOWS = {
    "crossfade: allow drop-column because nobody reads it": Allows(
        rules=("drop-column",), reason="nobody reads it", whole_file=False
    ),
    "crossfade: allow a, b,c because x": Allows(rules=("a", "b", "c"), reason="x", whole_file=False),
    "crossfade: allow a, a because x": Allows(rules=("a",), reason="x", whole_file=False),
    "Crossfade : allow-file a because it is\n   old": Allows(rules=("a",), reason="it is old", whole_file=True),
    "crossfade: allow a because b because c": Allows(rules=("a",), reason="b because c", whole_file=False),
}
NO_REASON = (
    "crossfade: allow a",
    "crossfade: allow a, b",
    "crossfade: allow a because",
    "crossfade: allow a because -",
    "crossfade: allow-file a because ...",
)
UNCLEAR = (
    "crossfade:",
    "crossfade: allow",
    "crossfade: allow because x",
    "crossfade: allow-file because x",
    "crossfade: alow a because x",
    "crossfade: allowed a because x",
    "crossfade: allow-fil a because x",
    "crossfade: allow a b because x",
    "crossfade: allow a, because x",
    "crossfade: allow a; b because x",
    "crossfade: allow * because x",
    "crossfade: ignore a because x",
    "crossfade: allow a becaus x",
    "crossfade allow a because x",
    "crossfade; allow a because x",
    "crossfade-ignore a",
)
NOT_OURS = ("crossfade drops the column later", "see crossfade: allow", "allow a because x", "", "crossfades: x")


@pytest.mark.parametrize(("words", "meant"), ALLOWS.items(), ids=ALLOWS)
def test_a_comment_allows_the_rules_that_it_names(words: str, meant: Allows) -> None:
    assert read(words) == meant


@pytest.mark.parametrize("words", NO_REASON)
def test_without_a_reason_nothing_is_allowed(words: str) -> None:
    assert read(words) == NoReason()


@pytest.mark.parametrize("words", UNCLEAR)
def test_what_cannot_be_understood_allows_nothing(words: str) -> None:
    assert read(words) == Unclear()


@pytest.mark.parametrize("words", NOT_OURS)
def test_other_comments_are_none_of_our_business(words: str) -> None:
    assert read(words) is None


COMMENTS = {
    "-- crossfade: x": ["crossfade: x"],
    "--crossfade: x\r\nSELECT 1": ["crossfade: x"],
    "SELECT 1; /* crossfade:\n x */ SELECT 2": ["crossfade:\n x"],
    "SELECT '-- crossfade: x', \"/* crossfade: y */\", $q$ crossfade $q$": [],
    "DO $body$ BEGIN -- crossfade: x\n END $body$": ["crossfade: x"],
    "DO $$ BEGIN PERFORM '-- crossfade: y'; /* crossfade: x */ END $$": ["crossfade: x"],
    "-- another\nSELECT 1": [],
    "\\echo 'it''s\n-- crossfade: x": ["crossfade: x"],
    "SELECT 'not closed -- crossfade: x": [],
}


@pytest.mark.parametrize(("text", "found"), COMMENTS.items(), ids=COMMENTS)
def test_only_comments_are_read(text: str, found: list[str]) -> None:
    assert [c.words for c in comments(text)] == found


def test_a_comment_is_found_where_it_stands() -> None:
    text = "SELECT 'é'; DO $x$ BEGIN\n-- crossfade: x\nEND $x$"
    (comment,) = comments(text)
    assert text[comment.begin : comment.end] == "-- crossfade: x"


@given(st.text(alphabet="crossfade:alw-, because\n*ignr", max_size=60))
def test_nothing_but_the_exact_form_allows_anything(words: str) -> None:
    meant = read(f"crossfade: {words}")
    if isinstance(meant, Allows):
        assert words.split(maxsplit=1)[0] in {"allow", "allow-file"}
        assert " because " in " ".join(words.split())
        assert all(rule in words for rule in meant.rules)

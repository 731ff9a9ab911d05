"""EXECUTE in a body, of a text that nobody can tell from the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.bodies import other_language, unseen_texts
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_LONGEST = 60


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if seen.inside is not None:
        return
    language = other_language(seen.statement)
    if language is not None:
        yield Said(message=f"runs a block in {language}, which was not looked into.", instead="The same in PL/pgSQL.")
    runs_now = kind(seen.tree) == "DoStmt"
    for query, of_schema in unseen_texts(seen.statement):
        if of_schema:
            shown = " ".join(query.split())
            shown = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
            yield Said(
                message=f"runs a text that was not looked at, since it is made when it runs: EXECUTE {shown}.",
                instead="The statement as it stands, or EXECUTE of a text that is made of constants.",
                severity=None if runs_now else Severity.NOTE,
            )


RULE = Rule(
    id="text-not-seen",
    severity=Severity.WARNING,
    summary="EXECUTE runs a text that cannot be told from the file, or a block is in another language",
    explanation="""
Inside DO blocks and functions lint looks at the text of EXECUTE where it is made of constants: by ||, format, concat,
quote_ident and quote_literal, and by variables that are given one constant. What is read from a table, or is an
argument, is known only when it runs, and so is what it locks. In a function it is a note, since nobody knows when that
is called. Where the constant parts of a text show that it is about rows, nothing is said. A DO block in another
language than PL/pgSQL is not looked into at all.
""",
    statement=_statement,
)

"""A table, column or index whose name SQL takes only in quotes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import declared
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.migrations.script import Position


def _made(seen: SeenStatement) -> Iterator[tuple[str, Position]]:
    node = seen.tree
    match kind(node):
        case "CreateStmt":
            yield node.relation.relname, seen.statement.at(node.relation.location)
        case "IndexStmt" if node.idxname is not None:
            yield node.idxname, seen.statement.position
        case "ViewStmt":
            yield node.view.relname, seen.statement.at(node.view.location)
        case "RenameStmt":
            yield node.newname, seen.statement.position
    for column in declared(seen):
        if column.added or kind(node) == "CreateStmt":
            yield column.name, column.at


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for name, at in _made(seen):
        if quoted(name) != name:
            yield Said(
                at=at,
                message=f"makes {quoted(name)}, which has to be in quotes wherever it is written.",
                instead="A name of lower case letters, digits and underscores that is no word of SQL.",
            )


RULE = Rule(
    id="names-need-quotes",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a name with capitals, blanks or of a keyword has to be in quotes everywhere",
    explanation="""
SQL folds names to lower case. One with capitals, or that is a word of the grammar such as user or order, is found only
in quotes: in psql, in reports, in functions, by every tool. A project that writes its SQL by hand turns this on.
""",
    statement=_statement,
)

"""A relation made without its schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _relation(node: Any) -> Any:
    match kind(node):
        case "CreateStmt" | "IndexStmt" | "CreateTrigStmt":
            return node.relation
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TABLE":
            return node.relation
        case "ViewStmt":
            return node.view
        case "CreateTableAsStmt":
            return node.into.rel
        case _:
            return None


def _statement(seen: SeenStatement) -> Iterator[Said]:
    relation = _relation(seen.tree)
    if relation is not None and not relation.schemaname and relation.relpersistence != "t":
        name = quoted(relation.relname)
        yield Said(
            at=seen.statement.at(relation.location),
            message=f"names {name} without its schema: the search_path of whoever applies it decides which one is "
            "meant.",
            instead=f"{seen.before.qualify(None, relation.relname)}",
        )


RULE = Rule(
    id="unqualified-name",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a name without its schema means what the search_path says",
    explanation="""
The same file makes a table in another schema when it is applied by a role, a pooler or a tool with another search_path,
and finds another table of that name. A project with more than one schema turns this on.
""",
    statement=_statement,
)

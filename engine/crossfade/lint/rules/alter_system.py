"""ALTER SYSTEM in a migration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.postgres.forecast.trees import kind

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    if kind(seen.tree) == "AlterSystemStmt":
        setting = seen.tree.setstmt.name or "all settings"
        yield Said(
            message=f"changes {setting} for the whole server, with all of its databases, from the next reload or "
            "restart "
            "on; it takes a superuser, or a right on that setting.",
            instead="ALTER DATABASE … SET or ALTER ROLE … SET, or the server's own configuration",
        )


RULE = Rule(
    id="alter-system",
    severity=Severity.WARNING,
    summary="ALTER SYSTEM is about the whole server",
    explanation="""
ALTER SYSTEM writes a file of the server that holds for all databases, and that no rollback takes back. Managed servers
refuse it. It cannot run inside a transaction.
""",
    statement=_statement,
)

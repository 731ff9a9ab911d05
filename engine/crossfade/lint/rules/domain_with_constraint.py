"""CREATE DOMAIN with conditions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import named
from crossfade.postgres.forecast.trees import kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement

_CONDITIONS = frozenset({"CONSTR_CHECK", "CONSTR_NOTNULL"})


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) == "CreateDomainStmt" and any(c.contype.name in _CONDITIONS for c in node.constraints or ()):
        yield Said(
            message=f"a condition of the domain {named(names(node.domainname))} cannot be changed "
            "later without blocking writes of every table that uses it.",
            instead="A CHECK on each table, which can be validated while writes go on.",
        )


RULE = Rule(
    id="domain-with-constraint",
    severity=Severity.NOTE,
    summary="a domain has conditions of its own",
    explanation="""
Conditions of a domain are hard to change: adding one, or validating it, takes a SHARE lock on every table that has a
column of the domain, and reads all rows under it; adding a column of such a domain writes its table anew. A CHECK on
each table can be added and validated while writes go on.
""",
    opt_in=True,
    statement=_statement,
)

"""A SECURITY DEFINER function that its caller's search_path can lead astray."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.lint.written import named
from crossfade.postgres.forecast.trees import is_on, kind, names

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    node = seen.tree
    if kind(node) != "CreateFunctionStmt" or node.sql_body is not None or not is_on(node.options, "security"):
        return
    pins = (o.arg for o in node.options if o.defname == "set")
    if not any(str(setting.name).lower() == "search_path" for setting in pins):
        word = "procedure" if node.is_procedure else "function"
        yield Said(
            message=f"makes the {word} {named(names(node.funcname))} with its owner's rights, and "
            "leaves "
            "the search_path to its caller, who can put tables and functions of his own in the way.",
            instead="… SECURITY DEFINER SET search_path = pg_catalog, pg_temp …",
        )


RULE = Rule(
    id="security-definer",
    severity=Severity.WARNING,
    summary="a SECURITY DEFINER function without a search_path of its own runs what its caller puts in the way",
    explanation="""
Names without a schema in the function's body are looked up in the search_path of the session that calls it. Whoever may
create objects in a schema, be it only his temporary one, can make a table, function or operator that is found first,
and that then runs with the rights of the function's owner.

SET search_path in the definition pins it: pg_catalog first, then the schemas that the body needs, pg_temp last. A body
in the form BEGIN ATOMIC is resolved when it is made, and is no finding.
""",
    statement=_statement,
)

"""SQL that a plan writes to look at something: one SELECT of one value. Pure."""

from __future__ import annotations

from typing import Any

from crossfade.plan.faults import fault


def one_select(text: str) -> str:
    """The text, if it is one SELECT that gives one column, changes nothing and locks nothing."""
    from pglast import ast, parse_sql
    from pglast.parser import ParseError

    try:
        statements = parse_sql(text)
    except ParseError as error:
        raise fault(f"not readable as SQL: {error.args[0]}", "write one SELECT that gives one value") from None
    if len(statements) != 1:
        raise fault(f"expected one SELECT; here are {len(statements)} statements", "write a single SELECT")
    select = statements[0].stmt
    if not isinstance(select, ast.SelectStmt) or select.intoClause is not None:
        raise fault("expected a SELECT, and it is another statement", "write one SELECT that gives one value")
    if select.lockingClause:
        raise fault("a SELECT that locks rows", "leave FOR UPDATE and its kind out: it only looks")
    if any(
        not isinstance(cte.ctequery, ast.SelectStmt) for cte in (select.withClause and select.withClause.ctes) or ()
    ):
        raise fault("a SELECT that changes rows in its WITH", "only look there")
    width = _width(select)
    if width != 1:
        raise fault(f"a SELECT of {width or 'no'} columns", "let it give one value")
    return text


def _width(select: Any) -> int:
    """How many columns it gives; of a UNION and its kind those of the first part."""
    while select.larg is not None:
        select = select.larg
    return len(select.valuesLists[0] if select.valuesLists else select.targetList or ())

"""The text that EXECUTE of PL/pgSQL is given, as far as constants make it: by `||`, format, quote_ident. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from crossfade.postgres.forecast.trees import NotOneStatement, below, constant, expression, kind, names
from crossfade.postgres.names import literal, quoted

_PLACE = re.compile(r"%(?:(\d+)\$)?([sIL%])")


def executed_text(query: str, variables: Mapping[str, str]) -> str | None:
    """What an expression comes to; None where it is not made of constants alone."""
    try:
        return _folded(expression(query), variables)
    except NotOneStatement:
        return None


def known_words(query: str) -> str:
    """The constants of an expression, in upper case: what can be told of a text that is not known."""
    try:
        found = [constant(node) for node in below(expression(query)) if kind(node) == "A_Const"]
    except NotOneStatement:
        return ""
    return " ".join(part for part in found if isinstance(part, str)).upper()


def constant_variables(parsed: Any) -> Mapping[str, str]:
    """Variables of a parsed body that are given one constant text and nothing else."""
    datums = parsed[0]["PLpgSQL_function"]["datums"]
    named = [next(iter(datum.values())).get("refname") for datum in datums]
    given: dict[str, list[str | None]] = {}
    for datum in datums:
        variable = datum.get("PLpgSQL_var", {})
        if "default_val" in variable:
            given.setdefault(variable["refname"], []).append(variable["default_val"]["PLpgSQL_expr"]["query"])
    for number, written in _assigned(parsed):
        if number < len(named):
            given.setdefault(named[number], []).append(written)
    alone = {name for name, times in Counter(named).items() if times == 1}
    known: dict[str, str] = {}
    for name, texts in given.items():
        text = executed_text(texts[0], {}) if name in alone and len(texts) == 1 and texts[0] is not None else None
        if text is not None:
            known[name] = text
    return known


def assigned_value(assignment: str) -> str:
    """The expression of PL/pgSQL's `target := expression`, whose sign may be `=` too."""
    return re.split(r":?=", assignment, maxsplit=1)[-1]


def _assigned(node: Any) -> Iterator[tuple[int, str | None]]:
    """Every assignment: the variable's number, and the expression; None where a query gives the value."""
    if isinstance(node, list):
        for part in node:
            yield from _assigned(part)
    elif isinstance(node, dict):
        for name, part in node.items():
            if name == "PLpgSQL_stmt_assign":
                whole = part["expr"]["PLpgSQL_expr"]["query"]
                yield part["varno"], assigned_value(whole)
            elif name == "fields":
                yield from ((field["varno"], None) for field in part)
            elif name == "PLpgSQL_diag_item":
                yield part["target"], None
            elif name == "PLpgSQL_stmt_foreach_a":
                yield part["varno"], None
                yield from _assigned(part)
            else:
                yield from _assigned(part)


def _folded(node: Any, variables: Mapping[str, str]) -> str | None:
    match kind(node):
        case "A_Expr" if names(node.name) == ("||",):
            parts = [_folded(node.lexpr, variables), _folded(node.rexpr, variables)]
            return _joined(parts)
        case "ColumnRef":
            return variables.get(names(node.fields)[-1]) if len(node.fields) == 1 and names(node.fields) else None
        case "TypeCast" if constant(node) is None:
            return _folded(node.arg, variables)
        case "FuncCall":
            return _called(names(node.funcname)[-1], [_folded(argument, variables) for argument in node.args or ()])
    value = constant(node)
    return None if value is None else str(value)


def _joined(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _called(function: str, arguments: list[str | None]) -> str | None:
    known = [argument for argument in arguments if argument is not None]
    if len(known) < len(arguments) or not known:
        return None
    match function:
        case "format":
            return _formatted(known[0], known[1:])
        case "concat":
            return "".join(known)
        case "quote_ident":
            return quoted(known[0])
        case "quote_literal":
            return literal(known[0])
    return None


def _formatted(pattern: str, arguments: list[str]) -> str | None:
    """`format`, without widths; None where an argument is missing."""
    if "%" in _PLACE.sub("", pattern):
        return None
    pieces, place, following = list[str](), 0, 0
    for found in _PLACE.finditer(pattern):
        pieces.append(pattern[place : found.start()])
        place = found.end()
        if found[2] == "%":
            pieces.append("%")
            continue
        following = int(found[1]) if found[1] else following + 1
        if not 1 <= following <= len(arguments):
            return None
        value = arguments[following - 1]
        pieces.append({"I": quoted, "L": literal}.get(found[2], str)(value))
    return "".join([*pieces, pattern[place:]])

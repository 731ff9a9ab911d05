"""Reading pglast's parse trees: one statement of a text, names, constants, every node below a node.

Nodes are told apart by the name of their class, so that this package imports pglast only when it reads something.
Pure.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from crossfade.parse import parsed

_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})


class NotOneStatement(ValueError):
    """The text is not one SQL statement; the message says why."""


# A plan is compiled several times on its way, and its statements are the same each time.
@lru_cache(maxsize=512)
def parse(text: str) -> tuple[Any, ...]:
    """The statements of the text, to be read only. Raises NotOneStatement where PostgreSQL's grammar refuses it."""
    from pglast.parser import ParseError

    try:
        return tuple(raw.stmt for raw in parsed(text))
    except (ParseError, UnicodeError) as error:
        raise NotOneStatement(f"it is not readable as SQL: {error.args[0]}") from None


def one_statement(text: str) -> Any:
    """The only statement of the text. Raises NotOneStatement."""
    statements = parse(text)
    if len(statements) != 1:
        raise NotOneStatement(f"it is {len(statements)} statements, not one")
    return statements[0]


def expression(text: str) -> Any:
    """The tree of one SQL expression. Raises NotOneStatement."""
    return one_statement(f"SELECT {text}").targetList[0].val


def kind(node: Any) -> str:
    """The name of the node's class: `AlterTableStmt`; `NoneType` for no node."""
    return type(node).__name__


def below(root: Any) -> Iterator[Any]:
    """A node and every node below it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        of: Any = type(node)
        if isinstance(node, tuple | list):
            waiting += reversed(node)
        elif (slots := _slots_with_nodes(of)) is not None:
            yield node
            waiting += [part for slot in slots if (part := getattr(node, slot)) is not None]


@cache
def _slots_with_nodes(of: Any) -> tuple[str, ...] | None:
    """Those of a kind of node, the last first; None for what is none.

    Most of what a node has is a number or a text, and need not be looked at.
    """
    from pglast.ast import Node

    slots: dict[str, Any] | None = of.__slots__ if issubclass(of, Node) else None
    if slots is None:
        return None
    return tuple(
        slot
        for slot, (_, types, _) in reversed(slots.items())
        if any(issubclass(one, Node | tuple) for one in (types if isinstance(types, tuple) else (types,)))
    )


def names(strings: Any) -> tuple[str, ...]:
    """The parts of a name that the tree has as a list of strings; also of a single one, and of none."""
    if strings is None:
        return ()
    if kind(strings) == "String":
        return (strings.sval,)
    return tuple(part.sval for part in strings if kind(part) == "String")


def relations_of(node: Any) -> Iterator[Any]:
    """Every RangeVar below a node, but for those that name a CTE of it."""
    inner = tuple(below(node))
    ctes = {n.ctename for n in inner if kind(n) == "CommonTableExpr"}
    yield from (n for n in inner if kind(n) == "RangeVar" and (n.schemaname is not None or n.relname not in ctes))


def columns_of(node: Any) -> tuple[str, ...]:
    """Every column that an expression names, without its table, each once; a whole row, `t.*`, is none."""
    references = (n.fields for n in below(node) if kind(n) == "ColumnRef")
    found = (names(fields) for fields in references if kind(fields[-1]) == "String")
    return tuple(dict.fromkeys(parts[-1] for parts in found if parts))


def functions_of(node: Any) -> Iterator[tuple[str, ...]]:
    """The name of every function that an expression calls, with its schema where the text has one."""
    return (names(n.funcname) for n in below(node) if kind(n) == "FuncCall")


def option(options: Any, name: str) -> Any:
    """The DefElem of that name; None where there is none."""
    return next((o for o in options or () if o.defname == name), None)


def is_on(options: Any, name: str) -> bool:
    """Whether an option without a value is there, or has a value that means yes."""
    found = option(options, name)
    if found is None:
        return False
    value = found.arg
    if kind(value) == "Boolean":
        return bool(value.boolval)
    if kind(value) == "Integer":
        return bool(value.ival)
    return value is None or str(value.sval).lower() in {"true", "on", "1"}


def text_constant(node: Any) -> str | None:
    """A text, such as the label of an enum, without its casts; None for anything else."""
    while kind(node) == "TypeCast":
        node = node.arg
    return str(node.val.sval) if kind(node) == "A_Const" and kind(node.val) == "String" else None


def constant(node: Any) -> Decimal | str | None:
    """What an expression of constants comes to: a number, or a text as it is written; None for anything else.

    Casts are looked through, and arithmetic of numbers is done, as the planner does it.
    """
    match kind(node):
        case "TypeCast":
            value = constant(node.arg)
            return _as_number(value) if names(node.typeName.names)[-1] in _NUMBERS else value
        case "A_Const" if not node.isnull:
            return _value(node.val)
        case "A_Expr" if node.name:
            return _computed(node)
        case _:
            return None


def _as_number(value: Decimal | str | None) -> Decimal | str | None:
    try:
        return Decimal(value) if value is not None else None
    except ArithmeticError:
        return value


def _value(value: Any) -> Decimal | str | None:
    match kind(value):
        case "Integer":
            return Decimal(value.ival)
        case "Float":
            return Decimal(value.fval)
        case "String":
            return str(value.sval)
        case "Boolean":
            return str(value.boolval).lower()
        case _:
            return None


def _computed(node: Any) -> Decimal | None:
    symbol = names(node.name)[-1]
    right = constant(node.rexpr)
    left = constant(node.lexpr) if node.lexpr is not None else Decimal(0)
    if symbol not in _ARITHMETIC or not isinstance(left, Decimal) or not isinstance(right, Decimal):
        return None
    done: Decimal = _ARITHMETIC[symbol](left, right)
    return done

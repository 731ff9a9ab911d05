"""A DEFAULT as a value, where it is a constant or one of the functions that models have a word for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind, names, one_statement

if TYPE_CHECKING:
    from crossfade.plan.expressions import Expression


class Called(Enum):
    """A function without arguments."""

    NOW = "now()"
    UUID = "gen_random_uuid()"


@dataclass(frozen=True, slots=True)
class Number:
    """A number, as it is written."""

    text: str


Constant = str | bool | Number | Called
_CALLED = {"now": Called.NOW, "gen_random_uuid": Called.UUID}


def constant(expression: Expression) -> Constant | None:
    """The value, without the type that it is cast to; None for what is no constant."""
    (target,) = one_statement(f"SELECT {expression.sql}").targetList
    return _constant(target.val)


def _constant(node: Any) -> Constant | None:
    if kind(node) == "TypeCast":
        return _constant(node.arg)
    if kind(node) == "FuncCall" and not node.args:
        return _CALLED.get(names(node.funcname)[-1])
    if kind(node) == "SQLValueFunction":
        return Called.NOW if node.op.name == "SVFOP_CURRENT_TIMESTAMP" else None
    if kind(node) != "A_Const" or node.isnull:
        return None
    match kind(node.val):
        case "String":
            return str(node.val.sval)
        case "Boolean":
            return bool(node.val.boolval)
        case "Integer":
            return Number(str(node.val.ival or 0))
        case "Float":
            return Number(str(node.val.fval))
    return None

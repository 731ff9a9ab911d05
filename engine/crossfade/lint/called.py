"""Functions that a file makes and calls itself: what they do runs where they are called. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crossfade.lint.bodies import body_of, called_body, calling
from crossfade.postgres.forecast.trees import functions_of, kind, names

if TYPE_CHECKING:
    from crossfade.lint.bodies import Body
    from crossfade.migrations.script import SqlStatement


def with_bodies(statements: Sequence[SqlStatement]) -> Iterator[tuple[SqlStatement, tuple[Body, ...]]]:
    """Each statement with the bodies that belong to it: its own, and those of functions that it calls.

    A function is one of these where statements before have made it; it is given at its first call, with what it does to
    rows, and not where it is made; behind it are those that it calls in turn. By its name: of several of one name the
    last is taken.
    """
    makes = any(kind(one.tree) == "CreateFunctionStmt" for one in statements)
    called = _called(statements) if makes else {}
    given = {id(function) for functions in called.values() for function in functions}
    for number, one in enumerate(statements):
        own = None if id(one) in given else body_of(one)
        found = (own, *map(called_body, called.get(number, ())))
        yield one, tuple(body for body in found if body is not None)


def _called(statements: Sequence[SqlStatement]) -> dict[int, list[SqlStatement]]:
    """By the number of a statement the functions that are first called by it, as the statements that make them."""
    made: dict[str, SqlStatement] = {}
    called: dict[int, list[SqlStatement]] = {}
    for number, one in enumerate(statements):
        if kind(one.tree) == "CreateFunctionStmt":
            made[_name(one)] = one
            continue
        found: list[SqlStatement] = []
        waiting = sorted(_calls(one))
        while waiting:
            function = made.pop(waiting.pop(0), None)
            if function is not None:
                found.append(function)
                waiting += sorted(_calls(function))
        called[number] = found
    return called


def _name(statement: SqlStatement) -> str:
    return names(statement.tree.funcname)[-1]


def _calls(statement: SqlStatement) -> frozenset[str]:
    """The names of functions and procedures that a SELECT, CALL or DO calls, or the body of a function."""
    match kind(statement.tree):
        case "SelectStmt" | "CallStmt":
            trees = [statement.tree]
        case "DoStmt" | "CreateFunctionStmt":
            trees = list(calling(statement))
        case _:
            return frozenset()
    return frozenset(name[-1] for tree in trees for name in functions_of(tree))

"""Functions that a file makes and calls itself: what they do runs where they are called. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from crossfade.lint.bodies import body_of, called_body, called_by_block
from crossfade.postgres.forecast.trees import functions_of, kind, names

if TYPE_CHECKING:
    from crossfade.lint.bodies import Body
    from crossfade.migrations.script import SqlStatement


def with_bodies(statements: Sequence[SqlStatement]) -> Iterator[tuple[SqlStatement, tuple[Body, ...]]]:
    """Each statement with the bodies that belong to it: its own, and those of functions that it calls.

    A function is one of these where statements before have made it; it is given at its first call, with what it does to
    rows, and not where it is made. By its name: of several of one name the last is taken. What functions call is not
    followed.
    """
    made: dict[str, SqlStatement] = {}
    makes = any(kind(one.tree) == "CreateFunctionStmt" for one in statements)
    calls = {number: _calls(one) for number, one in enumerate(statements)} if makes else {}
    last = {name: number for number, each in calls.items() for name in each}
    for number, one in enumerate(statements):
        called = sorted(calls.get(number, frozenset()) & made.keys())
        found = [called_body(made.pop(name)) for name in called]
        if kind(one.tree) == "CreateFunctionStmt":
            name = _name(one)
            made[name] = one
            if last.get(name, 0) > number:
                yield one, ()
                continue
        yield one, tuple(body for body in (body_of(one), *found) if body is not None)


def _name(statement: SqlStatement) -> str:
    return names(statement.tree.funcname)[-1]


def _calls(statement: SqlStatement) -> frozenset[str]:
    """The names of functions and procedures that a SELECT, CALL or DO calls."""
    match kind(statement.tree):
        case "SelectStmt" | "CallStmt":
            trees = [statement.tree]
        case "DoStmt":
            trees = list(called_by_block(statement))
        case _:
            return frozenset()
    return frozenset(name[-1] for tree in trees for name in functions_of(tree))

"""Functions that a file makes and calls itself: what they do runs where they are called. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from crossfade.lint.bodies import body_of, called_body, calling
from crossfade.postgres.forecast.trees import functions_of, kind, names

if TYPE_CHECKING:
    from crossfade.lint.bodies import Body
    from crossfade.migrations.script import SqlStatement

_Name: TypeAlias = tuple[str, str]
"""Its schema, empty where none is written, and its own name."""


def with_bodies(statements: Sequence[SqlStatement]) -> Iterator[tuple[SqlStatement, tuple[Body, ...]]]:
    """Each statement with the bodies that belong to it: its own, and those of functions that it calls.

    A function is one of these where statements before have made it; it is given at its first call, with what it does to
    rows, and not where it is made; behind it are those that it calls in turn. By its name: of several of one name the
    last is taken, and a name without a schema may mean one in any.
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
    made: dict[_Name, SqlStatement] = {}
    called: dict[int, list[SqlStatement]] = {}
    for number, one in enumerate(statements):
        if kind(one.tree) == "CreateFunctionStmt":
            made[_name(names(one.tree.funcname))] = one
            continue
        found: list[SqlStatement] = []
        waiting = _calls(one)
        while waiting:
            name = _meant(waiting.pop(0), made)
            if name is not None:
                found.append(made.pop(name))
                waiting += _calls(found[-1])
        called[number] = found
    return called


def _name(parts: tuple[str, ...]) -> _Name:
    return (parts[-2] if len(parts) > 1 else "", parts[-1])


def _meant(called: _Name, made: Mapping[_Name, SqlStatement]) -> _Name | None:
    """Which of them is called, the one that was made last first."""
    schema, name = called
    if called in made:
        return called
    return next((one for one in reversed(tuple(made)) if one[1] == name and not (one[0] and schema)), None)


def _calls(statement: SqlStatement) -> list[_Name]:
    """The functions and procedures that a statement calls, or the body of a DO block or a function; sorted."""
    match kind(statement.tree):
        case "SelectStmt" | "InsertStmt" | "UpdateStmt" | "DeleteStmt" | "MergeStmt" | "CreateTableAsStmt" | "CallStmt":
            trees = [statement.tree]
        case "DoStmt" | "CreateFunctionStmt":
            trees = list(calling(statement))
        case _:
            return []
    return sorted({_name(parts) for tree in trees for parts in functions_of(tree)})

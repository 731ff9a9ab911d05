"""Nodes of pglast's parse trees, told apart by the name of their class, so that pglast is imported only to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def kind_of(node: Any) -> str:
    """The name of the node's class: `AlterTableStmt`; `NoneType` for no node."""
    return type(node).__name__


def below(root: Any) -> Iterator[Any]:
    """A node and every node below it, in the order of the text as far as the tree has it."""
    from pglast.ast import Node

    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple | list):
            waiting += reversed(node)
        elif isinstance(node, Node):
            yield node
            waiting += [getattr(node, slot) for slot in reversed([*node])]


def depth(root: Any) -> int:
    """How many nodes stand inside of each other."""
    from pglast.ast import Node

    deepest, waiting = 0, [(root, 0)]
    while waiting:
        node, level = waiting.pop()
        if isinstance(node, tuple | list):
            waiting += [(part, level) for part in node]
        elif isinstance(node, Node):
            deepest = max(deepest, level + 1)
            waiting += [(getattr(node, slot), level + 1) for slot in node]
    return deepest


def strings(parts: Any) -> tuple[str, ...]:
    """The parts of a name that the tree has as a list of strings; also of a single one, and of none."""
    if kind_of(parts) == "String":
        return (parts.sval,)
    return tuple(part.sval for part in parts or () if kind_of(part) == "String") if isinstance(parts, tuple) else ()

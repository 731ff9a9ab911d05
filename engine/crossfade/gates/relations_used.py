"""What the names in a statement's FROM, and the targets of its writes, stand for: the watched table or not. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from pglast import ast

from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.gates.watched_column import WatchedColumn

_WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)


class Kind(Enum):
    """What an item of FROM is."""

    TABLE = auto()
    """The watched one, or it can be."""
    QUERY = auto()
    """A subquery, a common table expression, a function: it has the columns that it names."""
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Used:
    """The relations of one statement, whichever part of it they stand in."""

    members: frozenset[QualifiedName]
    expressions: frozenset[str] = frozenset()
    """The common table expressions."""
    by_name: dict[str, set[Kind]] = field(default_factory=dict)

    @property
    def has_table(self) -> bool:
        """Whether the statement uses the table at all."""
        return any(Kind.TABLE in kinds for kinds in self.by_name.values())

    def kinds(self, name: str) -> frozenset[Kind]:
        """Everything that the name stands for, somewhere in the statement."""
        return frozenset(self.by_name.get(name, ()))

    def may_be_table(self, qualifier: str) -> bool:
        """Whether a column behind this qualifier can be one of the table's; a qualifier that nobody knows can."""
        kinds = self.kinds(qualifier)
        return not kinds or Kind.TABLE in kinds

    def is_table(self, relation: Any) -> bool:
        """Whether the relation can be the table. Without a schema it is one of any schema."""
        schema, name = relation.schemaname, relation.relname
        return any(m.name == name and schema in (None, m.schema) for m in self.members)

    def takes_from(self, items: Sequence[Any] | None) -> bool:
        """Whether a FROM has the table itself, not only in a subquery."""
        return any(isinstance(r, ast.RangeVar) and self.is_table(r) for item in items or () for r in _joined(item))

    def kind(self, relation: Any) -> Iterator[Kind]:
        """What a relation in FROM can be."""
        if relation.schemaname is None and relation.relname in self.expressions:
            yield Kind.QUERY
        if self.is_table(relation):
            yield Kind.TABLE
        elif relation.schemaname is not None or relation.relname not in self.expressions:
            yield Kind.OTHER


def used(statement: Any, column: WatchedColumn) -> Used:
    """The relations of a statement, by every name that they go by in it."""
    nodes = tuple(every_node(statement))
    expressions = frozenset(n.ctename or "" for n in nodes if isinstance(n, ast.CommonTableExpr))
    found = Used(column.members, expressions)
    for node in nodes:
        for name, kinds in _named(node, found):
            found.by_name.setdefault(name, set()).update(kinds)
    return found


def _named(node: Any, found: Used) -> Iterator[tuple[str, tuple[Kind, ...]]]:
    if isinstance(node, ast.RangeVar):
        yield (node.alias and node.alias.aliasname) or node.relname or "", tuple(found.kind(node))
    elif isinstance(node, ast.JoinExpr) and node.alias:
        # It has the columns of all that it joins, without naming them.
        yield node.alias.aliasname or "", (Kind.TABLE if found.takes_from((node,)) else Kind.QUERY,)
    elif isinstance(node, _WRITES):
        clause = node.returningClause
        names = ["excluded", "old", "new", *(option.value for option in (clause and clause.options) or ())]
        kinds = tuple(found.kind(node.relation))
        yield from ((name, kinds) for name in names)
    elif not isinstance(node, ast.CommonTableExpr) and getattr(node, "alias", None) is not None:
        yield node.alias.aliasname, (Kind.QUERY,)


def _joined(item: Any) -> Iterator[Any]:
    """The items of a FROM below its joins."""
    waiting = [item]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinExpr):
            waiting += [node.larg, node.rarg]
        elif isinstance(node, ast.RangeTableSample):
            waiting.append(node.relation)
        else:
            yield node


def every_node(root: Any) -> Iterator[Any]:
    """Every node of a tree. Not by recursion: a long chain of operators is a deep tree."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, ast.Node):
            yield node
            waiting.extend(getattr(node, part) for part in node)

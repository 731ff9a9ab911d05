"""Which tables' columns a statement takes by `*`, so that it feels a column that is added. Pure.

PostgreSQL expands a star when it plans. Where the columns reach the statement's result, a prepared one fails with
`cached plan must not change result type`; where they go into an INSERT, a comparison or one arm of a set operation, the
statement fails by itself, since their number no longer fits. A star whose columns go nowhere (`count(*)`,
`EXISTS (SELECT * …)`, a subquery of which only named columns are used) does no harm and is not found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from pglast import ast
from pglast.enums import SetOperation, SubLinkType

from crossfade.postgres.names import QualifiedName
from crossfade.postgres.seen_text import read_statements

Tables: TypeAlias = frozenset[QualifiedName]
Relations: TypeAlias = tuple[tuple[str, Tables], ...]
"""The relations of a FROM by alias, each with the tables whose columns its star shows."""

_NONE: Tables = frozenset()
_QUERIES = (ast.SelectStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)
_READ_ELSEWHERE = frozenset(
    ("relation", "selectStmt", "fromClause", "usingClause", "sourceRelation", "returningClause", "withClause")
)
"""Parts of a writing statement that are no expressions, and are read one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stars:
    """The tables that a statement takes by a star."""

    result: Tables = _NONE
    """Their columns are in what the statement returns."""
    fixed: Tables = _NONE
    """Their columns go where a certain number of them is expected."""


def find_stars(query: str, tables: Sequence[QualifiedName]) -> Stars:
    """What the text takes by a star of those tables; nothing where it is not SQL.

    An unqualified name counts for a table in any schema, since the search_path of the statement is not known.
    """
    reader, result = _Reader(tables), _NONE
    for read in read_statements(query) or ():
        statement = read.query if isinstance(read, ast.PrepareStmt) else read
        if isinstance(statement, _QUERIES):
            result |= reader.result(statement, _Scope())
    return Stars(result=result, fixed=reader.fixed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What the names at some place of a statement stand for."""

    expressions: Mapping[str, Tables] = field(default_factory=dict)
    """The common table expressions."""
    relations: Mapping[str, Tables] = field(default_factory=dict)
    """Those of the query's own FROM, and of the queries around it."""
    here: Tables = _NONE
    """What a bare star shows."""

    def within(self, relations: Relations) -> _Scope:
        """The same with a FROM of its own."""
        here = _NONE.union(*(shown for _, shown in relations))
        return replace(self, relations={**self.relations, **dict(relations)}, here=here)


class _Reader:
    """Walks the parse tree of a statement; `fixed` grows on the way."""

    def __init__(self, tables: Sequence[QualifiedName]) -> None:
        self._tables = tables
        self.fixed = _NONE

    def result(self, query: Any, scope: _Scope) -> Tables:
        """The tables whose columns reach the query's result by a star."""
        for expression in query.withClause.ctes if query.withClause else ():
            shown = self.result(expression.ctequery, scope)
            scope = replace(scope, expressions={**scope.expressions, expression.ctename: shown})
        if not isinstance(query, ast.SelectStmt):
            return self._write(query, scope)
        if query.op != SetOperation.SETOP_NONE:
            return self._set_operation(query, scope)
        scope = scope.within(self._relations(query.fromClause or (), scope))
        self._visit((query.whereClause, query.havingClause, query.groupClause, query.sortClause), scope)
        self._visit((query.valuesLists, query.distinctClause, query.limitCount, query.limitOffset), scope)
        return self._targets(query.targetList or (), scope)

    def _set_operation(self, query: Any, scope: _Scope) -> Tables:
        left, right = self.result(query.larg, scope), self.result(query.rarg, scope)
        self.fixed |= left ^ right
        return left | right

    def _write(self, query: Any, scope: _Scope) -> Tables:
        target = (_alias(query.relation), self._named(query.relation))
        if isinstance(query, ast.InsertStmt):
            taken = self.result(query.selectStmt, scope) if query.selectStmt else _NONE
            # Without a column list the target grows by the same column.
            self.fixed |= taken if query.cols else taken - target[1]
            sources: Relations = ()
        elif isinstance(query, ast.MergeStmt):
            sources = self._relations((query.sourceRelation,), scope)
        else:
            clause = query.fromClause if isinstance(query, ast.UpdateStmt) else query.usingClause
            sources = self._relations(clause or (), scope)
        scope = scope.within((target, *sources))
        self._visit(tuple(getattr(query, part) for part in query if part not in _READ_ELSEWHERE), scope)
        return self._returned(query.returningClause, target[1], scope)

    def _returned(self, clause: Any, target: Tables, scope: _Scope) -> Tables:
        if clause is None:
            return _NONE
        names = {"old": target, "new": target, **{option.value: target for option in clause.options or ()}}
        # A relation that is really called `new` stands for itself.
        return self._targets(clause.exprs, replace(scope, relations={**names, **scope.relations}))

    def _relations(self, items: Sequence[Any], scope: _Scope) -> Relations:
        found: Relations = ()
        for item in items:
            found += tuple(self._relation(item, scope.within(found)))
        return found

    def _relation(self, item: Any, scope: _Scope) -> Iterator[tuple[str, Tables]]:
        if isinstance(item, ast.RangeVar):
            yield _alias(item), self._shown(item, scope)
        elif isinstance(item, ast.RangeSubselect):
            yield _alias(item), self.result(item.subquery, scope)
        elif isinstance(item, ast.RangeTableSample):
            yield from self._relation(item.relation, scope)
        elif isinstance(item, ast.JoinExpr):
            joined = self._relations((item.larg, item.rarg), scope)
            self._visit(item.quals, scope.within(joined))
            shown = _NONE.union(*(tables for _, tables in joined))
            yield from ((_alias(item), shown),) if item.alias else joined
        else:
            self._visit(item, scope)
            yield _alias(item), _NONE

    def _shown(self, relation: Any, scope: _Scope) -> Tables:
        if relation.schemaname is None and relation.relname in scope.expressions:
            return scope.expressions[relation.relname]
        return self._named(relation)

    def _named(self, relation: Any) -> Tables:
        schema, name = relation.schemaname, relation.relname
        return frozenset(t for t in self._tables if t.name == name and schema in (None, t.schema))

    def _targets(self, targets: Sequence[Any], scope: _Scope) -> Tables:
        shown = _NONE
        for target in targets:
            path = _star_path(target.val)
            if path is None:
                self._visit(target.val, scope)
            else:
                shown |= scope.relations.get(path[-1], _NONE) if path else scope.here
        return shown

    def _visit(self, node: Any, scope: _Scope) -> None:
        """Look for subqueries in expressions. Not by recursion: a long chain of operators is a deep tree."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.SubLink):
                shown = self.result(node.subselect, scope)
                self.fixed |= _NONE if node.subLinkType == SubLinkType.EXISTS_SUBLINK else shown
                waiting.append(node.testexpr)
            elif isinstance(node, tuple):
                waiting.extend(node)
            elif isinstance(node, ast.Node):
                waiting.extend(getattr(node, part) for part in node)


def _alias(item: Any) -> str:
    """The name by which the rest of the query knows an item of FROM; empty where it has none."""
    alias = getattr(item, "alias", None)
    name: str = alias.aliasname if alias else getattr(item, "relname", "")
    return name


def _star_path(value: Any) -> tuple[str, ...] | None:
    """The names in front of a star: none for `*`, `u` for `u.*` and `(u).*`; None where there is no star."""
    fields: tuple[Any, ...] = ()
    if isinstance(value, ast.ColumnRef):
        fields = tuple(value.fields or ())
    elif isinstance(value, ast.A_Indirection) and isinstance(value.arg, ast.ColumnRef):
        fields = (*(value.arg.fields or ()), *(value.indirection or ()))
    if not fields or not isinstance(fields[-1], ast.A_Star):
        return None
    return tuple(str(f.sval) for f in fields[:-1] if isinstance(f, ast.String))

"""Whether a statement names a column of a table, by its parse tree. Pure.

It says rather too much than too little, since nothing is known of other tables' columns and of search paths: a name
without a qualifier counts wherever the statement uses the table at all, and a table without a schema is one of any
schema. A qualifier counts unless it stands for other tables only, or for a query in which the column would have been
named itself. The name that a result gets (`new AS old`) is no column; nor is such a name in ORDER BY.
`SELECT *`, whole rows, NATURAL JOIN and an INSERT or COPY without a column list take every column and name none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from pglast import ast
from pglast.enums import CmdType

from crossfade.gates.own_statements import is_own
from crossfade.gates.relations_used import Kind, Used, every_node, used
from crossfade.gates.watched_column import WatchedColumn
from crossfade.postgres.seen_text import read_statements, tables_named

_ROWS = (
    ast.SelectStmt,
    ast.InsertStmt,
    ast.UpdateStmt,
    ast.DeleteStmt,
    ast.MergeStmt,
    ast.PrepareStmt,
    ast.DeclareCursorStmt,
    ast.ExplainStmt,
    ast.CreateTableAsStmt,
    ast.CopyStmt,
)
_WORD = re.compile(r"\w+")
_WRITES = (ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt, ast.MergeStmt)


class Mention(IntEnum):
    """How a statement is about a column; of several answers the greatest counts."""

    NONE = 0
    STAR = 1
    """It takes every column of the table, and by its text it cannot be told whether this one is used."""
    UNREADABLE = 2
    """The column's name stands in it as a word, and its text cannot be read as SQL, or has code of another kind."""
    NAMED = 3


@dataclass(frozen=True, slots=True)
class Reference:
    """What a statement has to do with the columns."""

    mention: Mention
    columns: tuple[WatchedColumn, ...] = ()
    """Those of which this is true."""


@lru_cache(maxsize=16_384)
def find_reference(text: str, columns: tuple[WatchedColumn, ...]) -> Reference:
    """The most that a statement's text says of any of the columns. A gate that waits asks for the same ones again."""
    if not _may_concern(text, columns):
        return Reference(Mention.NONE)
    statements = read_statements(text)
    if statements is None or any(isinstance(s, ast.DoStmt) for s in statements):
        found = {column: Mention.UNREADABLE for column in columns if _has_word(text, column.name)}
    else:
        found = {column: max((_mention(s, column) for s in statements), default=Mention.NONE) for column in columns}
    most = max(found.values(), default=Mention.NONE)
    if most is Mention.NONE:
        return Reference(most)
    return Reference(most, tuple(column for column, mention in found.items() if mention is most))


def _may_concern(text: str, columns: tuple[WatchedColumn, ...]) -> bool:
    """Whether the text is worth the time that reading it takes: most are about other tables."""
    lowered = text.lower()
    if 'u&"' in lowered:
        return True
    plain, odd = _names(columns)
    if plain.isdisjoint(_WORD.findall(lowered)) and not any(name in lowered for name in odd):
        return False
    named = tables_named(text)
    return named is None or any(member.name in named for column in columns for member in column.members)


@lru_cache(maxsize=64)
def _names(columns: tuple[WatchedColumn, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of columns and tables as they stand in a text in small letters: those that are words, and others."""
    names = {c.name for c in columns} | {m.name for c in columns for m in c.members}
    written = {name.replace('"', '""').lower() for name in names}
    plain = frozenset(name for name in written if _WORD.fullmatch(name))
    return plain, frozenset(written) - plain


def _has_word(text: str, name: str) -> bool:
    # An escaped name (`U&"d\0061ta"`) can be any.
    escaped = re.search(r"u&\"", text, re.IGNORECASE) is not None
    return escaped or re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None


def _mention(statement: Any, column: WatchedColumn) -> Mention:
    relations = used(statement, column)
    if not relations.has_table or isinstance(statement, ast.CreateStmt) or is_own(statement, column):
        return Mention.NONE
    if not isinstance(statement, _ROWS):
        return Mention.NAMED if any(_names_in(node, column.name) for node in every_node(statement)) else Mention.NONE
    reader = _Reader(column, relations)
    return reader.read(statement)


def _names_in(node: Any, name: str) -> bool:
    """Whether any text of a node is the name: of DDL, where a column can stand in many places."""
    return any(getattr(node, part) == name for part in node)


class _Reader:
    """Walks the parse tree of one statement that uses the table."""

    def __init__(self, column: WatchedColumn, relations: Used) -> None:
        self._name = column.name
        self._column = column
        self._relations = relations
        self._named = False
        self._star = False
        self._derived = False
        """The name was taken from a query, which has it only if it names it itself or takes every column."""

    def read(self, statement: Any) -> Mention:
        """What the statement has to do with the column."""
        waiting = [statement]
        while waiting and not self._named:
            node = waiting.pop()
            if isinstance(node, tuple):
                waiting.extend(node)
            elif isinstance(node, ast.Node):
                waiting.extend(self._visit(node))
        if self._named or (self._derived and self._star):
            return Mention.NAMED
        return Mention.STAR if self._star else Mention.NONE

    def _visit(self, node: Any) -> Sequence[Any]:
        """Look at a node; the parts of it that are still to be looked at."""
        if isinstance(node, ast.ColumnRef):
            self._column_ref(node)
            return ()
        if isinstance(node, ast.SelectStmt):
            return self._select(node)
        if isinstance(node, ast.ReturningClause):
            return tuple(target.val for target in node.exprs or ())
        if isinstance(node, ast.ResTarget):
            # Its name is a column's only in a list of what is written, where `_write` has looked at it.
            return (node.val, node.indirection)
        if isinstance(node, ast.A_Indirection):
            self._indirection(node)
        elif isinstance(node, ast.FuncCall):
            self._call(node)
        elif isinstance(node, ast.JoinExpr):
            self._star |= bool(node.isNatural)
            self._named |= any(part.sval == self._name for part in node.usingClause or ())
        elif isinstance(node, ast.RangeVar):
            self._star |= bool(node.alias and node.alias.colnames) and self._relations.is_table(node)
        elif isinstance(node, ast.CopyStmt) and node.relation and self._relations.is_table(node.relation):
            self._star |= not node.attlist
            self._named |= any(part.sval == self._name for part in node.attlist or ())
        elif isinstance(node, _WRITES) and self._relations.is_table(node.relation):
            self._write(node)
        return tuple(getattr(node, part) for part in node)

    def _column_ref(self, node: Any) -> None:
        *before, last = node.fields
        qualifier = getattr(before[-1], "sval", None) if before else None
        if isinstance(last, ast.A_Star):
            self._star |= qualifier is None or self._relations.may_be_table(qualifier)
        elif last.sval == self._name:
            self._take(qualifier)
        elif qualifier is None and Kind.TABLE in self._relations.kinds(last.sval):
            self._star = True  # the whole row

    def _take(self, qualifier: str | None) -> None:
        """The name stands behind this qualifier."""
        if qualifier is None or self._relations.may_be_table(qualifier):
            self._named = True
        elif Kind.QUERY in self._relations.kinds(qualifier):
            self._derived = True

    def _select(self, node: Any) -> Sequence[Any]:
        targets = node.targetList or ()
        results = {target.name for target in targets} | _results_of_first_arm(node)
        sorts = [s for s in node.sortClause or () if _bare_name(s.node) not in results]
        distinct = [d for d in node.distinctClause or () if _bare_name(d) not in results]
        values = [t.val for t in targets if not _is_bare_star(t.val) or self._relations.takes_from(node.fromClause)]
        rest = [getattr(node, p) for p in node if p not in ("targetList", "sortClause", "distinctClause")]
        return (*values, *sorts, *distinct, *rest)

    def _indirection(self, node: Any) -> None:
        """`(u).email`, `(u).*`."""
        qualifier = _last_name(node.arg)
        for part in node.indirection or ():
            if isinstance(part, ast.A_Star):
                self._star |= qualifier is None or self._relations.may_be_table(qualifier)
            elif isinstance(part, ast.String) and part.sval == self._name:
                self._named |= qualifier is None or self._relations.may_be_table(qualifier)
                self._derived = True

    def _call(self, node: Any) -> None:
        """`email(u)` is another way to write `u.email`."""
        args: tuple[Any, ...] = node.args or ()
        if len(args) == 1 and node.funcname[-1].sval == self._name:
            self._named |= Kind.TABLE in self._relations.kinds(_bare_name(args[0]))

    def _write(self, node: Any) -> None:
        """The columns that a statement on the table writes, or finds a conflict in."""
        written = [*(getattr(node, "cols", None) or ()), *(getattr(node, "targetList", None) or ())]
        conflict = getattr(node, "onConflictClause", None)
        if conflict is not None:
            written += [*(conflict.targetList or ()), *((conflict.infer and conflict.infer.indexElems) or ())]
        for action in getattr(node, "mergeWhenClauses", None) or ():
            written += action.targetList or ()
            self._star |= action.commandType == CmdType.CMD_INSERT and bool(action.values) and not action.targetList
        self._named |= any(target.name == self._name for target in written)
        if isinstance(node, ast.InsertStmt) and node.selectStmt is not None and not node.cols:
            self._star = True


def _results_of_first_arm(select: Any) -> set[str | None]:
    """The names of what a UNION and its kind give; nothing else can stand in their ORDER BY."""
    if select.larg is None:
        return set()
    while select.larg is not None:
        select = select.larg
    targets = select.targetList or ()
    return {t.name or _last_name(t.val) for t in targets}


def _fields(node: Any) -> tuple[Any, ...]:
    """The parts of a column reference; none for anything else."""
    return tuple(node.fields or ()) if isinstance(node, ast.ColumnRef) else ()


def _bare_name(node: Any) -> str:
    """The name of a column reference without a qualifier; an empty one for anything else."""
    fields = _fields(node)
    return getattr(fields[0], "sval", "") if len(fields) == 1 else ""


def _last_name(node: Any) -> str | None:
    return getattr(_fields(node)[-1], "sval", None) if _fields(node) else None


def _is_bare_star(node: Any) -> bool:
    fields = _fields(node)
    return len(fields) == 1 and isinstance(fields[0], ast.A_Star)

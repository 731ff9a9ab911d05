"""Statements of a plan's own, tried on empty temporary tables with the names and columns of those that they name. Pure.

A slip in the name of a column or a role would come to light in the middle of a run. No user's table is locked or looked
at for it: what a statement names is put into the session's own schema, and rows are never asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.raw_sql.sql_foretold import MAKERS, foretell, made_by, run_of, undoing
from crossfade.operations.step import Trial
from crossfade.parse import parsed
from crossfade.plan.nodes import below, kind_of, strings
from crossfade.postgres.forecast import Schema
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.plan.changes.sql import RawSql
    from crossfade.plan.sql_statements import SqlStatement
    from crossfade.postgres.catalog import Catalog, Column, Table

_THERE = "pg_temp"
_ABOUT_NAMES_TEXT = """
    42601 42701 42702 42703 42704 42725 42803 42804 42846 42883 428C9 42P17 42P18 42P20 22003 22007 22008
"""
_ABOUT_NAMES = frozenset(_ABOUT_NAMES_TEXT.split())
"""SQLSTATEs that are about what the statement says: columns, types, functions, how they go together, constants. Any
other may come of the table on which it is tried, which has no rows, constraints or owner of its own, and lies
elsewhere; or of labels that the plan gives an enum."""
_QUERIES = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_AS_IT_IS = frozenset(
    {"CreateStmt", "ViewStmt", "IndexStmt", "CreateTrigStmt", "CreatePolicyStmt", "CreateStatsStmt", "RuleStmt"}
)
_OF_COLUMNS_TEXT = """
    AT_AddColumn AT_DropColumn AT_ColumnDefault AT_SetNotNull AT_DropNotNull AT_AlterColumnType AT_SetStatistics
    AT_SetStorage AT_AddConstraint AT_AddIdentity AT_SetIdentity AT_DropIdentity AT_SetExpression AT_DropExpression
"""
_OF_COLUMNS = frozenset(_OF_COLUMNS_TEXT.split())
_IDENTITY = {True: sql.SQL("ALWAYS"), False: sql.SQL("BY DEFAULT")}
_OTHERS_TEXT = """
    AlterTableStmt DropStmt TruncateStmt CommentStmt GrantStmt GrantRoleStmt
    AlterOwnerStmt AlterPolicyStmt AlterSeqStmt VacuumStmt LockStmt ReindexStmt ClusterStmt
    RefreshMatViewStmt CreateTableAsStmt VariableSetStmt
"""
_MAKING_NO_NAMES = _QUERIES | _AS_IT_IS | frozenset(_OTHERS_TEXT.split())
"""They make no roles, types, functions or operators that a later statement might use."""


def trials(change: RawSql, catalog: Catalog, read: Catalog) -> Iterator[Trial]:
    """What the database can say of each statement; `read` is the catalog before the plan.

    Not of one on a table that an earlier change of the plan is about: which shape it has then depends on the phase.
    """
    schema = Schema.of(catalog)
    made: list[str] = []
    for phase, runs, back in (
        ("expand", change.expand, change.rollback),
        ("contract", change.contract, change.revert),
        ("drop", map(run_of, change.drop), ()),
    ):
        told, schema = foretell(phase, runs, schema)
        for one in told:
            yield _trial(one, catalog, read, made)
            if one.statement.kind in MAKERS:
                made.append(one.statement.text)
            elif _makes_other_names(one.statement):
                return
            yield from (_trial(undo, catalog, read, made) for undo in undoing(one))
        undone, _ = foretell("rollback" if phase == "expand" else "revert", map(run_of, back), schema)
        yield from (_trial(one, catalog, read, made) for one in undone)


def makes_other_names(change: RawSql) -> bool:
    """Whether its statements may make what a later change names, and what is not there to be tried with."""
    expand = (run.run for run in change.expand if run.run.kind not in MAKERS)
    return any(map(_makes_other_names, (*expand, *(run.run for run in change.contract), *change.drop)))


def _makes_other_names(statement: SqlStatement) -> bool:
    """Roles, types, functions or operators, by making them or by another name or schema."""
    if statement.kind in {"RenameStmt", "AlterObjectSchemaStmt"}:
        return statement.tree().relation is None
    return statement.kind not in _MAKING_NO_NAMES


def _trial(told: Foretold, catalog: Catalog, read: Catalog, made: Iterable[str]) -> Trial:
    tree, moved = told.statement.tree(), _Moved(told=told, catalog=catalog, read=read)
    prelude, statement, names = tuple(_roles(tree)), "SELECT", tuple(_last_names(tree))
    if not _depends_on_more(tree, told) and moved.take(tree):
        tried = _tried(tree)
        if tried is not None:
            prelude, statement = (*prelude, *moved.shadows.values()), tried
    return Trial(
        where=f"{told.place} of sql",
        shown=told.statement.short,
        columns=(),
        made=tuple(made),
        prelude=prelude,
        statement=statement,
        about=_ABOUT_NAMES,
        row_functions=names,
        called=((f"{_THERE}.", ""),),
    )


def _roles(tree: Any) -> Iterator[str]:
    """For each role that it names, what fails where it is not there."""
    for node in below(tree) if kind_of(tree) != "DropRoleStmt" else ():
        if kind_of(node) == "RoleSpec" and node.rolename is not None:
            name = sql.Literal(sql.Identifier(node.rolename).as_string(None))
            yield render(sql.SQL("SELECT {}::pg_catalog.regrole").format(name))


def _last_names(tree: Any) -> Iterator[str]:
    """What stands behind a dot: a column, or a function of the row."""
    for node in below(tree):
        if kind_of(node) == "ColumnRef" and len(node.fields) > 1 and kind_of(node.fields[-1]) == "String":
            yield node.fields[-1].sval


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """The tables that a statement names, as it finds them, and what stands for each in the session's own schema."""

    told: Foretold
    catalog: Catalog
    read: Catalog
    shadows: dict[str, str] = field(default_factory=dict)

    def take(self, tree: Any) -> bool:
        """Put every relation of the tree there; False where it is not known well enough."""
        made = made_by(tree)
        nodes = tuple(below(tree))
        expressions = {node.ctename for node in nodes if kind_of(node) == "CommonTableExpr"}
        if not expressions.isdisjoint(name.name for name in self.told.before.tables):
            # Which of the two a name means depends on where it stands.
            return False
        # Those of FOR UPDATE OF are names in FROM.
        others = {id(r) for n in nodes if kind_of(n) == "LockingClause" for r in n.lockedRels or ()}
        for node in [n for n in nodes if kind_of(n) == "RangeVar" and id(n) not in others]:
            if node.schemaname is None and node.relname in expressions:
                continue
            if node is not made and not self._knows(node):
                return False
            node.catalogname, node.schemaname = None, _THERE
        return True

    def _knows(self, node: Any) -> bool:
        before = self.told.before
        name = before.qualify(node.schemaname, node.relname)
        table, origin = before.tables.get(name), before.origins.get(name)
        if table is None or origin is None or not table.columns or not all(c.type for c in table.columns):
            return False
        if self.catalog.table(origin) != self.read.table(origin):
            return False
        shadow = _shadow(table)
        return self.shadows.setdefault(name.name, shadow) == shadow


def _shadow(table: Table) -> str:
    """An empty table with its columns and, since a query that groups by it may turn on it, its primary key."""
    parts = [_column(column) for column in table.columns]
    key = next((c.columns for c in table.constraints if c.kind == "primary"), ())
    if key:
        parts.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, key))))
    named = sql.Identifier(_THERE, table.name.name)
    return render(sql.SQL("CREATE TABLE {} ({})").format(named, sql.SQL(", ").join(parts)))


def _column(column: Column) -> sql.Composed:
    """One that only the server gives values is that there too."""
    text = sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
    if column.generated is not None:
        return sql.SQL("{} GENERATED ALWAYS AS (NULL) STORED").format(text)
    if column.identity is not None:
        return sql.SQL("{} GENERATED {} AS IDENTITY").format(text, _IDENTITY[column.identity.always])
    return text


def _depends_on_more(tree: Any, told: Foretold) -> bool:
    """It takes a row as a whole, whose type is the real table's, or names a constraint or an index."""
    nodes = tuple(below(tree))
    named = {name for n in nodes if kind_of(n) == "RangeVar" for name in (n.relname, n.alias and n.alias.aliasname)}
    tables = {name.name for name in told.before.tables}
    return any(_is_more(node, {"old", "new", "excluded", *named}, tables) for node in nodes)


def _is_more(node: Any, rows: set[str | None], tables: set[str]) -> bool:
    match kind_of(node):
        case "ColumnRef":
            return len(node.fields) == 1 and getattr(node.fields[0], "sval", None) in rows
        case "FuncCall":
            return any(kind_of(a) == "ColumnRef" and kind_of(a.fields[-1]) == "A_Star" for a in node.args or ())
        case "TypeName":
            return not tables.isdisjoint(strings(node.names)[-1:])
        case "InferClause":
            return node.conname is not None
        case "Constraint":
            return node.indexname is not None
    return False


def _tried(tree: Any) -> str | None:
    """What is sent in its place; None for what says nothing about columns."""
    match kind_of(tree):
        case "IndexStmt":
            tree.concurrent = False
        case "AlterTableStmt":
            tree.cmds = tuple(command for command in tree.cmds if command.subtype.name in _OF_COLUMNS)
            if not tree.cmds:
                return None
        case "RenameStmt" if tree.renameType.name != "OBJECT_COLUMN":
            return None
        case "CreateStmt" if tree.partbound is not None:
            return None
        case "CreateFunctionStmt" if tree.sql_body is not None:
            # It is about tables that are not there yet, perhaps.
            return None
        case "GrantStmt" if tree.objtype.name != "OBJECT_TABLE" or tree.targtype.name != "ACL_TARGET_OBJECT":
            return None
        case "CreateTableAsStmt":
            tree = tree.query
    kind = kind_of(tree)
    if kind not in _QUERIES | _AS_IT_IS | MAKERS | {"AlterTableStmt", "RenameStmt", "GrantStmt"}:
        return None
    if kind == "SelectStmt":
        tree.intoClause = None
    text = _printed(tree)
    if text is None or kind not in _QUERIES:
        return text
    # A prepared statement outlives its transaction.
    return f"PREPARE crossfade_trial AS {text}; DEALLOCATE crossfade_trial"


def _printed(tree: Any) -> str | None:
    """None where what the printer wrote is read as something else."""
    from pglast.parser import ParseError
    from pglast.stream import RawStream

    try:
        text = str(RawStream()(tree))
        (again,) = (statement.stmt for statement in parsed(text))
    except (NotImplementedError, ParseError):
        return None
    return text if again == tree else None

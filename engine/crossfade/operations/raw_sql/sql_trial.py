"""Statements of a plan's own, tried on empty temporary tables with the names and columns of those that they name. Pure.

A slip in the name of a column or a role would come to light in the middle of a run. No user's table is locked or looked
at for it: what a statement names is put into the session's own schema, and rows are never asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from psycopg import sql

from crossfade.operations.raw_sql import object_trial
from crossfade.operations.raw_sql.object_trial import ABOUT, TAKEN
from crossfade.operations.raw_sql.shadow import THERE, has_odd_keys, shadow
from crossfade.operations.raw_sql.sql_foretold import AS_IT_IS, MAKERS, QUERIES, in_order, made_by
from crossfade.operations.tables.partition_trial import ABOUT_BOUNDS, bounds_trial
from crossfade.operations.trial import Trial
from crossfade.parse import parsed
from crossfade.plan.nodes import below, kind_of, strings
from crossfade.postgres.catalog import Table
from crossfade.postgres.forecast import Schema
from crossfade.postgres.statement import render

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold
    from crossfade.plan.changes.sql import RawSql
    from crossfade.plan.sql_statements import SqlStatement
    from crossfade.postgres.catalog import Catalog, QualifiedName

_ABOUT_NAMES_TEXT = """
    42601 42701 42702 42703 42704 42725 42803 42804 42809 42830 42846 42883 428C9 42P10 42P16 42P17 42P18 42P20
    22001 22003 22007 22008 22012 22023 22P02 3F000
"""
_ABOUT_NAMES = frozenset(_ABOUT_NAMES_TEXT.split())
"""SQLSTATEs that are about what the statement says: columns, types, functions, how they go together, constants. Any
other may come of the table on which it is tried, which has no rows, constraints or owner of its own, and lies
elsewhere."""
_PREREQUISITE = "55000"
"""A column is no identity, or not NOT NULL, say; or a view cannot be written to, and the trial's never can."""
_LABEL = "22P02"
_LABELLING = frozenset({"add_enum_value", "rename_enum_value", "remove_enum_values"})
_OTHER_KIND = "42809"
_UNLESS_MADE = frozenset({"42703", "42P01"})
"""Columns and relations that a constant or the body of a function names, where no statement before has made any."""
_UNSUPPORTED = "0A000"
"""A unique key of a partitioned table without the columns of its partition key; forms of triggers."""
_SYNTAX = "42601"
_MERGE_BY_TARGET = 170000
"""The first version that reads MERGE as it is printed here."""
_WITH_SCHEMA = 2
"""Parts of a column's name; one with the schema of its table is not found in the trial."""
_DROPS = frozenset({"DropStmt", "DropRoleStmt"})
_AS_TABLES = frozenset({"materialized view", "foreign"})
"""Relations that a table stands for in the trial; for a view there is one."""
_OF_COLUMNS_TEXT = """
    AT_AddColumn AT_DropColumn AT_ColumnDefault AT_SetNotNull AT_DropNotNull AT_AlterColumnType AT_SetStatistics
    AT_SetStorage AT_AddConstraint AT_AddIdentity AT_SetIdentity AT_DropIdentity AT_SetExpression AT_DropExpression
    AT_SetRelOptions AT_ResetRelOptions AT_SetOptions AT_ResetOptions AT_SetTableSpace AT_SetAccessMethod
"""
_OF_COLUMNS = frozenset(_OF_COLUMNS_TEXT.split())


def trials(change: RawSql, catalog: Catalog, read: Catalog, earlier: Collection[str]) -> Iterator[Trial]:
    """What the database can say of each statement; `read` is the catalog before the plan, `earlier` the kinds of the
    changes before this one.

    Not of one on a table that an earlier change of the plan is about: which shape it has then depends on the phase.
    """
    unsure = frozenset({_LABEL}) if not _LABELLING.isdisjoint(earlier) else frozenset()
    for told, made in in_order(change, catalog):
        if earlier or told.statement.kind in _DROPS:
            unsure |= TAKEN
        trial = Trial(
            where=f"{told.place} of sql",
            shown=told.statement.short,
            columns=(),
            made=tuple(statement.text for statement in made),
            prelude=(*_looking_into_bodies(told, made), *_needed(told)),
            statement="SELECT",
        )
        of_objects = tuple(object_trial.tried(told))
        about = (ABOUT | TAKEN) - unsure if of_objects else _ABOUT_NAMES - unsure
        if not earlier and told.before == Schema.of(read):
            about |= _UNLESS_MADE
        yield from (replace(trial, statement=text, about=about) for text in of_objects)
        if not of_objects:
            moved = _Moved(told=told, catalog=catalog, read=read)
            bounds = tuple(_of_bounds(trial, moved))
            yield from bounds
            yield _of_tables(trial, moved, about - ABOUT_BOUNDS if bounds else about)


def _of_tables(trial: Trial, moved: _Moved, about: frozenset[str]) -> Trial:
    tree = moved.told.statement.tree()
    names, statement = tuple(_last_names(tree)), "SELECT"
    if not _depends_on_more(tree, moved.told) and moved.take(tree):
        statement = _tried(tree) or statement
    if any(table.kind in _AS_TABLES for table in moved.tables.values()):
        about -= {_OTHER_KIND}
    kind = moved.told.statement.kind
    if kind == "AlterTableStmt":
        about |= {_PREREQUISITE}
    is_divided = any(table.partition_key is not None for table in moved.tables.values())
    if kind == "CreateTrigStmt" or (is_divided and kind in {"AlterTableStmt", "IndexStmt"}):
        about |= {_UNSUPPORTED}
    if moved.told.statement.kind == "MergeStmt" and moved.read.server_version < _MERGE_BY_TARGET:
        about -= {_SYNTAX}
    if any(kind_of(node) == "ColumnRef" and len(node.fields) > _WITH_SCHEMA for node in below(tree)):
        about -= _UNLESS_MADE - _ABOUT_NAMES
    return replace(
        trial,
        prelude=(*trial.prelude, *(moved.shadows.values() if statement != "SELECT" else ())),
        statement=statement,
        about=about,
        row_functions=names,
        called=((f"{THERE}.", ""),),
    )


def _of_bounds(trial: Trial, moved: _Moved) -> Iterator[Trial]:
    """A partition that is made or attached, beside those that its parent has."""
    from pglast.stream import RawStream

    for parent, partition, bounds in _partitions(moved.told.statement.tree()):
        name = moved.told.before.qualify(parent.schemaname, parent.relname)
        if moved.knows(name) and moved.tables[name].partition_key is not None:
            made = Table(name=moved.told.before.place_of(partition))
            tried = bounds_trial(moved.tables[name], made, RawStream()(bounds), moved.catalog)
            yield replace(tried, where=trial.where, shown=trial.shown)


def _partitions(tree: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The parent's RangeVar, the partition's and its bounds."""
    if kind_of(tree) == "CreateStmt" and tree.partbound is not None:
        yield tree.inhRelations[0], tree.relation, tree.partbound
    for command in tree.cmds if kind_of(tree) == "AlterTableStmt" else ():
        if command.subtype.name == "AT_AttachPartition" and command.def_.bound is not None:
            yield tree.relation, command.def_.name, command.def_.bound


def _looking_into_bodies(told: Foretold, made: Iterable[SqlStatement]) -> Iterator[str]:
    """The trial does not, of functions that are made for others to be tried."""
    if told.statement.kind == "CreateFunctionStmt" and all(one.kind != "VariableSetStmt" for one in made):
        yield "SET LOCAL check_function_bodies TO DEFAULT"


def _needed(told: Foretold) -> Iterator[str]:
    """For each role and schema that it needs, what fails where it is not there."""
    tree = told.statement.tree()
    for node in below(tree):
        if kind_of(node) == "RoleSpec" and node.rolename is not None and not getattr(tree, "missing_ok", False):
            yield _cast(node.rolename, "regrole")
    if kind_of(tree) == "AlterObjectSchemaStmt" and not tree.missing_ok:
        yield _cast(tree.newschema, "regnamespace")
    if kind_of(tree) == "GrantStmt" and tree.targtype.name == "ACL_TARGET_ALL_IN_SCHEMA":
        yield from (_cast(name, "regnamespace") for name in strings(tree.objects))
    made = made_by(tree)
    if made is not None and made.schemaname not in (None, THERE):
        yield _cast(made.schemaname, "regnamespace")


def _cast(name: str, to: str) -> str:
    quoted = sql.Literal(sql.Identifier(name).as_string(None))
    return render(sql.SQL("SELECT {}::{}").format(quoted, sql.Identifier("pg_catalog", to)))


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
    tables: dict[QualifiedName, Table] = field(default_factory=dict)

    def take(self, tree: Any) -> bool:
        """Put every relation of the tree there; False where it is not known well enough."""
        made, before = made_by(tree), self.told.before
        nodes = tuple(below(tree))
        expressions = {node.ctename for node in nodes if kind_of(node) == "CommonTableExpr"}
        if not expressions.isdisjoint(name.name for name in before.tables):
            # Which of the two a name means depends on where it stands.
            return False
        # Those of FOR UPDATE OF are names in FROM.
        others = {id(r) for n in nodes if kind_of(n) == "LockingClause" for r in n.lockedRels or ()}
        for node in [n for n in nodes if kind_of(n) == "RangeVar" and id(n) not in others]:
            if node.schemaname is None and node.relname in expressions:
                continue
            if node is not made and not self.knows(before.qualify(node.schemaname, node.relname)):
                return False
            if node is made and getattr(tree, "replace", False):
                self.knows(before.place_of(node))
            node.catalogname, node.schemaname = None, THERE
            if node is made:
                node.relpersistence = "t"
        refers = any(kind_of(node) == "InferClause" for node in nodes)
        return not refers or not any(map(has_odd_keys, self.tables.values()))

    def knows(self, name: QualifiedName) -> bool:
        """Whether nothing but the statements before has changed it; then it has a shadow."""
        before = self.told.before
        table, origin = before.tables.get(name), before.origins.get(name)
        if table is None or origin is None or not table.columns or not all(c.type for c in table.columns):
            return False
        if self.catalog.table(origin) != self.read.table(origin):
            return False
        self.tables[name] = table
        made = shadow(table)
        return self.shadows.setdefault(name.name, made) == made


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
        case "CreateFunctionStmt" if tree.sql_body is not None:
            # It is about tables that are not there yet, perhaps.
            return None
        case "GrantStmt" if tree.objtype.name != "OBJECT_TABLE" or tree.targtype.name != "ACL_TARGET_OBJECT":
            return None
        case "CreateTableAsStmt":
            tree = tree.query
    kind = kind_of(tree)
    if kind not in QUERIES | AS_IT_IS | MAKERS | {"AlterTableStmt", "RenameStmt", "GrantStmt"}:
        return None
    if kind == "SelectStmt":
        tree.intoClause = None
    text = _printed(tree)
    if text is None or kind not in QUERIES:
        return text
    # Planned, so that constants are looked at too, and not run.
    return f"EXPLAIN {text}"


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

"""Constraints and unique indexes that a way back makes again: rows that they would refuse are looked for first.

They are read from the statements that take steps back. A CHECK or a foreign key is asked of the rows; what stands on an
index is tried on a copy of the columns that it is over, which costs about what building the index does. What the parser
of SQL does not read, and what is over columns that only come back on the way, is left to the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from crossfade.operations.step import Step
from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import is_own_name
from crossfade.postgres.statement import render
from crossfade.workflow.names_back import WayBack
from crossfade.workflow.names_in_statements import given_by, needed, parsed
from crossfade.workflow.rows_named import named

Connection = psycopg.Connection[Any]
Validated = frozenset[tuple[str, str, str]]
"""Schema, table and name of constraints."""
TRIAL = "crossfade_trial"
"""The temporary table that is the copy."""
_NOT_THERE = (
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
)
_ON_AN_INDEX = frozenset({"CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION"})


@dataclass(frozen=True, slots=True)
class ComingBack:
    """A constraint or a unique index that the undo of a step makes again."""

    step: str
    what: str
    """`constraint k` or `index i`."""
    name: QualifiedName
    """The table's, as it is called now."""
    columns: tuple[str, ...]
    """Those of the table that it is over."""
    constraint: Any
    """Its parse tree; None of an index."""
    trial: str
    """The statement that makes it on the copy; empty for what is asked of the rows."""

    @property
    def table(self) -> sql.Identifier:
        """The table, for SQL."""
        return sql.Identifier(self.name.schema, self.name.name)


def validated_by(steps: Iterable[Step]) -> Validated:
    """What the undo of these steps validates."""
    return frozenset(
        (node.relation.schemaname or "", node.relation.relname, command.name)
        for step in steps
        for statement in step.undo
        for node in parsed(statement.text)
        if kind(node) == "AlterTableStmt"
        for command in node.cmds
        if command.subtype.name == "AT_ValidateConstraint"
    )


def coming_back(steps: Iterable[Step], validated: Validated) -> Iterator[ComingBack]:
    """What comes back with the undo of these steps, and has to hold for every row then."""
    way, built = WayBack(), dict[str, tuple[str, ...]]()
    for step in reversed(tuple(steps)):
        for statement in step.undo:
            for node in parsed(statement.text):
                yield from _of_statement(step.id, way, node, statement.text, validated)
                yield from _on_an_index_built(step.id, way, node, built)
                for given in given_by(node):
                    way.follow(given)


def _of_statement(step: str, way: WayBack, node: Any, text: str, validated: Validated) -> Iterator[ComingBack]:
    if kind(node) == "IndexStmt" and node.unique and node.relation.schemaname and not is_own_name(node.idxname or ""):
        yield _back(step, way, node, None, on_the_copy(text))
    if kind(node) != "AlterTableStmt" or not node.relation.schemaname or len(node.cmds) != 1:
        return
    constraint = node.cmds[0].def_
    if node.cmds[0].subtype.name != "AT_AddConstraint" or is_own_name(constraint.conname or ""):
        return
    how = constraint.contype.name
    key = (node.relation.schemaname, node.relation.relname, constraint.conname)
    if how in _ON_AN_INDEX and constraint.indexname is None:
        yield _back(step, way, node, constraint, on_the_copy(text))
    elif how in ("CONSTR_CHECK", "CONSTR_FOREIGN") and (not constraint.skip_validation or key in validated):
        yield _back(step, way, node, constraint, "")


def _on_an_index_built(step: str, way: WayBack, node: Any, built: dict[str, tuple[str, ...]]) -> Iterator[ComingBack]:
    """A primary key asks more of the rows than the index that it is made of."""
    if kind(node) == "IndexStmt" and node.idxname:
        built[node.idxname] = tuple(element.name for element in node.indexParams if element.name)
    if kind(node) == "AlterTableStmt" and node.relation.schemaname and node.cmds[0].subtype.name == "AT_AddConstraint":
        constraint = node.cmds[0].def_
        if constraint.contype.name == "CONSTR_PRIMARY" and constraint.indexname in built:
            yield replace(_back(step, way, node, constraint, ""), columns=built[constraint.indexname])


def _back(step: str, way: WayBack, node: Any, constraint: Any, trial: str) -> ComingBack:
    schema, table = node.relation.schemaname, node.relation.relname
    return ComingBack(
        step=step,
        what=f"index {node.idxname}" if constraint is None else f"constraint {constraint.conname}",
        name=QualifiedName(schema, way.tables.get((schema, table), table)),
        columns=tuple(n.name for n in needed(node) if n.kind == "column" and (n.schema, n.table) == (schema, table)),
        constraint=constraint,
        trial=trial,
    )


def on_the_copy(text: str) -> str:
    """The statement, which is one, for the copy."""
    from pglast import parse_sql
    from pglast.stream import RawStream

    # Not the tree that is kept, which is only to be read.
    node: Any = parse_sql(text)[0].stmt
    node.relation.schemaname, node.relation.relname, node.relation.inh = "pg_temp", TRIAL, True
    if kind(node) == "IndexStmt":
        node.concurrent, node.idxname, node.tableSpace = False, None, None
    return str(RawStream()(node))


def refused(connection: Connection, back: ComingBack) -> Iterator[str]:
    """The rows that it would refuse, and what else would keep it from coming back, in words.

    The connection is in no transaction. Raises InsufficientPrivilege where our role may not read all rows.
    """
    shown = f"rows of {back.name} that {back.what} refuses, which comes back"
    try:
        with connection.transaction(force_rollback=True):
            said = _tried(connection, back) if back.trial else _asked(connection, back)
    except _NOT_THERE:
        # Over something that only comes back on the way: the step says it.
        return
    except psycopg.errors.InsufficientPrivilege:
        raise
    except psycopg.ProgrammingError as error:
        yield f"{back.what} of {back.name} cannot come back: {error.diag.message_primary}"
        return
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        said = f": {error.diag.message_detail or error.diag.message_primary}"
    if said:
        yield f"{shown}{said}"


def _tried(connection: Connection, back: ComingBack) -> str:
    rows = sql.SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {}").format(
        sql.Identifier(TRIAL),
        sql.SQL(", ").join(map(sql.Identifier, back.columns)),
        _whole(connection, back.table),
    )
    connection.execute(rows)
    connection.execute(back.trial.encode())
    return ""


def _asked(connection: Connection, back: ComingBack) -> str:
    constraint = back.constraint
    condition: sql.Composable
    if constraint.contype.name == "CONSTR_PRIMARY":
        nullable = _nullable(connection, back)
        if not nullable:
            return ""
        condition = sql.SQL(" OR ").join(sql.SQL("{} IS NULL").format(sql.Identifier(name)) for name in nullable)
    elif constraint.contype.name == "CONSTR_CHECK":
        condition = _not_true(constraint)
    elif constraint.pk_attrs and not _is_hidden(connection, constraint.pktable):
        condition = _without_referenced(constraint, back.table)
    else:
        return ""
    if constraint.is_no_inherit or constraint.contype.name == "CONSTR_FOREIGN":
        condition = sql.SQL("({}) AND {}").format(condition, _own_rows(connection, back.table))
    found = named(connection, render(back.table), render(condition))
    return f" ({found})" if found else ""


def _is_hidden(connection: Connection, table: Any) -> bool:
    """Row security hides rows of it from our role; PostgreSQL looks for what is referred to as that table's owner."""
    there = render(sql.Identifier(table.schemaname, table.relname))
    row = connection.execute(
        "SELECT pg_catalog.row_security_active(pg_catalog.to_regclass(%s)::pg_catalog.oid)", [there]
    ).fetchone()
    return bool(row and row[0])


def _nullable(connection: Connection, back: ComingBack) -> tuple[str, ...]:
    rows = connection.execute(
        "SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute a"
        " WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attname = ANY (%s) AND NOT a.attnotnull ORDER BY 1",
        [str(back.name), list(back.columns)],
    ).fetchall()
    return tuple(name for (name,) in rows)


def _not_true(constraint: Any) -> sql.Composable:
    """A CHECK lets NULL pass."""
    from pglast.stream import RawStream

    return sql.SQL("NOT ({})").format(sql.SQL(str(RawStream()(constraint.raw_expr))))


def _without_referenced(key: Any, table: sql.Identifier) -> sql.Composable:
    own, others = names(key.fk_attrs), names(key.pk_attrs)
    columns = [sql.SQL("{}.{}").format(table, sql.Identifier(name)) for name in own]
    pairs = zip(columns, others, strict=True)
    alias = sql.Identifier("crossfade_referenced")
    equal = [sql.SQL("{}.{} = {}").format(alias, sql.Identifier(other), column) for column, other in pairs]
    there = sql.SQL("EXISTS (SELECT FROM {} AS {} WHERE {})").format(
        sql.Identifier(key.pktable.schemaname, key.pktable.relname), alias, sql.SQL(" AND ").join(equal)
    )
    given = sql.SQL(" AND ").join(sql.SQL("{} IS NOT NULL").format(column) for column in columns)
    if key.fk_matchtype == "f":
        some = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(column) for column in columns)
        return sql.SQL("({}) AND NOT ({} AND {})").format(some, given, there)
    return sql.SQL("{} AND NOT {}").format(given, there)


def _own_rows(connection: Connection, table: sql.Identifier) -> sql.Composable:
    """Rows of inheritance children are not meant; those of partitions are."""
    if _is_partitioned(connection, table):
        return sql.SQL("true")
    return sql.SQL("tableoid = pg_catalog.to_regclass({})").format(sql.Literal(render(table)))


def _whole(connection: Connection, table: sql.Identifier) -> sql.Composable:
    return table if _is_partitioned(connection, table) else sql.SQL("ONLY {}").format(table)


def _is_partitioned(connection: Connection, table: sql.Identifier) -> bool:
    row = connection.execute(
        "SELECT c.relkind = 'p' FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)", [render(table)]
    ).fetchone()
    return bool(row and row[0])

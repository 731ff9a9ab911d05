"""A plan's changes of rows put before the database: rights, row security, and what it makes of their expressions.

Every statement is only explained, in a transaction that can write nothing and is rolled back. The names in an
expression are looked up on the role's own search_path, as they will be when the rows are written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.backfill.keys import Relation, choose_key
from crossfade.errors import Refusal
from crossfade.operations.rows.data_preflight import without_key
from crossfade.operations.rows.data_statement import statement
from crossfade.operations.step import Copy, Delete, Place
from crossfade.plan.changes import DataEntry
from crossfade.plan.words import shown
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.published_writes import is_about_publishing, refusal_of_published
from crossfade.workflow.server_says import explained, is_volatile, refusal_of, volatile

if TYPE_CHECKING:
    from crossfade.operations.step import DataChange
    from crossfade.plan.expressions import Expression
    from crossfade.plan.model import Plan
    from crossfade.postgres.catalog import Catalog, Table
    from crossfade.workflow.program import Program

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class _Change:
    """One change of rows beside what it compiled to."""

    entry: DataEntry
    work: DataChange
    table: Table
    relations: tuple[Table, ...]
    """Those that hold the rows; batches name them one by one."""
    targets: tuple[Table, ...]
    """Other tables that are written to."""


def data_refusals(connection: Connection, plan: Plan, program: Program, catalog: Catalog) -> tuple[Refusal, ...]:
    """What the database has against the changes of rows that compiled; the session's search_path is `pg_catalog`."""
    found: list[Refusal] = []
    for change in _changes(plan, program, catalog):
        secured = list(_row_security(connection, change, catalog))
        meant = list(_expressions(connection, change, catalog))
        # What one expression is blamed for would only come again with the whole statement.
        found += [*secured, *_keys(connection, change), *(meant or _statements(connection, change, catalog))]
    return tuple(dict.fromkeys(found))


def _changes(plan: Plan, program: Program, catalog: Catalog) -> Iterator[_Change]:
    compiled = {work.id: work for work in program.data}
    for position, entry in enumerate(plan.changes, start=1):
        work = compiled.get(Place(plan.name, position, entry.kind).id("rows")) if isinstance(entry, DataEntry) else None
        if not isinstance(entry, DataEntry) or work is None:
            continue
        table = catalog.table(QualifiedName(work.schema, work.table))
        assert table is not None
        others = (catalog.resolve(name.schema, name.name) for name in entry.tables)
        yield _Change(
            entry=entry,
            work=work,
            table=table,
            relations=tuple(leaf for leaf in catalog.leaves(table) if leaf.kind == "table"),
            targets=tuple(other for other in others if other is not None and other.name != table.name),
        )


def _row_security(connection: Connection, change: _Change, catalog: Catalog) -> Iterator[Refusal]:
    """Policies take rows out of a statement without a word, so that a batch would seem done."""
    tables = {t.oid: t for t in (change.table, *change.relations, *change.targets)}
    active = connection.execute(
        "SELECT oid FROM pg_catalog.unnest(%s::oid[]) AS t (oid) WHERE pg_catalog.row_security_active(oid)",
        [list(tables)],
    ).fetchall()
    for (oid,) in active:
        yield Refusal(
            code="row_security",
            object=str(tables[oid].name),
            message=f"row security applies to role {catalog.current_user}: rows that its policies hide would be "
            "passed over without a word.",
            instead="Connect as the table's owner (unless it is FORCEd), or as a role with BYPASSRLS.",
        )


def _keys(connection: Connection, change: _Change) -> Iterator[Refusal]:
    """Relations that have a key by the catalog, which rows cannot be walked by all the same."""
    if isinstance(change.work.write, Delete) or getattr(change.entry, "where", None) is not None:
        return
    keyless = {t.name for t in without_key(change.relations, change.work.touched)}
    for table in change.relations:
        relation = Relation(oid=table.oid, name=table.name)
        if table.name not in keyless and choose_key(connection, relation, change.work.touched).is_place:
            yield Refusal(
                code="no_key",
                object=str(table.name),
                message="none of its unique indexes can be walked from key to key: they have operator classes of their "
                "own or of an extension, another collation than the column, or mixed directions; without one a row "
                "could be met twice.",
                instead="Add a unique index over columns that are NOT NULL, with nothing but their names, or write a "
                "`where` that is false for a row once it is changed.",
            )


def _expressions(connection: Connection, change: _Change, catalog: Catalog) -> Iterator[Refusal]:
    relation = change.relations[0] if change.relations else change.table
    for place, expression in change.entry.expressions:
        where = f"{place} of {change.entry.kind} on {change.table.name}"
        try:
            plan = explained(connection, _probe(relation, place, expression))
        except psycopg.Error as error:
            yield refusal_of(error, where, f"{shown(expression.text)}: ", catalog)
        else:
            if is_volatile(plan):
                yield volatile(connection, where, (expression.text, expression.functions), catalog)


def _probe(relation: Table, place: str, expression: Expression) -> str:
    """A query that says whether the expression is sound, and by its plan whether it is volatile.

    The planner merges a subquery into the query around it unless one of its values is volatile: operators and casts
    count too, and of a function's forms only the one that is meant.
    """
    value = sql.SQL(expression.sql)
    condition = sql.SQL("{}" if place == "where" else "({}) IS NOT NULL").format(value)
    only = sql.SQL("" if relation.kind == "partitioned" else "ONLY ")
    return (
        sql.SQL("SELECT FROM (SELECT {} AS x FROM {}{} WHERE {}) AS s WHERE x IS NOT NULL")
        .format(value, only, sql.Identifier(relation.name.schema, relation.name.name), condition)
        .as_string(None)
    )


def _statements(connection: Connection, change: _Change, catalog: Catalog) -> Iterator[Refusal]:
    """The whole statement on every relation, up to the first that refuses it: each has rights of its own."""
    for relation in change.relations or (change.table,):
        text = statement(change.work, None if relation.kind == "partitioned" else relation.name)
        try:
            explained(connection, text)
        except psycopg.Error as error:
            if is_about_publishing(error, relation) and not isinstance(change.work.write, Copy):
                yield refusal_of_published(error, relation)
            else:
                yield refusal_of(error, f"{change.entry.kind} on {relation.name}", "", catalog)
            return

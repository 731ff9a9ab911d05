"""Outlines: what a whole database has of that by which one thing is changed along with another, in three queries.

The catalog is read of the tables that a plan or a migration names. What hangs on them, and on that in turn, may be any
other: an outline has of each, and of functions, types and the like, no more than it takes to follow CASCADE, foreign
keys and views.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from psycopg.rows import dict_row

from crossfade.postgres.catalog import (
    Column,
    Constraint,
    ExtendedStatistics,
    Need,
    Publication,
    QualifiedName,
    Table,
    Trigger,
)
from crossfade.postgres.forecast.views import Viewed, written_through

if TYPE_CHECKING:
    import psycopg

    from crossfade.postgres.forecast import Schema

_OUTLINES, _NEEDS, _OWNERS = (
    resources.files("crossfade.postgres").joinpath("sql", f"{name}.sql").read_bytes()
    for name in ("outlines", "needs", "sequence_owners")
)


def outlined(connection: psycopg.Connection[Any], schema: Schema) -> Schema:
    """The model of a database before the first statement, with outlines of the tables that were not read.

    The connection's search_path is `pg_catalog` meanwhile, and must not be in a transaction.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        cursor.execute("SET LOCAL jit = off")
        rows = cursor.execute(_OUTLINES, prepare=False).fetchall()
        owned = cursor.execute(_OWNERS, prepare=False).fetchall()
        # Of catalogs that are joined by three columns the planner expects next to nothing.
        cursor.execute("SET LOCAL enable_nestloop = off")
        needed = {(row["is_relation"], *row["name"]): row["needs"] for row in cursor.execute(_NEEDS, prepare=False)}
    needs = {key: tuple(map(_need, each)) for key, each in needed.items()}
    tables = {t.name: t for t in (_outline(row, needs.get((True, *row["name"]), ())) for row in rows)}
    for table in schema.tables.values():
        if table.oid:
            tables[table.name] = replace(table, needs=tables.get(table.name, table).needs)
    views = {QualifiedName(*row["name"]): _viewed(row, schema) for row in rows if row["reads"] is not None}
    others = {QualifiedName(*name): each for (is_relation, *name), each in needs.items() if not is_relation}
    owners = {QualifiedName(*row["sequence"]): QualifiedName(*row["table"]) for row in owned}
    return replace(schema, tables={**schema.tables, **tables}, views=views, needs=others, sequence_owners=owners)


def _outline(row: dict[str, Any], needs: tuple[Need, ...]) -> Table:
    descendants = tuple(QualifiedName(*name) for name in row["descendants"])
    is_partitioned = row["kind"] == "partitioned"
    return Table(
        name=QualifiedName(*row["name"]),
        kind=row["kind"],
        owner=row["owner"],
        typed_of=row["typed_of"],
        partitions=descendants if is_partitioned else (),
        children=() if is_partitioned else descendants,
        constraints=tuple(_key(key) for key in row["keys"]),
        columns=tuple(_column(column) for column in row["columns"]),
        triggers=tuple(_trigger(trigger) for trigger in row["triggers"]),
        needs=needs,
        publications=tuple(Publication(name=name) for name in row["publications"]),
        extended_statistics=tuple(
            ExtendedStatistics(name=QualifiedName(*name), definition="", columns=()) for name in row["statistics"]
        ),
    )


def _need(need: dict[str, Any]) -> Need:
    return Need(**need | {"name": tuple(need["name"]), "arguments": tuple(need["arguments"])})


def _key(key: dict[str, Any]) -> Constraint:
    columns = {name: tuple(key[name]) for name in ("columns", "referenced_columns")}
    return Constraint(**key | columns | {"kind": "foreign", "referenced": QualifiedName(*key["referenced"])})


def _column(column: dict[str, Any]) -> Column:
    element = column["element_type"] and QualifiedName(*column["element_type"])
    collation = column["collation"] and QualifiedName(*column["collation"])
    type_name = QualifiedName(*column["type_name"])
    return Column(**column | {"type_name": type_name, "element_type": element, "collation": collation})


def _trigger(trigger: dict[str, Any]) -> Trigger:
    function = QualifiedName(*trigger["function"])
    return Trigger(name=trigger["name"], function=function, timing="before", events=frozenset(), row=True)


def _viewed(row: dict[str, Any], schema: Schema) -> Viewed:
    writes, shows = (None, None) if row["definition"] is None else written_through(row["definition"], schema)
    return Viewed(
        reads={QualifiedName(*one["relation"]): frozenset(one["columns"] or ()) for one in row["reads"]},
        writes=writes,
        shows=shows,
        replaced=frozenset(row["replaced"]),
    )

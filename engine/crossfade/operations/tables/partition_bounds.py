"""What the bounds of a partition say of its rows, as a condition that PostgreSQL takes for a proof.

A CHECK with it, validated while everybody goes on, spares ATTACH the reading of the table. Known are lists and ranges
over one column; for other keys the server's condition cannot be written by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The same bounds, as what a CHECK says."""

    inside: sql.Composable
    """Of every row of the partition."""
    outside: sql.Composable
    """Of every row of any other; NULL, which a CHECK lets pass, where the column is NULL and no bound is."""


def conditions(parent: Table, bounds: str) -> Bounds | None:
    """Over the parent's column; None where it cannot be told."""
    from pglast import parse_sql

    column = _key_column(parent)
    statement: Any = parse_sql(f"ALTER TABLE p ATTACH PARTITION c {bounds}")[0].stmt
    spec = statement.cmds[0].def_.bound
    if column is None or spec.is_default:
        return None
    if spec.strategy == "l":
        return _listed(column, spec.listdatums)
    if spec.strategy == "r":
        return _between(column, spec.lowerdatums[0], spec.upperdatums[0])
    return None


def _key_column(parent: Table) -> Column | None:
    """The one plain column of the key."""
    from pglast import parse_sql

    statement: Any = parse_sql(f"CREATE TABLE p () PARTITION BY {parent.partition_key}")[0].stmt
    elements = statement.partspec.partParams
    if len(elements) != 1 or elements[0].name is None or elements[0].opclass or elements[0].collation:
        return None
    return parent.column(elements[0].name)


def _listed(column: Column, datums: Any) -> Bounds:
    name = sql.Identifier(column.name)
    values = sql.SQL(", ").join(_value(column, datum) for datum in datums if not _is_null(datum))
    with_null = any(_is_null(datum) for datum in datums)
    if with_null and len(datums) == 1:
        return Bounds(inside=sql.SQL("{} IS NULL").format(name), outside=sql.SQL("{} IS NOT NULL").format(name))
    among, others = sql.SQL("{} IN ({})").format(name, values), sql.SQL("{} NOT IN ({})").format(name, values)
    if with_null:
        return Bounds(
            inside=sql.SQL("{} IS NULL OR {}").format(name, among),
            outside=sql.SQL("{} IS NOT NULL AND {}").format(name, others),
        )
    return Bounds(inside=sql.SQL("{} IS NOT NULL AND {}").format(name, among), outside=others)


def _between(column: Column, lower: Any, upper: Any) -> Bounds:
    name = sql.Identifier(column.name)
    inside: list[sql.Composable] = [sql.SQL("{} IS NOT NULL").format(name)]
    outside: list[sql.Composable] = []
    if not _is_open(lower):
        inside.append(sql.SQL("{} >= {}").format(name, _value(column, lower)))
        outside.append(sql.SQL("{} < {}").format(name, _value(column, lower)))
    if not _is_open(upper):
        inside.append(sql.SQL("{} < {}").format(name, _value(column, upper)))
        outside.append(sql.SQL("{} >= {}").format(name, _value(column, upper)))
    # Bounds that are open on both sides leave to the default partition what is NULL.
    others = sql.SQL(" OR ").join(outside) if outside else sql.SQL("{} IS NULL").format(name)
    return Bounds(inside=sql.SQL(" AND ").join(inside), outside=others)


def _is_open(datum: Any) -> bool:
    """MINVALUE or MAXVALUE."""
    return type(datum).__name__ == "ColumnRef"


def _is_null(datum: Any) -> bool:
    return type(datum).__name__ == "A_Const" and bool(datum.isnull)


def _value(column: Column, datum: Any) -> sql.Composable:
    from pglast.stream import RawStream

    return sql.SQL("CAST({} AS {})").format(sql.SQL(RawStream()(datum)), sql.SQL(column.type))

"""The schema of a snapshot of Drizzle as statements that would make it, for a model of it.

What is in a form that is not known is left out. Nothing of it is sent. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from psycopg import sql

from crossfade.migrations.drizzle_snapshots import Row
from crossfade.postgres.statement import render

_IN_TABLE = ("pks", "uniques", "checks")


def statements(rows: Iterable[Row]) -> tuple[str, ...]:
    """The statements in an order in which each finds what it needs."""
    rows = tuple(rows)
    made = {kind: [row for row in rows if row["entityType"] == kind] for kind in _MADE}
    return tuple(text for kind in _MADE for row in made[kind] for text in _written(row, rows))


def _written(row: Row, rows: Sequence[Row]) -> Iterator[str]:
    try:
        yield render(_MADE[row["entityType"]](row, rows))
    except (KeyError, TypeError, AttributeError):
        return


def _schema(row: Row, _: Sequence[Row]) -> sql.Composed:
    return sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(row["name"]))


def _enum(row: Row, _: Sequence[Row]) -> sql.Composed:
    return sql.SQL("CREATE TYPE {} AS ENUM ({})").format(_home(row), _joined(map(sql.Literal, row["values"])))


def _sequence(row: Row, _: Sequence[Row]) -> sql.Composed:
    return sql.SQL("CREATE SEQUENCE {}").format(_home(row))


def _table(row: Row, rows: Sequence[Row]) -> sql.Composed:
    mine = [r for r in rows if r.get("table") == row["name"] and r["schema"] == row["schema"]]
    columns = (_column(one) for one in mine if one["entityType"] == "columns")
    constraints = (_constraint(one) for one in mine if one["entityType"] in _IN_TABLE)
    return sql.SQL("CREATE TABLE {} ({})").format(_home(row), _joined((*columns, *constraints)))


def _column(row: Row) -> sql.Composed:
    parts: list[sql.Composable] = [sql.Identifier(row["name"]), _type(row)]
    if row.get("notNull"):
        parts.append(sql.SQL("NOT NULL"))
    if row.get("identity"):
        how = "ALWAYS" if row["identity"]["type"] == "always" else "BY DEFAULT"
        parts.append(sql.SQL("GENERATED {} AS IDENTITY").format(sql.SQL(how)))
    if row.get("generated"):
        parts.append(sql.SQL("GENERATED ALWAYS AS ({}) STORED").format(sql.SQL(row["generated"]["as"])))
    default = row.get("default")
    if default is not None:
        said = str(default).lower() if isinstance(default, bool) else str(default)
        parts.append(sql.SQL("DEFAULT {}").format(sql.SQL(said)))
    return sql.SQL(" ").join(parts)


def _type(row: Row) -> sql.Composable:
    """A type of the server as it is written, one of the project by its schema and name."""
    name, brackets, _ = row["type"].partition("[")
    suffix = sql.SQL("[]" * row["type"].count("[") if brackets else "[]" * (row.get("dimensions") or 0))
    bare = sql.Identifier(row["typeSchema"], name) if row.get("typeSchema") else sql.SQL(name)
    return sql.Composed([bare, suffix])


def _constraint(row: Row) -> sql.Composed:
    name = sql.Identifier(row["name"])
    if row["entityType"] == "checks":
        return sql.SQL("CONSTRAINT {} CHECK ({})").format(name, sql.SQL(row["value"]))
    what = "PRIMARY KEY" if row["entityType"] == "pks" else "UNIQUE"
    distinct = sql.SQL(" NULLS NOT DISTINCT" if row.get("nullsNotDistinct") else "")
    return sql.SQL("CONSTRAINT {} {}{} ({})").format(name, sql.SQL(what), distinct, _columns(row["columns"]))


def _foreign_key(row: Row, _: Sequence[Row]) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({})").format(
        sql.Identifier(row["schema"], row["table"]),
        sql.Identifier(row["name"]),
        _columns(row["columns"]),
        sql.Identifier(row["schemaTo"], row["tableTo"]),
        _columns(row["columnsTo"]),
    )


def _index(row: Row, _: Sequence[Row]) -> sql.Composed:
    where = sql.SQL(" WHERE {}").format(sql.SQL(row["where"])) if row.get("where") else sql.SQL("")
    return sql.SQL("CREATE {}INDEX {} ON {} USING {} ({}){}").format(
        sql.SQL("UNIQUE " if row["isUnique"] else ""),
        sql.Identifier(row["name"]),
        sql.Identifier(row["schema"], row["table"]),
        sql.Identifier(row.get("method") or "btree"),
        _joined(_key(key) for key in row["columns"]),
        where,
    )


def _key(key: Row) -> sql.Composable:
    value: sql.Composable = sql.Identifier(key["value"])
    if key["isExpression"]:
        value = sql.SQL("({})").format(sql.SQL(key["value"]))
    return value if key.get("asc", True) else sql.SQL("{} DESC").format(value)


def _view(row: Row, _: Sequence[Row]) -> sql.Composed:
    what = sql.SQL("MATERIALIZED VIEW" if row.get("materialized") else "VIEW")
    return sql.SQL("CREATE {} {} AS {}").format(what, _home(row), sql.SQL(row["definition"]))


def _home(row: Row) -> sql.Identifier:
    return sql.Identifier(row["schema"], row["name"])


def _columns(names: Iterable[str]) -> sql.Composed:
    return _joined(map(sql.Identifier, names))


def _joined(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


_MADE: dict[str, Any] = {
    "schemas": _schema,
    "enums": _enum,
    "sequences": _sequence,
    "tables": _table,
    "fks": _foreign_key,
    "indexes": _index,
    "views": _view,
}
"""What makes an entity, in the order in which they are made."""

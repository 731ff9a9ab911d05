"""drizzle-kit's snapshots: the schema behind a migration, and what whoever generated it has called a rename.

    state_before(document, others)     the schema that a migration finds, as the rows of 1.x; None where it is not known
    renames_of(document)               the columns and tables that got another name with it

0.x writes the whole schema each time, 1.x the rows of the first one and then what changes. What a snapshot says in a
form that is not known tells nothing. Pure.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]
Row = dict[str, Any]
"""An entity as 1.x has it: `entityType`, names, and what it is."""
_NOTHING = "00000000-0000-0000-0000-000000000000"
"""The snapshot before the first."""
_PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Rename:
    """Something that kept what it holds."""

    kind: str
    """`columns` or `tables`."""
    was: tuple[str, ...]
    """Its schema, its table if it is a column, and its name."""
    name: str
    """The new one."""


def state_before(document: Document, others: Mapping[str, Document]) -> tuple[Row, ...] | None:
    """The rows of the schema before the migration of a snapshot; `others` are the project's, by their ids."""
    try:
        parents = _parents(document)
        return _state(parents[0], others, set()) if len(parents) == 1 else None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return None


def renames_of(document: Document) -> frozenset[Rename]:
    """What is called a rename."""
    try:
        return frozenset(_renames(document))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return frozenset()


def _parents(document: Document) -> tuple[str, ...]:
    return (document["prevId"],) if "prevId" in document else tuple(document["prevIds"])


def _state(snapshot: str, others: Mapping[str, Document], seen: set[str]) -> tuple[Row, ...] | None:
    if snapshot == _NOTHING:
        return ()
    document = others.get(snapshot)
    if document is None or snapshot in seen:
        return None
    if "tables" in document:
        return tuple(_rows(document))
    if "ddl" in document:
        return tuple(dict(row) for row in document["ddl"])
    parents = _parents(document)
    before = _state(parents[0], others, seen | {snapshot}) if len(parents) == 1 else None
    if before is None:
        return None
    rows = list(before)
    for delta in document["deltas"]:
        rows = _after(rows, delta)
    return tuple(rows)


def _after(rows: list[Row], delta: Mapping[str, Any]) -> list[Row]:
    if delta["op"] == "create":
        return [*rows, dict(delta["row"])]
    kind, names = _key(delta["key"])
    (found,) = (row for row in rows if row["entityType"] == kind and names in _names(row))
    if delta["op"] == "drop":
        return [row for row in rows if row is not found]
    if delta["op"] == "rename":
        return [_renamed(row, found, delta["set"]) for row in rows]
    return [{**row, **delta["set"]} if row is found else row for row in rows]


def _key(text: str) -> tuple[str, list[str]]:
    kind, _, names = text.partition("\0")
    return kind, json.loads(names)


def _names(row: Row) -> tuple[list[Any], ...]:
    """What a row goes by: an index by its schema and name, most others by their table too."""
    whole = [row[key] for key in ("schema", "table", "name") if key in row]
    return whole, [row.get("schema"), row["name"]]


def _renamed(row: Row, found: Row, given: Mapping[str, Any]) -> Row:
    """A row once another one has another name, or the row itself."""
    if row is found:
        return {**row, **given}
    kind, old, new = found["entityType"], found["name"], given.get("name", found["name"])
    to_schema = given.get("schema", found.get("schema"))
    at_home, abroad = row.get("schema") == found.get("schema"), row.get("schemaTo") == found.get("schema")
    if kind == "tables":
        if at_home and row.get("table") == old:
            row = {**row, "table": new, "schema": to_schema}
        if abroad and row.get("tableTo") == old:
            row = {**row, "tableTo": new, "schemaTo": to_schema}
    elif kind == "columns":
        if at_home and row.get("table") == found["table"] and "columns" in row:
            row = {**row, "columns": [_column(one, old, new) for one in row["columns"]]}
        if abroad and row.get("tableTo") == found["table"]:
            row = {**row, "columnsTo": [_column(one, old, new) for one in row["columnsTo"]]}
    elif kind == "enums" and (row.get("type"), row.get("typeSchema")) == (old, found["schema"]):
        row = {**row, "type": new, "typeSchema": to_schema}
    elif kind == "schemas":
        row = {**row, **{key: new for key in ("schema", "schemaTo", "typeSchema") if row.get(key) == old}}
    return row


def _column(column: Any, old: str, new: str) -> Any:
    if isinstance(column, dict):
        is_it = not column["isExpression"] and column["value"] == old
        return {**column, "value": new} if is_it else column
    return new if column == old else column


def _rows(document: Document) -> Iterator[Row]:
    """The whole schema of 0.x as rows of 1.x."""
    yield from ({"entityType": "schemas", "name": name} for name in document.get("schemas", {}))
    for one in document.get("enums", {}).values():
        yield {"entityType": "enums", "schema": _PUBLIC, **one}
    for one in document.get("sequences", {}).values():
        yield {"entityType": "sequences", **one, "schema": one.get("schema") or _PUBLIC}
    for table in document["tables"].values():
        yield from _of_table(table)
    for one in document.get("views", {}).values():
        if not one.get("isExisting"):
            yield {"entityType": "views", **one, "schema": one.get("schema") or _PUBLIC}


def _of_table(table: Mapping[str, Any]) -> Iterator[Row]:
    home = {"schema": table.get("schema") or _PUBLIC, "table": table["name"]}
    yield {"entityType": "tables", "schema": home["schema"], "name": table["name"]}
    for one in table["columns"].values():
        yield {"entityType": "columns", **home, **one}
        if one.get("primaryKey"):
            yield {"entityType": "pks", **home, "name": f"{table['name']}_pkey", "columns": [one["name"]]}
    for one in table.get("compositePrimaryKeys", {}).values():
        yield {"entityType": "pks", **home, **one}
    for kind, what in (("uniqueConstraints", "uniques"), ("checkConstraints", "checks")):
        yield from ({"entityType": what, **home, **one} for one in table.get(kind, {}).values())
    for one in table.get("indexes", {}).values():
        keys = [
            {"value": key["expression"], "nullsFirst": key.get("nulls") == "first", **key} for key in one["columns"]
        ]
        yield {"entityType": "indexes", **home, **one, "columns": keys}
    for one in table.get("foreignKeys", {}).values():
        yield {
            "entityType": "fks",
            **home,
            "name": one["name"],
            "columns": one["columnsFrom"],
            "schemaTo": one.get("schemaTo") or _PUBLIC,
            "tableTo": one["tableTo"],
            "columnsTo": one["columnsTo"],
        }


def _renames(document: Document) -> Iterator[Rename]:
    meta = document.get("_meta") or {}
    for kind, length in (("tables", 2), ("columns", 3)):
        pairs: Iterable[tuple[str, str]] = (meta.get(kind) or {}).items()
        yield from (_rename(kind, was.split('"')[1::2], to.split('"')[1::2], length) for was, to in pairs)
    for text in document.get("renames") or ():
        was, to = (part.split(".") for part in text.split("->"))
        if len(was) in {2, 3}:
            yield _rename("tables" if len(was) == 2 else "columns", was, to, len(was))
    for delta in document.get("deltas") or ():
        if delta["op"] == "rename" and "name" in delta["set"]:
            kind, names = _key(delta["key"])
            if kind in {"columns", "tables"}:
                yield Rename(kind, tuple(names), delta["set"]["name"])


def _rename(kind: str, was: list[str], to: list[str], length: int) -> Rename:
    """By names of which the schema is left out where it is `public`."""
    return Rename(kind, tuple(was if len(was) == length else [_PUBLIC, *was]), to[-1])

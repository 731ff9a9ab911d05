"""What the database says of SQL that a plan contains, as refusals: whether it is sound, and whether it is volatile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from crossfade.errors import Refusal
from crossfade.plan.words import shown
from crossfade.postgres.names import QualifiedName
from crossfade.workflow.queries import query

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Catalog

Connection = psycopg.Connection[Any]

_ABOUT_THE_STATEMENT = frozenset({"0A", "22", "23", "2F", "38", "39", "3F", "42", "P0"})
"""Classes of SQLSTATE that say something of the plan; any other is about the moment."""
_NO_RIGHT = "42501"
_PREREQUISITE = "55000"
_BROKEN = {"23502": "it gives NULL, and the column is NOT NULL", "23514": "a row with it would break the CHECK"}
_UNKNOWN_OBJECT = "42704"
_UNKNOWN_NAMES = frozenset({"3F000", _UNKNOWN_OBJECT, "42883", "42P01"})
"""A schema, a type or other object, a function or operator, a relation."""
_BY_ITSELF = "Subquery Scan"


def explained(connection: Connection, text: str) -> Any:
    """The plan of a query by the users' path, in a transaction that can write nothing. Raises psycopg.Error."""
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute("SET LOCAL search_path TO DEFAULT")
        row = connection.execute(sql.SQL("EXPLAIN (FORMAT JSON, COSTS OFF) {}").format(sql.SQL(text))).fetchone()
    assert row is not None
    return row[0]


def _nodes(plan: Any) -> Iterator[str]:
    """The kinds of all nodes of a plan."""
    for part in plan if isinstance(plan, list) else [plan]:
        if isinstance(part, dict):
            yield str(part.get("Node Type", ""))
            yield from _nodes([inner for inner in part.values() if isinstance(inner, dict | list)])
        elif isinstance(part, list):
            yield from _nodes(part)


def refusal_of(error: psycopg.Error, where: str, what: str, catalog: Catalog) -> Refusal:
    """What the server says of a statement. Raises the error itself where it is about the moment."""
    state = error.sqlstate or ""
    if state[:2] not in _ABOUT_THE_STATEMENT and state != _PREREQUISITE:
        raise error
    said = (error.diag.message_primary or str(error)).strip().rstrip(".")
    if state == _NO_RIGHT:
        return Refusal(
            code="no_right",
            object=where,
            message=f"{what}{said}.",
            instead=f"Grant it to role {catalog.current_user}: it reads and writes the rows of the table, and of each "
            "partition by itself.",
        )
    if state in _BROKEN:
        # In the server's own words it would be about the table on which it was tried.
        said = _BROKEN[state]
    path = ", ".join(catalog.search_path)
    instead = error.diag.message_hint or "Correct it."
    # Of a type without an operator class the server knows better.
    if state in _UNKNOWN_NAMES and not (state == _UNKNOWN_OBJECT and error.diag.message_hint):
        instead = f"Names are looked up on the search_path ({path}); write others with their schema. Types count too."
    return Refusal(code="expression", object=where, message=f"{what}{said}.", instead=instead)


def is_volatile(plan: Any) -> bool:
    """Whether the plan of a query over a subquery shows that a value inside is volatile: it was not merged."""
    return _BY_ITSELF in _nodes(plan)


def volatile(
    connection: Connection, where: str, expression: tuple[str, Sequence[tuple[str | None, str]]], catalog: Catalog
) -> Refusal:
    """The refusal of a volatile expression, given as its text and the functions that it calls."""
    text, functions = expression
    named = _volatile_functions(connection, functions, catalog)
    because = f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'}" if named else "an operator or cast in it is"
    return Refusal(
        code="volatile",
        object=where,
        message=f"{shown(text)}: {because} volatile. A batch that fails is done again, and a row that is "
        "compared again has to give the same.",
        instead="Write what depends on the row alone, or on the time (now() is the batch's), or declare your own "
        "function STABLE if it is: ALTER FUNCTION … STABLE.",
    )


def _volatile_functions(
    connection: Connection, functions: Sequence[tuple[str | None, str]], catalog: Catalog
) -> tuple[str, ...]:
    rows = connection.execute(
        query("volatile_functions"),
        {
            "schemas": [schema for schema, _ in functions],
            "names": [name for _, name in functions],
            "path": [*catalog.search_path, "pg_catalog"],
        },
    ).fetchall()
    return tuple(name if schema == "pg_catalog" else str(QualifiedName(schema, name)) for schema, name in rows)

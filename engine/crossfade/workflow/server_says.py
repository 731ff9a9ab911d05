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
_NEW_VALUE = "55P04"
_INTERNAL = "XX000"
"""What PostgreSQL has no words for, since nobody writes it: a table's access method for an index."""
_UNKNOWN_OBJECT = "42704"
_OTHER_KIND = "42809"
"""It is there, and of another kind: a view where a table is wanted, say."""
_BY_NAME = frozenset({"3F000", "42883", "42P01"})
"""A schema, a function or operator, a relation that is not there."""
_BY_ITSELF = "Subquery Scan"
_BY_PATH = "Names are looked up on the search_path ({path}); write others with their schema. Types count too."
_ROLE = "Create the role first, or correct its name: roles are the server's, and lie in no schema."
_TABLESPACE = "Correct its name, leave it out for the database's default, or have it made first: CREATE TABLESPACE."
_METHOD = (
    "PostgreSQL's own are btree, hash, gist, gin, spgist and brin for an index, and heap for a table. Another one "
    "comes with its extension: CREATE EXTENSION."
)
_COLLATION = (
    "pg_collation lists those that there are, such as C or und-x-icu; capitals count. Names are looked up on the "
    "search_path ({path}); write others with their schema."
)
_OPCLASS = (
    "pg_opclass lists those that there are. One of an extension is there once that is installed; write its schema "
    "where it is off the search_path ({path})."
)
_SOMETHING = "Correct its name, or make it first. What lies in a schema is looked up on the search_path ({path})."
_BY_WHO_MISSES_IT = {
    **dict.fromkeys(("typenameType", "parseTypeString", "get_object_address_type", "compute_return_type"), _BY_PATH),
    **dict.fromkeys(("get_role_oid", "get_rolespec_tuple", "DropRole", "regrolein"), _ROLE),
    "get_tablespace_oid": _TABLESPACE,
    **dict.fromkeys(("DefineIndex", "get_am_type_oid", "GetIndexAmRoutine"), _METHOD),
    **dict.fromkeys(("get_collation_oid", "regcollationin"), _COLLATION),
    "ResolveOpClass": _OPCLASS,
}
"""What to do, by the server's function that does not find the object. The kind of object stands in the message alone,
which is in the language of `lc_messages`, and only a superuser may set that."""


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
    if state[:2] not in _ABOUT_THE_STATEMENT and state not in (_PREREQUISITE, _NEW_VALUE, _INTERNAL):
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
    if state == _NEW_VALUE:
        return Refusal(
            code="new_enum_value",
            object=where,
            message=f"{what}it uses a value that an `add_enum_value` before it in this plan adds, and PostgreSQL lets "
            f"nobody try it until that is committed ({said}).",
            instead="Put that `add_enum_value` into a plan of its own, and run it before this one.",
        )
    if state in _BROKEN:
        # In the server's own words it would be about the table on which it was tried.
        said = _BROKEN[state]
    return Refusal(code="expression", object=where, message=f"{what}{said}.", instead=_instead(error, catalog))


def _instead(error: psycopg.Error, catalog: Catalog) -> str:
    return _words(error).replace("{path}", ", ".join(catalog.search_path))


def _words(error: psycopg.Error) -> str:
    if error.sqlstate == _OTHER_KIND:
        return "Correct it."
    if error.sqlstate in _BY_NAME:
        return _BY_PATH
    # Of a type without an operator class the server knows better.
    if error.diag.message_hint:
        return error.diag.message_hint
    otherwise = _SOMETHING if error.sqlstate == _UNKNOWN_OBJECT else "Correct it."
    return _BY_WHO_MISSES_IT.get(error.diag.source_function or "", otherwise)


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

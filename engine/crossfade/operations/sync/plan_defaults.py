"""Statements that have a default of the catalog in them. Pure.

What the server deparsed has a schema with every name, and is understood under our own search path. What an earlier
change of the plan has made the default is its text as the plan has it, which only the users' search path explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH
from crossfade.operations.sync.sameness import differs
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Default


def readable(statements: Iterable[Statement], *defaults: Default | None) -> tuple[Statement, ...]:
    """The statements, which have these defaults in them, under the search path that all of those are written for."""
    written = tuple(statements)
    if written and any(default is not None and default.of_plan for default in defaults):
        return (USERS_PATH, *written, OUR_PATH)
    return written


def comparison(function: sql.Identifier, column_type: str, default: Default, *, exact: bool) -> tuple[Statement, ...]:
    """Make the function that says whether a value of the column is another than the default gives.

    The text of a default need not have the column's type: `0` is no numeric, and `'x'` no `char(4)`.
    """
    made = sql.SQL("CREATE FUNCTION {}(value {}) RETURNS bool LANGUAGE sql STABLE BEGIN ATOMIC SELECT {}; END")
    given = sql.SQL("CAST({} AS {})").format(sql.SQL(default.expression), sql.SQL(column_type))
    compared = differs(sql.Identifier("value"), given, exact=exact)
    return readable((Statement(text=render(made.format(function, sql.SQL(column_type), compared))),), default)

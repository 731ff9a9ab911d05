"""Statements made for a file: DO blocks, and an index that may be there. Pure."""

from __future__ import annotations

from copy import copy
from importlib.resources import files
from itertools import count

from pglast.stream import RawStream
from psycopg import sql

from crossfade.postgres.forecast.trees import kind, one_statement


def body(name: str) -> sql.SQL:
    """A body of `sql/`, with places for its parts."""
    return sql.SQL(files(__package__).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8").strip())


def block(text: str) -> str:
    """The statement that runs a body; the body is quoted by a tag that it does not have in it."""
    tag = next(tag for tag in (f"$crossfade{number or ''}$" for number in count()) if tag not in text)
    return f"DO {tag}\n{text}\n{tag}"


def unless_it_exists(statement: str) -> str:
    """CREATE INDEX that does nothing where the index is there; any other statement as it is."""
    tree = one_statement(statement)
    if kind(tree) != "IndexStmt":
        return statement
    tree = copy(tree)  # others read the same one
    tree.if_not_exists = True
    return str(RawStream()(tree))

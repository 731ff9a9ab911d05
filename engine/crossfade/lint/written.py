"""SQL that findings show instead: names in quotes where they need them, statements deparsed from changed trees."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from typing import Any

from crossfade.postgres.names import quoted


def named(parts: Iterable[str]) -> str:
    """A name of several parts as SQL."""
    return ".".join(map(quoted, parts))


def table_of(relation: Any) -> str:
    """A RangeVar as SQL: `public."Users"`."""
    return named([relation.schemaname, relation.relname] if relation.schemaname else [relation.relname])


def shown(node: Any) -> str:
    """An expression, or another part of a tree, as SQL."""
    from pglast.stream import RawStream

    return str(RawStream()(node))


def statement(node: Any) -> str:
    """A tree as SQL, with its semicolon."""
    from pglast.stream import RawStream

    return f"{RawStream()(node)};"


def concurrently(node: Any) -> str:
    """The same statement with CONCURRENTLY."""
    changed = copy(node)
    changed.concurrent = True
    return statement(changed)

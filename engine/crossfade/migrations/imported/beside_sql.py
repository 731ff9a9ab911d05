"""What SQL of a migration cannot be in one plan with, and what cannot be in one plan behind it. Pure.

It is sent as it stands: where a column has its new name, or type, in contract only, SQL of expand may not name it, and
SQL of contract may not by its old name. What is dropped by SQL is there until contract, with all that it hangs on. And
what its foreign keys point at has to be unique before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed import is_sql_of_contract
from crossfade.postgres.forecast.trees import below, kind, names

if TYPE_CHECKING:
    from crossfade.migrations.imported.beside import Mark
    from crossfade.migrations.typed import Typed

DROPPED: Mark = ("dropped", "", "")
"""Held by SQL that drops something."""
LEFT: Mark = ("left", "", "")
"""Held by what leaves old columns, with the sequences of their defaults, until the run is over."""
_TYPES = frozenset({"OBJECT_DOMAIN", "OBJECT_TYPE"})
_WORD = re.compile(r"[\w$]+")


def held(change: Typed) -> Iterator[Mark]:
    """By an SQL change; nothing by any other."""
    if change.is_sql:
        yield from (DROPPED for s in change.statements if kind(s.tree) == "DropStmt")
        # What columns have that the plan leaves may be it.
        yield from (("type", "", s.tree.newname) for s in change.statements if _renames_type(s.tree))


def wanted(change: Typed) -> Iterator[Mark]:
    """By an SQL change; nothing by any other."""
    if not change.is_sql:
        return
    wrong = "old" if all(map(is_sql_of_contract, change.entries)) else "new"
    for statement in change.statements:
        yield from ((wrong, "", word) for word in _words(statement.tree))
        yield from (("type", "", name) for name in _dropped_types(statement.tree))
        yield from (("unique", name, "") for name in _referenced(statement.tree))
        if kind(statement.tree) == "DropStmt" and statement.tree.removeType.name == "OBJECT_SEQUENCE":
            yield LEFT
        if kind(statement.tree) == "AlterTableStmt":
            table = statement.tree.relation.relname
            yield from (("work", table, one.name) for one in statement.tree.cmds if one.name is not None)


def _words(tree: Any) -> Iterator[str]:
    """Every name in it, and what may be one in the body of a function."""
    for node in below(tree):
        for text in (value for slot in node if isinstance(value := getattr(node, slot), str)):
            yield text
            yield from _WORD.findall(text)


def _referenced(tree: Any) -> Iterator[str]:
    """The tables that foreign keys in it point at."""
    for node in below(tree):
        if kind(node) == "Constraint" and node.pktable is not None:
            yield node.pktable.relname


def _renames_type(tree: Any) -> bool:
    return kind(tree) == "RenameStmt" and tree.renameType.name in _TYPES


def _dropped_types(tree: Any) -> Iterator[str]:
    if kind(tree) == "DropStmt" and tree.removeType.name in _TYPES:
        yield from (names(type_.names)[-1] for type_ in tree.objects)

"""What SQL of expand would meet too early: rows that an earlier change of its plan writes in batches. Pure.

All SQL of expand runs before any backfill, and before contract. What calls functions may read anything; a query that is
kept reads its tables; and a function or trigger that comes behind an UPDATE was not there when that fired or called it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.typed import is_sql_of_contract
from crossfade.plan.names import TableName
from crossfade.postgres.forecast.trees import below, kind

if TYPE_CHECKING:
    from crossfade.migrations.imported.beside import Mark
    from crossfade.migrations.script import SqlStatement
    from crossfade.migrations.typed import Entry, Typed

_LATER: Mark = ("later", "", "")
"""Held by what has work to do behind expand."""
_FILLED: Mark = ("filled", "", "")
"""Held by what computes values of rows in batches."""
_EARLY = frozenset(
    {
        *("add_check", "add_column", "add_domain_check", "add_enum_value", "add_exclusion", "add_foreign_key"),
        *("add_primary_key", "add_unique", "attach_partition", "create_domain", "create_enum", "create_index"),
        *("create_table", "reindex", "replace_index", "set_comment", "set_default", "set_identity", "set_not_null"),
        *("set_statistics", "set_storage", "set_storage_parameters"),
    }
)
"""Kinds that are through with expand, unless they fill."""
_FILLING = frozenset({"change_type", "merge_columns", "split_column"})
_RUNNING = frozenset({"CallStmt", "DoStmt", "SelectStmt"})
_READING = frozenset({"CreateTableAsStmt", "RefreshMatViewStmt"})


def held(change: Typed) -> Iterator[Mark]:
    """By what writes rows in batches, or does something in contract."""
    for entry in change.entries:
        ((what, fields),) = entry.items()
        is_filled = what in _FILLING or not fields.keys().isdisjoint({"fill", "fix"})
        if is_filled:
            yield _FILLED
        if what == "sql" and is_sql_of_contract(entry):
            yield _LATER
        elif what != "sql" and (is_filled or what not in _EARLY):
            yield _LATER
            yield from (("later", table, "") for table in _tables(entry))


def wanted(change: Typed) -> Iterator[Mark]:
    """By SQL of expand; nothing by any other change."""
    if not change.is_sql or all(map(is_sql_of_contract, change.entries)):
        return
    for statement in change.statements:
        what = kind(statement.tree)
        if what in _RUNNING:
            yield _LATER
        elif what in _READING or (what == "ViewStmt" and any(kind(n) == "A_Star" for n in below(statement.tree))):
            yield from (("later", n.relname, "") for n in below(statement.tree) if kind(n) == "RangeVar")
        elif what in {"AlterFunctionStmt", "CreateTrigStmt"} or _replaces_function(change, statement):
            yield _FILLED


def _replaces_function(change: Typed, statement: SqlStatement) -> bool:
    """Whether a function may have been there before; where more belongs to the change, its DROP does."""
    is_function = kind(statement.tree) == "CreateFunctionStmt"
    return is_function and (statement.tree.replace or len(change.statements) > 1)


def _tables(entry: Entry) -> Iterator[str]:
    ((what, fields),) = entry.items()
    names = [fields.get("table")] if "table" in fields else [fields.get("from"), fields.get("to")]
    yield from (TableName.parse(name).name for name in names if isinstance(name, str) and what != "sql")

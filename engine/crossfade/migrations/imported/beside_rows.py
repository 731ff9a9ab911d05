"""What SQL of expand would meet too early: rows that an earlier change of its plan writes in batches. Pure.

All SQL of expand runs before any backfill, and before contract. What calls functions may read anything; a query that is
kept, or that fills a new table, reads its tables; and a function or trigger that comes behind an UPDATE was not there
when that fired or called it. A trigger that is dropped before it is there until contract, and fires.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed import is_sql_of_contract
from crossfade.plan.names import TableName
from crossfade.postgres.forecast.trees import below, functions_of, kind, names, relations_of

if TYPE_CHECKING:
    from crossfade.migrations.imported.beside import Mark
    from crossfade.migrations.script import SqlStatement
    from crossfade.migrations.typed import Entry, Typed

_LATER: Mark = ("later", "", "")
"""Held by what has work to do behind expand."""
_FILLED: Mark = ("filled", "", "")
"""Held by what computes values of rows in batches."""
_FIRING: Mark = ("firing", "", "")
"""Held by what drops, in contract, something that may fire where rows are written."""
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
_READING = frozenset({"CreateTableAsStmt", "DeleteStmt", "InsertStmt", "MergeStmt", "RefreshMatViewStmt", "UpdateStmt"})
_VIEWS = frozenset({"view", "materialized view"})
_READS_NOTHING = frozenset(
    {
        *("btrim", "clock_timestamp", "concat", "count", "date_trunc", "gen_random_uuid", "generate_series"),
        *("jsonb_build_object", "lower", "max", "md5", "min", "nextval", "now", "random", "sum", "to_jsonb", "upper"),
    }
)
"""PostgreSQL's own functions that are met most; what calls any other one waits, for it may read a table."""


def held(change: Typed) -> Iterator[Mark]:
    """By what writes rows in batches, or does something in contract."""
    for entry in change.entries:
        (what,) = entry
        if _is_filled(entry):
            yield _FILLED
            yield from (("called", "", name[-1]) for s in change.statements for name in functions_of(s.tree))
        if what == "sql" and is_sql_of_contract(entry):
            yield _LATER
            if any(_stops_firing(statement.tree) for statement in change.statements):
                yield _FIRING
        elif what != "sql" and (_is_filled(entry) or what not in _EARLY):
            yield _LATER
            yield from (("later", table, "") for table in _tables(entry))


def wanted(change: Typed) -> Iterator[Mark]:
    """By SQL, and by what writes rows in batches; nothing by any other change."""
    if any(map(_is_filled, change.entries)):
        yield _FIRING
    if not change.is_sql:
        return
    if all(map(is_sql_of_contract, change.entries)):
        yield from (("called", "", name) for s in change.statements for name in _dropped_functions(s.tree))
        return
    for statement in change.statements:
        what = kind(statement.tree)
        if what in _RUNNING:
            yield _LATER
        elif what in _READING:
            yield from _read(change, statement)
        elif what == "ViewStmt" and any(kind(n) == "A_Star" for n in below(statement.tree)):
            yield from (("later", n.relname, "") for n in below(statement.tree) if kind(n) == "RangeVar")
        elif what in {"AlterFunctionStmt", "CreateTrigStmt"} or _replaces_function(change, statement):
            yield _FILLED


def _read(change: Typed, statement: SqlStatement) -> Iterator[Mark]:
    """By a statement that reads rows; views, functions and triggers may read any table, those of a new one too."""
    new = {s.tree.relation.relname for s in change.statements if kind(s.tree) == "CreateStmt"}
    made = statement.tree.into.rel if kind(statement.tree) == "CreateTableAsStmt" else None
    for relation in relations_of(statement.tree):
        table = change.before.find(relation.schemaname, relation.relname)
        yield ("later", relation.relname, "")
        is_table = table is not None and table.kind not in _VIEWS
        if not is_table and relation is not made and relation.relname not in new:
            yield _LATER
    called = {name[-1] for s in change.statements for name in functions_of(s.tree)}
    if called - _READS_NOTHING or any(kind(s.tree) == "CreateTrigStmt" for s in change.statements):
        yield _LATER


def _is_filled(entry: Entry) -> bool:
    ((what, fields),) = entry.items()
    return what in _FILLING or not fields.keys().isdisjoint({"fill", "fix"})


def _stops_firing(tree: Any) -> bool:
    """Whether it drops a trigger or rule, or a function with the triggers that call it."""
    if kind(tree) != "DropStmt":
        return False
    return tree.removeType.name in {"OBJECT_TRIGGER", "OBJECT_RULE"} or tree.behavior.name == "DROP_CASCADE"


def _dropped_functions(tree: Any) -> Iterator[str]:
    if kind(tree) == "DropStmt":
        yield from (names(one.objname)[-1] for one in tree.objects if kind(one) == "ObjectWithArgs")


def _replaces_function(change: Typed, statement: SqlStatement) -> bool:
    """Whether a function may have been there before; where more belongs to the change, its DROP does."""
    is_function = kind(statement.tree) == "CreateFunctionStmt"
    return is_function and (statement.tree.replace or len(change.statements) > 1)


def _tables(entry: Entry) -> Iterator[str]:
    ((what, fields),) = entry.items()
    names = [fields.get("table")] if "table" in fields else [fields.get("from"), fields.get("to")]
    yield from (TableName.parse(name).name for name in names if isinstance(name, str) and what != "sql")

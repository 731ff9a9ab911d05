"""An `sql` change for a statement that no other kind does: its phase, and what takes it back where that is plain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import Entry, NotTyped, entry, printed, sql_name, sql_relation
from crossfade.postgres.forecast.trees import NotOneStatement, kind, one_statement
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

_CONTRACT = frozenset(
    {"DropStmt", "RenameStmt", "TruncateStmt", "AlterObjectSchemaStmt", "AlterTableStmt", "AlterDomainStmt", "RuleStmt"}
)
"""What an old version may not live with."""
_EXPANDING = frozenset({"AT_AddColumn", "AT_ValidateConstraint", "AT_SetStatistics", "AT_SetOptions"})
"""Subcommands of ALTER TABLE that it can live with."""
UNKNOWN = "The migration does not say how it is taken back."
GOES_WITH_IT = "Its index was there before, and DROP CONSTRAINT would drop it too: an `undo` has to build it again."


def sql_entry(statement: str) -> Entry | None:
    """The statement as an `sql` change; None where a plan cannot send it, such as COPY.

    What makes something new is taken back by dropping it. For anything else the entry says `irreversible`, with the
    reason, which a person who knows better replaces by an `undo`.
    """
    try:
        node = one_statement(statement)
    except NotOneStatement:
        return None
    undo = _undo(node)
    phase = "contract" if _is_for_contract(node) else "expand"
    run: Any = statement.strip() if undo is None else {"run": statement.strip(), "undo": undo}
    is_bare = undo is None and not _needs_none(node)
    try:
        return entry("sql", **{phase: (run,)}, irreversible=is_bare, reason=_reason(node) if is_bare else None)
    except NotTyped:
        return None


def _reason(node: Any) -> str:
    is_of_alter_table = kind(node) == "AlterTableStmt"
    return GOES_WITH_IT if is_of_alter_table and any(map(_has_index, node.cmds)) else UNKNOWN


def _has_index(command: Any) -> bool:
    """Whether it makes a constraint of an index."""
    return kind(command.def_) == "Constraint" and command.def_.indexname is not None


def _is_for_contract(node: Any) -> bool:
    if kind(node) == "GrantStmt":
        return not node.is_grant
    if kind(node) == "AlterTableStmt":
        return any(command.subtype.name not in _EXPANDING for command in node.cmds)
    return kind(node) in _CONTRACT


def _needs_none(node: Any) -> bool:
    what = kind(node)
    return what in {"VacuumStmt", "CheckPointStmt", "LockStmt", "ReindexStmt"} or (
        what == "IndexStmt" and bool(node.concurrent)
    )


def _undo(node: Any) -> str | None:
    """The statement that drops what is made; None where it makes nothing, or maybe nothing new."""
    make = _UNDO.get(kind(node))
    return None if make is None or _may_be_there(node) else make(node)


def _may_be_there(node: Any) -> bool:
    return any(getattr(node, slot, False) for slot in ("if_not_exists", "replace"))


def _of_function(node: Any) -> str:
    what = "PROCEDURE" if node.is_procedure else "FUNCTION"
    inputs = [p for p in node.parameters or () if p.mode.name not in {"FUNC_PARAM_OUT", "FUNC_PARAM_TABLE"}]
    types = ", ".join(printed(p.argType) for p in inputs)
    return f"DROP {what} IF EXISTS {sql_name(node.funcname)}({types})"


def _of_alter_table(node: Any) -> str | None:
    """ADD CONSTRAINT … NOT VALID, and ADD COLUMN of a kind that no plan has."""
    command, table = node.cmds[0], f"ALTER TABLE IF EXISTS {sql_relation(node.relation)}"
    if len(node.cmds) > 1 or _has_index(command):
        return None
    if command.subtype.name == "AT_AddColumn" and not command.missing_ok:
        return f"{table} DROP COLUMN IF EXISTS {quoted(command.def_.colname)}"
    if command.subtype.name == "AT_AddConstraint" and command.def_.conname is not None:
        return f"{table} DROP CONSTRAINT IF EXISTS {quoted(command.def_.conname)}"
    return None


def _of_index(node: Any) -> str | None:
    if node.idxname is None or node.concurrent:
        return None
    schema = f"{quoted(node.relation.schemaname)}." if node.relation.schemaname else ""
    return f"DROP INDEX IF EXISTS {schema}{quoted(node.idxname)}"


def _of_table_as(node: Any) -> str:
    what = "MATERIALIZED VIEW" if node.objtype.name == "OBJECT_MATVIEW" else "TABLE"
    return f"DROP {what} IF EXISTS {sql_relation(node.into.rel)}"


def _of_schema(node: Any) -> str | None:
    return None if node.schemaname is None else f"DROP SCHEMA IF EXISTS {quoted(node.schemaname)}"


_UNDO: dict[str, Callable[[Any], str | None]] = {
    "CreateStmt": lambda node: f"DROP TABLE IF EXISTS {sql_relation(node.relation)}",
    "CreateTableAsStmt": _of_table_as,
    "CreateSeqStmt": lambda node: f"DROP SEQUENCE IF EXISTS {sql_relation(node.sequence)}",
    "ViewStmt": lambda node: f"DROP VIEW IF EXISTS {sql_relation(node.view)}",
    "CreateFunctionStmt": _of_function,
    "CreateTrigStmt": lambda node: f"DROP TRIGGER IF EXISTS {quoted(node.trigname)} ON {sql_relation(node.relation)}",
    "CreatePolicyStmt": lambda node: f"DROP POLICY IF EXISTS {quoted(node.policy_name)} ON {sql_relation(node.table)}",
    "CreateEnumStmt": lambda node: f"DROP TYPE IF EXISTS {sql_name(node.typeName)}",
    "CreateRangeStmt": lambda node: f"DROP TYPE IF EXISTS {sql_name(node.typeName)}",
    "CompositeTypeStmt": lambda node: f"DROP TYPE IF EXISTS {sql_relation(node.typevar)}",
    "CreateDomainStmt": lambda node: f"DROP DOMAIN IF EXISTS {sql_name(node.domainname)}",
    "CreateExtensionStmt": lambda node: f"DROP EXTENSION IF EXISTS {quoted(node.extname)}",
    "CreateSchemaStmt": _of_schema,
    "CreateStatsStmt": lambda node: f"DROP STATISTICS IF EXISTS {sql_name(node.defnames)}" if node.defnames else None,
    "IndexStmt": _of_index,
    "AlterTableStmt": _of_alter_table,
}

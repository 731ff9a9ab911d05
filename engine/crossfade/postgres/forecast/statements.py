"""Every kind of statement, by the name of its node in the parse tree, and what is known of it.

Most lock no table at all: they are listed, so that a kind that is missing is unknown rather than harmless. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast import (
    attached,
    creating,
    domains,
    drop,
    maintenance,
    renaming,
    rows,
    sequences,
    session,
)
from crossfade.postgres.forecast.alter_table import alter_table
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.forecast.views import keep_views

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft


def _create_schema(draft: Draft, node: Any) -> None:
    """CREATE SCHEMA; what stands in it is made there, one after the other."""
    path = draft.schema.search_path
    draft.schema = replace(draft.schema, search_path=(node.schemaname or draft.schema.creation_schema, *path))
    for element in node.schemaElts or ():
        work_off(draft, element)
    draft.schema = replace(draft.schema, search_path=path)


KNOWN: Mapping[str, Callable[[Draft, Any], None]] = {
    "AlterTableStmt": alter_table,
    "CreateStmt": creating.create_table,
    "CreateForeignTableStmt": creating.create_foreign_table,
    "CreateTableAsStmt": creating.create_table_as,
    "ViewStmt": creating.create_view,
    "IndexStmt": creating.create_index,
    "CreateSeqStmt": sequences.create_sequence,
    "AlterSeqStmt": sequences.alter_sequence,
    "CreateFunctionStmt": creating.create_function,
    "CreateSchemaStmt": _create_schema,
    "DropStmt": drop.drop,
    "RenameStmt": renaming.rename,
    "AlterObjectSchemaStmt": renaming.set_schema,
    "CreateTrigStmt": attached.create_trigger,
    "RuleStmt": attached.create_rule,
    "CreatePolicyStmt": attached.create_policy,
    "AlterPolicyStmt": attached.alter_policy,
    "CommentStmt": attached.comment,
    "SecLabelStmt": attached.comment,
    "CreateStatsStmt": attached.create_statistics,
    "CreatePublicationStmt": attached.create_publication,
    "AlterPublicationStmt": attached.alter_publication,
    "CreateDomainStmt": domains.create_domain,
    "AlterDomainStmt": domains.alter_domain,
    "ReindexStmt": maintenance.reindex,
    "ClusterStmt": maintenance.cluster,
    "VacuumStmt": maintenance.vacuum,
    "RefreshMatViewStmt": maintenance.refresh,
    "TruncateStmt": maintenance.truncate,
    "LockStmt": maintenance.lock_table,
    "SelectStmt": rows.select,
    "InsertStmt": rows.insert,
    "UpdateStmt": rows.update,
    "DeleteStmt": rows.delete,
    "MergeStmt": rows.merge,
    "CopyStmt": rows.copy,
    "VariableSetStmt": session.set_variable,
    "ExplainStmt": lambda draft, node: _inner(draft, node.query),
    "DeclareCursorStmt": lambda draft, node: _inner(draft, node.query),
    "PrepareStmt": lambda draft, node: _inner(draft, node.query),
}
_ON_ROWS = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_NO_TABLE_TEXT = """
    AlterDatabaseSetStmt AlterDefaultPrivilegesStmt AlterEnumStmt AlterEventTrigStmt AlterFunctionStmt
    AlterObjectDependsStmt AlterOpFamilyStmt AlterOperatorStmt AlterOwnerStmt AlterRoleSetStmt AlterRoleStmt
    AlterStatsStmt AlterTSConfigurationStmt AlterTSDictionaryStmt AlterTypeStmt CheckPointStmt
    ClosePortalStmt CompositeTypeStmt ConstraintsSetStmt CreateCastStmt CreateConversionStmt CreateEnumStmt
    CreateEventTrigStmt CreateFdwStmt CreateForeignServerStmt CreateOpClassStmt CreateOpFamilyStmt CreatePLangStmt
    CreateRangeStmt CreateRoleStmt CreateTransformStmt CreateUserMappingStmt DeallocateStmt DefineStmt DropRoleStmt
    DropUserMappingStmt GrantRoleStmt GrantStmt ListenStmt LoadStmt NotifyStmt UnlistenStmt VariableShowStmt
"""
NO_TABLE = frozenset(_NO_TABLE_TEXT.split())
"""They lock no table above ACCESS SHARE."""
_OUTSIDE_TEXT = """
    AlterDatabaseStmt AlterSubscriptionStmt AlterSystemStmt CreateSubscriptionStmt CreateTableSpaceStmt CreatedbStmt
    DiscardStmt DropSubscriptionStmt DropTableSpaceStmt DropdbStmt
"""
OUTSIDE_TRANSACTIONS = frozenset(_OUTSIDE_TEXT.split())
"""They lock no table either, and are refused, in some form at least, inside a transaction block."""
ANYTHING = {
    "DoStmt": "a DO block may do anything",
    "CallStmt": "a procedure may do anything",
    "ExecuteStmt": "what a prepared statement does is not in its name",
    "CreateExtensionStmt": "an extension's script may do anything",
    "AlterExtensionStmt": "an extension's script may do anything",
    "ImportForeignSchemaStmt": "what it creates stands on another server",
    "DropOwnedStmt": "it drops whatever a role owns",
    "ReassignOwnedStmt": "it alters whatever a role owns",
    "TransactionStmt": "it begins or ends a transaction",
    "AlterTableMoveAllStmt": "it moves whatever is in a tablespace",
}


def work_off(draft: Draft, node: Any) -> None:
    """Let the statement's kind enter what it does. Raises Unforeseeable."""
    name = kind(node)
    if name in KNOWN:
        before = draft.schema
        KNOWN[name](draft, node)
        keep_views(draft, before, node)
    elif name in OUTSIDE_TRANSACTIONS:
        draft.transactional = False
    elif name in ANYTHING:
        raise Unforeseeable(ANYTHING[name])
    elif name not in NO_TABLE:
        raise Unforeseeable(f"it is a kind of statement that is not known here: {name}")


def _inner(draft: Draft, query: Any) -> None:
    """A statement inside EXPLAIN, DECLARE or PREPARE: its tables are locked, whether it is run or only planned."""
    if kind(query) in _ON_ROWS:
        KNOWN[kind(query)](draft, query)

"""What is known of a schema as it comes out of statements: those that the phases of a plan execute. Pure.

Kinds of statements that are followed are listed, and those that nothing printed depends on; any other is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossfade.postgres.catalog import QualifiedName
from crossfade.postgres.forecast.trees import NotOneStatement, kind, names, one_statement
from crossfade.types import changed_relations as relations
from crossfade.types import changed_types as types
from crossfade.types.known import Known, NotFollowed
from crossfade.types.named_types import all_moved, settled, type_moved, type_named, with_rows_of_tables
from crossfade.types.queries import UNKNOWN

_RELATIONS = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"})
_TYPES = frozenset({"OBJECT_TYPE", "OBJECT_DOMAIN"})
_ON_TABLES_TEXT = "DOMCONSTRAINT INDEX POLICY RULE SEQUENCE STATISTIC_EXT TABCONSTRAINT TRIGGER"
_ON_TABLES = frozenset(f"OBJECT_{name}" for name in _ON_TABLES_TEXT.split())
"""What no column hangs on, but for defaults, which the model of the schema knows."""
_APART_TEXT = """
    ACCESS_METHOD AGGREGATE CAST COLLATION CONVERSION DATABASE EVENT_TRIGGER FDW FOREIGN_SERVER FUNCTION LANGUAGE
    OPCLASS OPERATOR OPFAMILY PROCEDURE PUBLICATION ROLE ROUTINE SUBSCRIPTION TABLESPACE TRANSFORM TSCONFIGURATION
    TSDICTIONARY TSPARSER TSTEMPLATE
"""
_APART = frozenset(f"OBJECT_{name}" for name in _APART_TEXT.split())
"""What has no part in types, as long as nothing that needs it is dropped with it."""
_WITHOUT_TYPES_TEXT = """
    AlterCollationStmt AlterDatabaseRefreshCollStmt AlterDatabaseSetStmt AlterDatabaseStmt AlterDefaultPrivilegesStmt
    AlterEventTrigStmt AlterFdwStmt AlterForeignServerStmt AlterFunctionStmt AlterObjectDependsStmt AlterOpFamilyStmt
    AlterOperatorStmt AlterOwnerStmt AlterPolicyStmt AlterPublicationStmt AlterRoleSetStmt AlterRoleStmt AlterSeqStmt
    AlterStatsStmt AlterSubscriptionStmt AlterSystemStmt AlterTSConfigurationStmt AlterTSDictionaryStmt
    AlterTableMoveAllStmt AlterTableSpaceOptionsStmt AlterTypeStmt AlterUserMappingStmt CheckPointStmt ClosePortalStmt
    ClusterStmt ConstraintsSetStmt CopyStmt CreateAmStmt CreateCastStmt CreateConversionStmt CreateEventTrigStmt
    CreateFdwStmt CreateForeignServerStmt CreateFunctionStmt CreateOpClassStmt CreateOpFamilyStmt CreatePLangStmt
    CreatePolicyStmt CreatePublicationStmt CreateRangeStmt CreateRoleStmt CreateSeqStmt CreateStatsStmt
    CreateSubscriptionStmt CreateTableSpaceStmt CreateTransformStmt CreateTrigStmt CreateUserMappingStmt CreatedbStmt
    DeallocateStmt DeclareCursorStmt DefineStmt DeleteStmt DiscardStmt DropRoleStmt DropSubscriptionStmt
    DropTableSpaceStmt DropUserMappingStmt DropdbStmt FetchStmt GrantRoleStmt GrantStmt IndexStmt InsertStmt ListenStmt
    LoadStmt LockStmt MergeStmt NotifyStmt PrepareStmt RefreshMatViewStmt ReindexStmt ReplicaIdentityStmt RuleStmt
    SecLabelStmt TruncateStmt UnlistenStmt UpdateStmt VacuumStmt VariableSetStmt VariableShowStmt
"""
_WITHOUT_TYPES = frozenset(_WITHOUT_TYPES_TEXT.split())
"""Statements that leave every type as it is. Values of new ranges and base types come as text, as those of types do
that nothing is known of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Statements that commit together."""

    statements: Sequence[str]
    is_ours: bool = True
    """They are of crossfade's own making: what the model does not know of them is of no matter to types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What is known in the end, and what could not be foreseen."""

    known: Known
    unforeseen: tuple[str, ...] = ()
    """A line each: the reason."""


def follow(known: Known, works: Iterable[Work]) -> Followed:
    """What comes out of these statements; what one work makes, the next one finds."""
    for work in works:
        known = replace(known, schema=known.schema.seen_by_others())
        for text in work.statements:
            told = known.unforeseen
            try:
                known = _followed(known, one_statement(text))
            except NotOneStatement as reason:
                known = known.without_telling(str(reason))
            if work.is_ours:
                known = replace(known, unforeseen=told)
    known = with_rows_of_tables(known)
    return Followed(known=known, unforeseen=tuple(dict.fromkeys((*known.unforeseen, *_assumptions(known)))))


def _assumptions(known: Known) -> Iterable[str]:
    for table in known.schema.tables.values():
        for column in table.columns:
            if column.name in known.assumed.get(table.name, ()):
                is_unknown = column.type_name == UNKNOWN.type_name
                taken = "is not foreseen" if is_unknown else "is taken to be the one that it had"
                yield f"the type of {column.name} in {table.name}, which is made anew, {taken}"


def _followed(before: Known, node: Any) -> Known:
    """What one statement leaves."""
    forecast, schema = before.schema.foresee_tree(node)
    after = replace(before, schema=schema)
    if forecast.unknown is not None:
        after = after.without_telling(forecast.unknown)
    act = _ACTS.get(kind(node))
    if act is not None:
        try:
            after = act(before, after, node)
        except NotFollowed as reason:
            after = after.without_telling(str(reason))
    elif kind(node) not in _WITHOUT_TYPES and forecast.unknown is None:
        after = _not_followed(after, kind(node).removesuffix("Stmt"))
    return settled(before, relations.without_lost_views(before, after, node))


def _not_followed(known: Known, what: str) -> Known:
    words = re.findall(r"[A-Z][a-z]+|[A-Z]+(?![a-z])", what)
    return known.without_telling(f"what {' '.join(words).upper()} does to types is not followed")


def _create_schema(before: Known, _after: Known, node: Any) -> Known:
    """CREATE SCHEMA; what stands in it is made there, one after the other, and tables before the views over them."""
    elements = sorted(node.schemaElts or (), key=lambda element: kind(element) == "ViewStmt")
    if elements and node.schemaname is None:
        return before.without_telling("what CREATE SCHEMA without a name makes in it is not followed")
    path = before.schema.search_path
    known = replace(before, schema=replace(before.schema, search_path=(node.schemaname, *path))) if elements else before
    for element in elements:
        known = _followed(known, element)
    return replace(known, schema=replace(known.schema, search_path=path))


def _rename(before: Known, after: Known, node: Any) -> Known:
    what = node.renameType.name
    if what == "OBJECT_COLUMN":
        return relations.rename_column(before, after, node)
    if what == "OBJECT_ATTRIBUTE":
        return types.rename_attribute(before, after, node)
    if what == "OBJECT_SCHEMA":
        return _moved_schema(after, node.subname, node.newname)
    return _moved(before, after, node, what)


def _set_schema(before: Known, after: Known, node: Any) -> Known:
    return _moved(before, after, node, node.objectType.name)


def _moved(before: Known, after: Known, node: Any, what: str) -> Known:
    """With a type, or what a view is over, by its new name."""
    if what in _TYPES:
        old = type_named(before, names(node.object))
        return type_moved(after, old, _new_name(old, node))
    if what in _RELATIONS:
        old = before.schema.qualify(node.relation.schemaname, node.relation.relname)
        new = _new_name(old, node)
        moved = type_moved(after, old, new) if old in after.types else after
        return _with_views_moved(moved, lambda name: new if name == old else name)
    if what in _ON_TABLES or what in _APART:
        return after
    return _not_followed(after, f"ALTER {what.removeprefix('OBJECT_')}")


def _new_name(old: QualifiedName, node: Any) -> QualifiedName:
    if kind(node) == "RenameStmt":
        return QualifiedName(old.schema, node.newname)
    return QualifiedName(node.newschema, old.name)


def _with_views_moved(known: Known, moved: Callable[[QualifiedName], QualifiedName]) -> Known:
    views = {moved(name): replace(shows, table=moved(shows.table)) for name, shows in known.views.items()}
    return replace(known, views=views)


def _moved_schema(known: Known, old: str, new: str) -> Known:
    def moved(name: QualifiedName) -> QualifiedName:
        return QualifiedName(new, name.name) if name.schema == old else name

    return _with_views_moved(all_moved(known, moved), moved)


def _drop(before: Known, after: Known, node: Any) -> Known:
    what, cascades = node.removeType.name, node.behavior.name == "DROP_CASCADE"
    gone: set[QualifiedName] = set()
    if what in _TYPES:
        gone = {type_named(before, names(dropped.names)) for dropped in node.objects}
    elif what == "OBJECT_SCHEMA":
        dropped = {schema.sval for schema in node.objects}
        gone = {name for name in before.types if name.schema in dropped}
    elif what not in _RELATIONS | _ON_TABLES and (cascades or what not in _APART):
        return _not_followed(after, f"DROP {what.removeprefix('OBJECT_')}{' CASCADE' if cascades else ''}")
    # Row types go with their tables.
    gone |= {name for name in before.types if name in before.schema.tables and name not in after.schema.tables}
    after = types.without_types(after, gone)
    return replace(after, views={name: s for name, s in after.views.items() if name in after.schema.tables})


def _alter_table(before: Known, after: Known, node: Any) -> Known:
    if node.objtype.name == "OBJECT_TYPE":
        return types.alter_attributes(before, after, node)
    return relations.alter_table(before, after, node)


def _comment(before: Known, after: Known, node: Any) -> Known:
    what = node.objtype.name
    if what in _TYPES:
        return types.comment_on_type(before, after, node)
    if what == "OBJECT_COLUMN":
        return relations.comment_on_column(before, after, node)
    return relations.comment_on_relation(before, after, node) if what in _RELATIONS else after


_ACTS: Mapping[str, Callable[[Known, Known, Any], Known]] = {
    "CreateEnumStmt": types.create_enum,
    "AlterEnumStmt": types.alter_enum,
    "CompositeTypeStmt": types.create_composite,
    "CreateDomainStmt": types.create_domain,
    "AlterDomainStmt": types.alter_domain,
    "CreateStmt": relations.create_table,
    "CreateForeignTableStmt": relations.create_foreign_table,
    "CreateTableAsStmt": relations.create_table_as,
    "ViewStmt": relations.create_view,
    "SelectStmt": relations.select,
    "AlterTableStmt": _alter_table,
    "CreateSchemaStmt": _create_schema,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "DropStmt": _drop,
    "CommentStmt": _comment,
}

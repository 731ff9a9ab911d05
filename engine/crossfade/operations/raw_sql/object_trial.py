"""Statements about types, functions, schemas, roles and settings, tried as they are and taken back. Pure.

They lock no table. One that drops such a thing would lock the tables that use it, so a comment on the thing is tried in
its place: it is looked up in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.operations.raw_sql.sql_foretold import MAKERS
from crossfade.plan.nodes import below, kind_of

if TYPE_CHECKING:
    from crossfade.operations.raw_sql.sql_foretold import Foretold

_AS_WRITTEN_TEXT = """
    AlterDefaultPrivilegesStmt AlterEnumStmt AlterDomainStmt AlterFunctionStmt AlterObjectSchemaStmt AlterOwnerStmt
    AlterObjectDependsStmt AlterOperatorStmt AlterRoleSetStmt AlterRoleStmt AlterStatsStmt AlterTSConfigurationStmt
    AlterTSDictionaryStmt AlterTypeStmt CommentStmt CreateCastStmt CreateConversionStmt CreateForeignServerStmt
    CreateOpClassStmt CreateTransformStmt CreateUserMappingStmt DefineStmt GrantRoleStmt GrantStmt RenameStmt
    VariableSetStmt
"""
_AS_WRITTEN = MAKERS | frozenset(_AS_WRITTEN_TEXT.split())
_OF_TABLES_TEXT = """
    OBJECT_TABLE OBJECT_VIEW OBJECT_MATVIEW OBJECT_FOREIGN_TABLE OBJECT_INDEX OBJECT_SEQUENCE
    OBJECT_COLUMN OBJECT_TABCONSTRAINT OBJECT_TRIGGER OBJECT_POLICY OBJECT_RULE
"""
_OF_TABLES = frozenset(_OF_TABLES_TEXT.split())
_ABOUT_TEXT = """
    0A000 22023 22P02 3F000 42601 42602 42622 42704 42712 42725 42804 42809 42846 42883 42939 42P17 42P18
"""
ABOUT = frozenset(_ABOUT_TEXT.split())
"""SQLSTATEs that are about what such a statement says: names, values, how they go together. Not of a relation (42P01),
which the plan may make before."""
TAKEN = frozenset({"42710", "42723", "42P06", "42P13"})
"""Those of names that are taken, which an earlier statement may have made free."""


def tried(told: Foretold) -> Iterator[str]:
    """What is sent in its place: nothing where it is about tables, or more may come of it."""
    from pglast.stream import RawStream

    tree = told.statement.tree()
    comments = tuple(_comments(tree))
    yield from (RawStream()(comment) for comment in comments)
    locks_none = told.forecast.transactional and told.forecast.unknown is None and not told.forecast.locks
    if not comments and locks_none and kind_of(tree) in _AS_WRITTEN and not _names_tables(tree):
        yield told.statement.text


def _comments(tree: Any) -> Iterator[Any]:
    from pglast.ast import CommentStmt, String
    from pglast.enums import ObjectType

    match kind_of(tree):
        case "DropStmt" if tree.removeType.name not in _OF_TABLES and not tree.missing_ok:
            yield from (CommentStmt(objtype=tree.removeType, object=named) for named in tree.objects)
        case "AlterExtensionStmt" | "AlterExtensionContentsStmt":
            yield CommentStmt(objtype=ObjectType.OBJECT_EXTENSION, object=String(sval=tree.extname))
        case "AlterPublicationStmt":
            yield CommentStmt(objtype=ObjectType.OBJECT_PUBLICATION, object=String(sval=tree.pubname))


def _names_tables(tree: Any) -> bool:
    match kind_of(tree):
        case "GrantStmt" if tree.targtype.name != "ACL_TARGET_OBJECT":
            return True
        case "CreateSchemaStmt":
            return bool(tree.schemaElts)
        case "CommentStmt" if tree.objtype.name in _OF_TABLES:
            return True
        case "CompositeTypeStmt" | "CreateSeqStmt":
            # Its own name is written like a table's.
            return False
    return any(kind_of(node) == "RangeVar" for node in below(tree))

"""What a statement makes, changes, drops or writes rows of, by name, without what it only reads or refers to.

A foreign key changes the table that has it, not the one that it points at; what a trigger or a function does is not
followed. Whoever asks which objects a statement changes asks here. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from crossfade.postgres.cascades import altered, dropped, made_of
from crossfade.postgres.changed import (
    OF_RELATIONS,
    Changed,
    as_changed,
    by_name,
    named,
    numbers_set,
    object_changed,
    owned,
    relation_changed,
    statistics,
)
from crossfade.postgres.changed_publications import all_published, publication_altered, published
from crossfade.postgres.forecast.alter_table import SUBCOMMANDS
from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.target import Reach
from crossfade.postgres.forecast.trees import NotOneStatement, below, kind, names, option, parse
from crossfade.postgres.written_rows import truncated, written


def changed_by_text(schema: Schema, text: str) -> Iterator[Changed]:
    """The same of a statement as text; nothing where it cannot be read."""
    try:
        nodes = parse(text)
    except NotOneStatement:
        return
    for node in nodes:
        yield from changed_by(schema, node)


def changed_by(schema: Schema, node: Any) -> Iterator[Changed]:
    """What pglast's node of a statement changes in this schema; a name may come more than once."""
    name = kind(node)
    if name in _RELATIONS:
        attribute, does, reach = _RELATIONS[name]
        yield from relation_changed(schema, getattr(node, attribute), does, reach)
    elif name in _NAMED:
        attribute, does = _NAMED[name]
        yield from named(schema, names(getattr(node, attribute)), does)
    elif name in _OTHERS:
        yield from _OTHERS[name](schema, node)
    # A function's body may be in the tree, and is run by whoever calls it.
    for inner in below(node) if name != "CreateFunctionStmt" else ():
        if kind(inner) in _ON_ROWS and inner.relation is not None:
            yield from as_changed(written(schema, inner))
        elif kind(inner) == "FuncCall":
            yield from numbers_set(schema, inner)


_ON_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_RELATIONS: Mapping[str, tuple[str, str, Reach]] = {
    "ClusterStmt": ("relation", "changes", Reach.PARTITIONS),
    "CompositeTypeStmt": ("typevar", "creates", Reach.ALONE),
    "CreateSeqStmt": ("sequence", "creates", Reach.ALONE),
    "AlterSeqStmt": ("sequence", "changes", Reach.ALONE),
    "CreatePolicyStmt": ("table", "changes", Reach.ALONE),
    "AlterPolicyStmt": ("table", "changes", Reach.ALONE),
    "CreateTrigStmt": ("relation", "changes", Reach.PARTITIONS),
    "IndexStmt": ("relation", "changes", Reach.PARTITIONS),
    "RefreshMatViewStmt": ("relation", "writes rows of", Reach.ALONE),
    "RuleStmt": ("relation", "changes", Reach.ALONE),
    "ViewStmt": ("view", "creates", Reach.ALONE),
}
_NAMED: Mapping[str, tuple[str, str]] = {
    "AlterCollationStmt": ("collname", "changes"),
    "AlterDomainStmt": ("typeName", "changes"),
    "AlterEnumStmt": ("typeName", "changes"),
    "AlterOpFamilyStmt": ("opfamilyname", "changes"),
    "AlterTSConfigurationStmt": ("cfgname", "changes"),
    "AlterTSDictionaryStmt": ("dictname", "changes"),
    "AlterTypeStmt": ("typeName", "changes"),
    "CreateConversionStmt": ("conversion_name", "creates"),
    "CreateDomainStmt": ("domainname", "creates"),
    "CreateEnumStmt": ("typeName", "creates"),
    "CreateFunctionStmt": ("funcname", "creates"),
    "CreateOpClassStmt": ("opclassname", "creates"),
    "CreateOpFamilyStmt": ("opfamilyname", "creates"),
    "CreateRangeStmt": ("typeName", "creates"),
    "DefineStmt": ("defnames", "creates"),
}
_INHERITED = frozenset({"CONSTR_CHECK", "CONSTR_NOTNULL"})
"""Constraints that children get too, and not partitions alone."""


def _create_table(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from relation_changed(schema, node.relation, "creates")
    for parent in node.inhRelations or ():
        yield from by_name(schema, parent.schemaname, parent.relname, "changes")


def _alter_table(schema: Schema, node: Any) -> Iterator[Changed]:
    for command in node.cmds:
        yield from relation_changed(schema, node.relation, "changes", _reach(command))
        if kind(command.def_) == "PartitionCmd":
            yield from relation_changed(schema, command.def_.name, "changes")
    yield from as_changed(altered(schema, node))


def _reach(command: Any) -> Reach:
    name = command.subtype.name.removeprefix("AT_")
    if kind(command.def_) == "Constraint" and command.def_.is_no_inherit:
        return Reach.ALONE
    if name.endswith("Constraint") or name not in SUBCOMMANDS:
        is_key = kind(command.def_) == "Constraint" and command.def_.contype.name not in _INHERITED
        return Reach.PARTITIONS if is_key else Reach.FAMILY
    return SUBCOMMANDS[name].reach


def _create_table_as(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from relation_changed(schema, node.into.rel, "creates")


def _create_foreign_table(schema: Schema, node: Any) -> Iterator[Changed]:
    base = node.base if hasattr(node, "base") else node.base_stmt
    yield from relation_changed(schema, base.relation, "creates")


def _select(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.intoClause is not None:
        yield from relation_changed(schema, node.intoClause.rel, "creates")


def _copy(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.is_from:
        yield from relation_changed(schema, node.relation, "writes rows of", Reach.PARTITIONS)


def _truncate(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from as_changed(truncated(schema, node))


def _drop(schema: Schema, node: Any) -> Iterator[Changed]:
    for each in node.objects:
        yield from object_changed(schema, node.removeType.name, each, "drops")
        if node.removeType.name == "OBJECT_PUBLICATION":
            yield from all_published(schema, each.sval)
    yield from as_changed(dropped(schema, node))


def _rename(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.renameType.name == "OBJECT_SCHEMA":
        yield Changed(schema=node.subname, name=None, does="renames")
        yield Changed(schema=node.newname, name=None, does="creates")
        return
    if node.relation is not None and node.renameType.name in OF_RELATIONS:
        for renamed in relation_changed(schema, node.relation, "renames"):
            yield renamed
            if renamed.does == "renames":
                yield Changed(schema=renamed.schema, name=node.newname, does="creates")
    elif node.relation is not None:
        yield from relation_changed(schema, node.relation, "changes", Reach.FAMILY)
        if node.renameType.name == "OBJECT_ATTRIBUTE":
            yield from as_changed(made_of(schema, node.relation))
    elif node.object is not None:
        yield from object_changed(schema, node.renameType.name, node.object, "renames")


def _set_schema(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.relation is not None:
        yield from relation_changed(schema, node.relation, "moves")
        yield Changed(schema=node.newschema, name=node.relation.relname, does="creates")
    elif node.objectType.name == "OBJECT_EXTENSION":
        yield Changed(schema=node.newschema, name=None, does="moves an extension into")
    elif node.object is not None:
        for moved in object_changed(schema, node.objectType.name, node.object, "moves"):
            yield moved
            yield Changed(schema=node.newschema, name=moved.name, does="creates")


def _alter_owner(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.relation is not None:
        yield from relation_changed(schema, node.relation, "changes the owner of")
    elif node.object is not None:
        yield from object_changed(schema, node.objectType.name, node.object, "changes the owner of")


def _alter_function(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from named(schema, names(node.func.objname), "changes")


def _alter_operator(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from named(schema, names(node.opername.objname), "changes")


def _depends(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.relation is not None:
        yield from relation_changed(schema, node.relation, "changes")
    else:
        yield from object_changed(schema, node.objectType.name, node.object, "changes")


def _comment(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from object_changed(schema, node.objtype.name, node.object, "changes")


def _grant(schema: Schema, node: Any) -> Iterator[Changed]:
    does = "changes the rights on"
    for each in node.objects or ():
        if kind(each) == "RangeVar":
            yield from relation_changed(schema, each, does)
        elif kind(each) == "String" and node.objtype.name != "OBJECT_DATABASE":
            # A schema, or ALL … IN SCHEMA.
            yield Changed(schema=each.sval, name=None, does=does)
        elif hasattr(each, "objname"):
            yield from named(schema, names(each.objname), does)
        elif node.objtype.name in {"OBJECT_DOMAIN", "OBJECT_TYPE"}:
            yield from named(schema, names(each), does)


def _create_schema(_schema: Schema, node: Any) -> Iterator[Changed]:
    if node.schemaname is not None:
        yield Changed(schema=node.schemaname, name=None, does="creates")


def _create_extension(_schema: Schema, node: Any) -> Iterator[Changed]:
    schema = option(node.options, "schema")
    if schema is not None:
        yield Changed(schema=schema.arg.sval, name=None, does="makes an extension in")


def _extension_contents(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from object_changed(schema, node.objtype.name, node.object, "changes")


def _import_foreign_schema(_schema: Schema, node: Any) -> Iterator[Changed]:
    yield Changed(schema=node.local_schema, name=None, does="makes foreign tables in")


def _alter_default_privileges(_schema: Schema, node: Any) -> Iterator[Changed]:
    schemas = option(node.options, "schemas")
    for each in names(schemas.arg) if schemas is not None else ():
        yield Changed(schema=each, name=None, does="changes the default rights in")


def _reindex(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.relation is not None:
        yield from relation_changed(schema, node.relation, "changes", Reach.PARTITIONS)
    elif node.kind.name == "REINDEX_OBJECT_SCHEMA":
        yield Changed(schema=node.name, name=None, does="changes the indexes of")
    else:
        yield from _every_table(schema, node)


def _every_table(schema: Schema, _node: Any) -> Iterator[Changed]:
    yield from as_changed((name, "changes") for name in schema.tables)


def _alter_statistics(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from statistics(schema, names(node.defnames), "changes")


def _create_statistics(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from named(schema, names(node.defnames), "creates")
    for relation in node.relations:
        yield from relation_changed(schema, relation, "changes")


def _drop_owned(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from owned(schema, node.roles, "drops")


def _reassign_owned(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from owned(schema, node.roles, "changes the owner of")


_OTHERS: Mapping[str, Callable[[Schema, Any], Iterator[Changed]]] = {
    "AlterDefaultPrivilegesStmt": _alter_default_privileges,
    "AlterExtensionContentsStmt": _extension_contents,
    "AlterFunctionStmt": _alter_function,
    "AlterObjectDependsStmt": _depends,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterOperatorStmt": _alter_operator,
    "AlterOwnerStmt": _alter_owner,
    "AlterPublicationStmt": publication_altered,
    "AlterStatsStmt": _alter_statistics,
    "AlterTableMoveAllStmt": _every_table,
    "AlterTableStmt": _alter_table,
    "CommentStmt": _comment,
    "CopyStmt": _copy,
    "CreateExtensionStmt": _create_extension,
    "CreateForeignTableStmt": _create_foreign_table,
    "CreatePublicationStmt": published,
    "CreateSchemaStmt": _create_schema,
    "CreateStatsStmt": _create_statistics,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "DropOwnedStmt": _drop_owned,
    "DropStmt": _drop,
    "GrantStmt": _grant,
    "ImportForeignSchemaStmt": _import_foreign_schema,
    "ReassignOwnedStmt": _reassign_owned,
    "ReindexStmt": _reindex,
    "RenameStmt": _rename,
    "SecLabelStmt": _comment,
    "SelectStmt": _select,
    "TruncateStmt": _truncate,
}

"""What a statement makes, changes, drops or writes rows of, by name, without what it only reads or refers to.

A foreign key changes the table that has it, not the one that it points at. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crossfade.postgres.forecast.schema import Schema
from crossfade.postgres.forecast.trees import NotOneStatement, below, kind, names, option, parse
from crossfade.postgres.names import quoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A table, another object, or a whole schema."""

    schema: str
    name: str | None
    """None for the schema itself, or everything in it."""
    does: str
    """What is done to it, in a word or two: `changes`, `writes rows of`."""

    def __str__(self) -> str:
        return quoted(self.schema) if self.name is None else f"{quoted(self.schema)}.{quoted(self.name)}"


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
        attribute, does = _RELATIONS[name]
        yield from _relation(schema, getattr(node, attribute), does)
    elif name in _NAMED:
        attribute, does = _NAMED[name]
        yield from _named(schema, names(getattr(node, attribute)), does)
    elif name in _OTHERS:
        yield from _OTHERS[name](schema, node)
    for inner in below(node):
        if kind(inner) in _ON_ROWS and inner.relation is not None:
            yield from _relation(schema, inner.relation, "writes rows of")


_ON_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_RELATIONS: Mapping[str, tuple[str, str]] = {
    "ClusterStmt": ("relation", "changes"),
    "CompositeTypeStmt": ("typevar", "creates"),
    "CreateSeqStmt": ("sequence", "creates"),
    "AlterSeqStmt": ("sequence", "changes"),
    "CreateStmt": ("relation", "creates"),
    "CreatePolicyStmt": ("table", "changes"),
    "AlterPolicyStmt": ("table", "changes"),
    "CreateTrigStmt": ("relation", "changes"),
    "IndexStmt": ("relation", "changes"),
    "RefreshMatViewStmt": ("relation", "writes rows of"),
    "RuleStmt": ("relation", "changes"),
    "ViewStmt": ("view", "creates"),
}
_NAMED: Mapping[str, tuple[str, str]] = {
    "AlterDomainStmt": ("typeName", "changes"),
    "AlterEnumStmt": ("typeName", "changes"),
    "AlterTypeStmt": ("typeName", "changes"),
    "CreateDomainStmt": ("domainname", "creates"),
    "CreateEnumStmt": ("typeName", "creates"),
    "CreateFunctionStmt": ("funcname", "creates"),
    "CreateRangeStmt": ("typeName", "creates"),
    "DefineStmt": ("defnames", "creates"),
}
_OF_RELATIONS = frozenset(
    {"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE", "OBJECT_INDEX", "OBJECT_SEQUENCE"}
)
_ON_RELATIONS = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_RULE", "OBJECT_POLICY"})
"""The last part of such a name is the thing on the relation."""


def _relation(schema: Schema, relation: Any, does: str) -> Iterator[Changed]:
    """A RangeVar: the table itself for one of its indexes, and whatever is below it."""
    if relation is None:
        return
    yield from _by_name(schema, relation.schemaname, relation.relname, does, alone=not relation.inh)


def _by_name(schema: Schema, above: str | None, name: str, does: str, *, alone: bool = True) -> Iterator[Changed]:
    found = schema.qualify(above, name)
    indexed = schema.find_index(above, name)
    if found not in schema.tables and indexed is not None:
        found, does, alone = indexed[0].name, "changes", True
    yield Changed(schema=found.schema, name=found.name, does=does)
    for member in () if alone else schema.family(found):
        if member.name != found:
            yield Changed(schema=member.name.schema, name=member.name.name, does=does)


def _named(schema: Schema, parts: tuple[str, ...], does: str) -> Iterator[Changed]:
    """A type or a function; without a schema it is taken to be where new ones are made."""
    if parts:
        above = parts[-2] if len(parts) > 1 else schema.creation_schema
        yield Changed(schema=above, name=parts[-1], does=does)


def _object(schema: Schema, what: str, node: Any, does: str) -> Iterator[Changed]:
    """What the `object` of a statement names; relations are in it as lists of words."""
    if what == "OBJECT_SCHEMA":
        yield Changed(schema=names(node)[-1], name=None, does=does)
        return
    parts = names(getattr(node, "objname", None) or getattr(node, "names", None) or node)
    if what in _ON_RELATIONS:
        parts, does = parts[:-1], "changes"
    if not parts:
        return
    if what in _OF_RELATIONS | _ON_RELATIONS:
        yield from _by_name(schema, parts[-2] if len(parts) > 1 else None, parts[-1], does)
    else:
        yield from _named(schema, parts, does)


def _alter_table(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from _relation(schema, node.relation, "changes")
    for command in node.cmds or ():
        if kind(command.def_) == "PartitionCmd":
            yield from _relation(schema, command.def_.name, "changes")


def _create_table_as(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from _relation(schema, node.into.rel, "creates")


def _create_foreign_table(schema: Schema, node: Any) -> Iterator[Changed]:
    base = node.base if hasattr(node, "base") else node.base_stmt
    yield from _relation(schema, base.relation, "creates")


def _select(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.intoClause is not None:
        yield from _relation(schema, node.intoClause.rel, "creates")


def _copy(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.is_from:
        yield from _relation(schema, node.relation, "writes rows of")


def _truncate(schema: Schema, node: Any) -> Iterator[Changed]:
    for relation in node.relations:
        yield from _relation(schema, relation, "deletes the rows of")


def _drop(schema: Schema, node: Any) -> Iterator[Changed]:
    for dropped in node.objects:
        yield from _object(schema, node.removeType.name, dropped, "drops")


def _rename(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.renameType.name == "OBJECT_SCHEMA":
        yield Changed(schema=node.subname, name=None, does="renames")
        yield Changed(schema=node.newname, name=None, does="creates")
        return
    has_own_name = node.renameType.name in _OF_RELATIONS
    if node.relation is not None:
        yield from _relation(schema, node.relation, "renames" if has_own_name else "changes")
    elif node.object is not None:
        yield from _object(schema, node.renameType.name, node.object, "renames")


def _set_schema(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.relation is not None:
        yield from _relation(schema, node.relation, "moves")
        yield Changed(schema=node.newschema, name=node.relation.relname, does="creates")
    elif node.object is not None:
        for moved in _object(schema, node.objectType.name, node.object, "moves"):
            yield moved
            yield Changed(schema=node.newschema, name=moved.name, does="creates")


def _alter_owner(schema: Schema, node: Any) -> Iterator[Changed]:
    if node.relation is not None:
        yield from _relation(schema, node.relation, "changes the owner of")
    elif node.object is not None:
        yield from _object(schema, node.objectType.name, node.object, "changes the owner of")


def _alter_function(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from _named(schema, names(node.func.objname), "changes")


def _comment(schema: Schema, node: Any) -> Iterator[Changed]:
    yield from _object(schema, node.objtype.name, node.object, "changes")


def _grant(schema: Schema, node: Any) -> Iterator[Changed]:
    does = "changes the rights on"
    for each in node.objects or ():
        if kind(each) == "RangeVar":
            yield from _relation(schema, each, does)
        elif kind(each) == "String" and node.objtype.name != "OBJECT_DATABASE":
            # A schema, or ALL … IN SCHEMA.
            yield Changed(schema=each.sval, name=None, does=does)
        elif hasattr(each, "objname"):
            yield from _named(schema, names(each.objname), does)


def _create_schema(_schema: Schema, node: Any) -> Iterator[Changed]:
    if node.schemaname is not None:
        yield Changed(schema=node.schemaname, name=None, does="creates")


def _create_extension(_schema: Schema, node: Any) -> Iterator[Changed]:
    schema = option(node.options, "schema")
    if schema is not None:
        yield Changed(schema=schema.arg.sval, name=None, does="makes an extension in")


def _import_foreign_schema(_schema: Schema, node: Any) -> Iterator[Changed]:
    yield Changed(schema=node.local_schema, name=None, does="makes foreign tables in")


def _alter_default_privileges(_schema: Schema, node: Any) -> Iterator[Changed]:
    schemas = option(node.options, "schemas")
    for each in names(schemas.arg) if schemas is not None else ():
        yield Changed(schema=each, name=None, does="changes the default rights in")


def _create_statistics(schema: Schema, node: Any) -> Iterator[Changed]:
    for relation in node.relations:
        yield from _relation(schema, relation, "changes")


_OTHERS: Mapping[str, Callable[[Schema, Any], Iterator[Changed]]] = {
    "AlterDefaultPrivilegesStmt": _alter_default_privileges,
    "AlterFunctionStmt": _alter_function,
    "AlterObjectSchemaStmt": _set_schema,
    "AlterOwnerStmt": _alter_owner,
    "AlterTableStmt": _alter_table,
    "CommentStmt": _comment,
    "CopyStmt": _copy,
    "CreateExtensionStmt": _create_extension,
    "CreateForeignTableStmt": _create_foreign_table,
    "CreateSchemaStmt": _create_schema,
    "CreateStatsStmt": _create_statistics,
    "CreateTableAsStmt": _create_table_as,
    "DropStmt": _drop,
    "GrantStmt": _grant,
    "ImportForeignSchemaStmt": _import_foreign_schema,
    "RenameStmt": _rename,
    "SecLabelStmt": _comment,
    "SelectStmt": _select,
    "TruncateStmt": _truncate,
}

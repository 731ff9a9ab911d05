"""What a statement names on a table: constraints, triggers, policies, rules, indexes, partitions. Pure.

Columns too, where they are not found out by trying the statement (`sql_trial`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.plan.nodes import below, kind_of, strings

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table

NAMES: Mapping[str, Callable[[Table], frozenset[str]]] = {
    # A constraint trigger is both.
    "constraint": lambda table: table.constraint_names | {trigger.name for trigger in table.triggers},
    "trigger": lambda table: frozenset(trigger.name for trigger in table.triggers),
    "policy": lambda table: frozenset(table.policies),
    "rule": lambda table: frozenset(rule.name for rule in table.rules),
    "foreign key": lambda table: frozenset(key.name for key in table.constraints if key.kind == "foreign"),
    "index": lambda table: frozenset(index.name.name for index in table.indexes),
    "unique index": lambda table: frozenset(index.name.name for index in table.indexes if index.unique),
    "partition": lambda table: frozenset(partition.name for partition in table.partitions),
    "column": lambda table: frozenset(column.name for column in table.columns),
}
"""The names of what is on a table, by its kind."""
_OBJECTS = {
    "OBJECT_TABCONSTRAINT": "constraint",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_POLICY": "policy",
    "OBJECT_RULE": "rule",
}
_COMMANDS = {
    **dict.fromkeys(("AT_DropConstraint", "AT_ValidateConstraint"), "constraint"),
    **dict.fromkeys(("AT_EnableTrig", "AT_DisableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig"), "trigger"),
    **dict.fromkeys(("AT_EnableRule", "AT_DisableRule", "AT_EnableAlwaysRule", "AT_EnableReplicaRule"), "rule"),
    "AT_ClusterOn": "index",
}
"""Subcommands of ALTER TABLE that name what has to be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One name; it has to be there, or, where the statement makes it, free."""

    kind: str
    schema: str | None
    relation: str
    name: str
    made: bool = False


def parts(tree: Any) -> Iterator[Part]:
    """Those that a statement names; what is allowed not to be there, or to be there, is left out."""
    if not getattr(tree, "missing_ok", False):
        yield from _of_alterations(tree)
    yield from _of_new(tree)
    for node in below(tree):
        yield from _of_clause(node)


def _of_alterations(tree: Any) -> Iterator[Part]:
    match kind_of(tree):
        case "AlterTableStmt":
            yield from _of_commands(tree)
        case "RenameStmt" if tree.renameType.name in _OBJECTS:
            kind = _OBJECTS[tree.renameType.name]
            yield _on(tree.relation, kind, tree.subname)
            yield _on(tree.relation, kind, tree.newname, made=True)
        case "DropStmt" if tree.removeType.name in _OBJECTS:
            yield from (_below(_OBJECTS[tree.removeType.name], strings(named)) for named in tree.objects)
        case "CommentStmt" if tree.objtype.name in _OBJECTS:
            yield _below(_OBJECTS[tree.objtype.name], strings(tree.object))
        case "AlterPolicyStmt":
            yield _on(tree.table, "policy", tree.policy_name)
        case "ClusterStmt" if tree.relation is not None and tree.indexname is not None:
            yield _on(tree.relation, "index", tree.indexname)


def _of_new(tree: Any) -> Iterator[Part]:
    match kind_of(tree):
        case "CreateTrigStmt" if not tree.replace:
            yield _on(tree.relation, "trigger", tree.trigname, made=True)
        case "RuleStmt" if not tree.replace:
            yield _on(tree.relation, "rule", tree.rulename, made=True)
        case "CreatePolicyStmt":
            yield _on(tree.table, "policy", tree.policy_name, made=True)


def _of_clause(node: Any) -> Iterator[Part]:
    """ON CONFLICT ON CONSTRAINT; the columns of a publication, of ANALYZE, and the one that owns a sequence."""
    match kind_of(node):
        case "InsertStmt" if node.onConflictClause is not None:
            arbiter = node.onConflictClause.infer
            if arbiter is not None and arbiter.conname is not None:
                yield _on(node.relation, "constraint", arbiter.conname)
        case "PublicationTable":
            yield from (_on(node.relation, "column", name) for name in strings(node.columns))
        case "VacuumRelation" if node.relation is not None:
            yield from (_on(node.relation, "column", name) for name in strings(node.va_cols))
        case "DefElem" if node.defname == "owned_by" and len(strings(node.arg)) > 1:
            yield _below("column", strings(node.arg))


def _of_commands(tree: Any) -> Iterator[Part]:
    """A name that the same statement takes away first is free."""
    kinds = {command.subtype.name for command in tree.cmds}
    gone = {command.name for command in tree.cmds if command.subtype.name == "AT_DropConstraint"}
    for command in tree.cmds:
        match command.subtype.name:
            case "AT_AddConstraint":
                added = command.def_
                if added.conname is not None and added.conname not in gone and "AT_DropColumn" not in kinds:
                    yield _on(tree.relation, "constraint", added.conname, made=True)
                if added.indexname is not None:
                    yield _on(tree.relation, "unique index", added.indexname)
            case "AT_AlterConstraint":
                yield _on(tree.relation, "foreign key", command.def_.conname)
            case "AT_DetachPartition" | "AT_DetachPartitionFinalize":
                yield _on(tree.relation, "partition", command.def_.name.relname)
            case "AT_ReplicaIdentity" if command.def_.name is not None:
                yield _on(tree.relation, "unique index", command.def_.name)
            case kind if kind in _COMMANDS and not command.missing_ok:
                yield _on(tree.relation, _COMMANDS[kind], command.name)


def _on(relation: Any, kind: str, name: str, *, made: bool = False) -> Part:
    return Part(kind=kind, schema=relation.schemaname, relation=relation.relname, name=name, made=made)


def _below(kind: str, names: tuple[str, ...]) -> Part:
    """Of the form `schema.table.name`, or without the schema."""
    *above, relation, name = names
    return Part(kind=kind, schema=above[-1] if above else None, relation=relation, name=name)

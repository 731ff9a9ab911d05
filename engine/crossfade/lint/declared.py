"""Columns that a statement declares, and commands of ALTER TABLE, each with the table that it is about. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import kind, names
from crossfade.postgres.forecast.type_names import SYSTEM, TypeName, read_type
from crossfade.postgres.names import QualifiedName, quoted

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement
    from crossfade.migrations.script import Position
    from crossfade.postgres.catalog import Index, Table

_DECLARING = frozenset({"AT_AddColumn", "AT_AlterColumnType"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A column as CREATE TABLE, ADD COLUMN or ALTER COLUMN … TYPE gives it a type."""

    table: QualifiedName
    name: str
    definition: Any
    """The ColumnDef of the parse tree."""
    type: TypeName
    at: Position
    added: bool
    """By ADD COLUMN."""

    @property
    def shown(self) -> str:
        """With its table: `public.users.email`."""
        return f"{self.table}.{quoted(self.name)}"

    @property
    def clauses(self) -> dict[str, Any]:
        """Its constraints by their kind: `CONSTR_PRIMARY`."""
        return {c.contype.name: c for c in self.definition.constraints or ()}


# Several rules ask for the columns of a statement, one rule after the other.
@lru_cache(maxsize=8)
def declared(seen: SeenStatement) -> tuple[Declared, ...]:
    """Every column that the statement gives a type to; casts and functions are none of it."""
    return tuple(_declared_by(seen))


def _declared_by(seen: SeenStatement) -> Iterator[Declared]:
    node = seen.tree
    match kind(node):
        case "CreateStmt":
            table = created(seen, node.relation)
            for element in node.tableElts or ():
                if kind(element) == "ColumnDef" and element.typeName is not None:
                    yield _declared(seen, table, element.colname, element, added=False)
        case "AlterTableStmt" if node.objtype.name == "OBJECT_TABLE":
            table = seen.before.qualify(node.relation.schemaname, node.relation.relname)
            for command in node.cmds:
                if command.subtype.name in _DECLARING and command.def_.typeName is not None:
                    adds = command.subtype.name == "AT_AddColumn"
                    name = command.def_.colname if adds else command.name
                    yield _declared(seen, table, name, command.def_, added=adds)


def _declared(seen: SeenStatement, table: QualifiedName, name: str, node: Any, *, added: bool) -> Declared:
    location = node.location if added or kind(seen.tree) == "CreateStmt" else None
    return Declared(
        table=table,
        name=name,
        definition=node,
        type=read_type(node.typeName),
        at=seen.statement.at(location),
        added=added,
    )


def created(seen: SeenStatement, relation: Any) -> QualifiedName:
    """The name that a RangeVar gives to a relation that it makes."""
    return seen.before.place_of(relation)


def is_a(column: Declared, *types: str) -> bool:
    """Whether it has one of PostgreSQL's own types, or an array of it: `is_a(column, "json")`."""
    return column.type.name.schema == SYSTEM and column.type.name.name in types


def alter_commands(seen: SeenStatement, *kinds: str) -> Iterator[Any]:
    """The AlterTableCmds of these kinds, without their `AT_`, in an ALTER TABLE of a table."""
    if kind(seen.tree) == "AlterTableStmt" and seen.tree.objtype.name == "OBJECT_TABLE":
        yield from (c for c in seen.tree.cmds if c.subtype.name.removeprefix("AT_") in kinds)


def dropped(seen: SeenStatement, *objects: str) -> Iterator[QualifiedName]:
    """The relations that a DROP of these kinds names: `dropped(seen, "OBJECT_TABLE")`."""
    if kind(seen.tree) == "DropStmt" and seen.tree.removeType.name in objects:
        for parts in map(names, seen.tree.objects):
            yield seen.before.qualify(*_schema_and_name(parts))


def dropped_indexes(seen: SeenStatement) -> Iterator[tuple[tuple[str, ...], tuple[Table, Index] | None]]:
    """The indexes that a DROP INDEX names: each name as it is written, and the index with its table, if it is known."""
    if kind(seen.tree) == "DropStmt" and seen.tree.removeType.name == "OBJECT_INDEX":
        for parts in map(names, seen.tree.objects):
            yield parts, seen.before.find_index(*_schema_and_name(parts))


def made_type(node: Any) -> tuple[str, ...]:
    """The name of the type that a statement makes, as it is written; empty where it makes none."""
    match kind(node):
        case "CreateEnumStmt" | "CreateRangeStmt":
            return names(node.typeName)
        case "CreateDomainStmt":
            return names(node.domainname)
        case "CompositeTypeStmt":
            made = node.typevar
            return (made.schemaname, made.relname) if made.schemaname else (made.relname,)
    return ()


def _schema_and_name(parts: tuple[str, ...]) -> tuple[str | None, str]:
    return parts[-2] if len(parts) > 1 else None, parts[-1]

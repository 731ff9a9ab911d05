"""The names that a plan works on, and those that a step which was cut off may have left, by the parser of SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import AlterTableType, ObjectType
from pglast.parser import ParseError, scan

from crossfade.operations.own_names import is_own_name
from crossfade.operations.step import Step
from crossfade.postgres.names import QualifiedName

_DONE_ALONE = frozenset(
    {AlterTableType.AT_AddConstraint, AlterTableType.AT_ValidateConstraint, AlterTableType.AT_DropConstraint}
)


def columns_of(changes: Any) -> frozenset[str]:
    """Every name in a plan's changes, as it is stored, that may be a column's; those in expressions as well."""
    return frozenset(name for text in _texts(changes) for name in (text, *_identifiers(text)))


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for key, below in value.items():
                yield key
                yield from _texts(below)
        case list() | tuple():
            for below in value:
                yield from _texts(below)


def _identifiers(text: str) -> Iterator[str]:
    try:
        tokens = scan(text)
    except ParseError:
        # A name that is no SQL.
        return
    encoded = text.encode()
    for token in tokens:
        written = encoded[token.start : token.end + 1].decode()
        if written.startswith('"'):
            yield written[1:-1].replace('""', '"')
        elif token.name == "IDENT" or token.kind != "NO_KEYWORD":
            yield written.lower()


def taken_by(steps: Iterable[Step]) -> frozenset[str]:
    """The columns that get a name of ours in these steps, by the names that they have until then."""
    found: set[str] = set()
    for text in (s.text for step in steps for s in step.statements):
        for raw in parse_sql(text):
            match raw.stmt:
                case ast.RenameStmt(renameType=ObjectType.OBJECT_COLUMN, subname=str(name), newname=str(new)):
                    found |= {name} if is_own_name(new) else set()
    return frozenset(found)


def tables_taken_by(steps: Iterable[Step]) -> frozenset[str]:
    """The tables that get a name of ours in these steps, by both their names, in SQL's quoting."""
    found: set[str] = set()
    for text in (s.text for step in steps for s in step.statements):
        for raw in parse_sql(text):
            match raw.stmt:
                case ast.RenameStmt(
                    renameType=ObjectType.OBJECT_TABLE,
                    relation=ast.RangeVar(schemaname=str(schema), relname=str(name)),
                    newname=str(new),
                ) if is_own_name(new):
                    found |= {str(QualifiedName(schema, each)) for each in (name, new)}
    return frozenset(found)


def left_by(step: Step) -> frozenset[str]:
    """The indexes, constraints and partitions that the statements of a step make, drop or detach, by name.

    A step outside a transaction that was cut off may have done so, and the ledger does not know.
    """
    if step.transactional:
        return frozenset()
    texts = (s.text for s in (*step.cleanup, *step.statements))
    return frozenset(name for text in texts for raw in parse_sql(text) for name in _objects(raw.stmt))


def _objects(statement: Any) -> Iterator[str]:
    match statement:
        case ast.IndexStmt(idxname=str(name)):
            yield name
        case ast.DropStmt(removeType=ObjectType.OBJECT_INDEX, objects=objects):
            yield from (names[-1].sval for names in objects or ())
        case ast.AlterTableStmt(cmds=commands):
            for command in commands or ():
                yield from _objects_of_command(command)


def _objects_of_command(command: Any) -> Iterator[str]:
    if command.subtype == AlterTableType.AT_DetachPartition:
        yield command.def_.name.relname
    elif command.subtype in _DONE_ALONE:
        yield command.name or command.def_.conname

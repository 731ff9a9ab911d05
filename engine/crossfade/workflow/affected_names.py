"""The names that a plan works on, and those that a step which was cut off may have left, by the parser of SQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import AlterTableType, ObjectType
from pglast.parser import ParseError, scan

from crossfade.operations.step import Step
from crossfade.postgres.names import QualifiedName
from crossfade.postgres.own_names import is_own_name

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
    for token in tokens:
        written = text[token.start : token.end + 1]
        if written.startswith('"'):
            yield written[1:-1].replace('""', '"')
        elif token.name == "IDENT" or token.kind != "NO_KEYWORD":
            yield written.lower()


def identifiers(texts: Iterable[str]) -> frozenset[str]:
    """Every name in these statements and expressions."""
    return frozenset(name for text in texts for name in _identifiers(text))


def forwards(steps: Iterable[Step]) -> tuple[str, ...]:
    """The texts of what these steps do, in their order."""
    return tuple(s.text for step in steps for s in step.statements)


def backwards(steps: Iterable[Step]) -> tuple[str, ...]:
    """The texts of what takes these steps back, the last step first."""
    return tuple(s.text for step in reversed(tuple(steps)) for s in step.undo)


def columns_after(texts: Iterable[str]) -> dict[str, str]:
    """The columns that get other names by these statements: the name of now, and the last one."""
    return _after(_renamed_columns(texts))


def successors_of(texts: Iterable[str]) -> dict[str, str]:
    """The columns whose name another one gets by these statements, if only for a while, with that one; by their names
    of now. What stands on the first is made anew over the second.
    """
    now: dict[tuple[str, str], str] = {}
    held: dict[tuple[str, str], str] = {}
    found: dict[str, str] = {}
    for table, name, new in _renamed_columns(texts):
        first = now.pop((table, name), name)
        held.setdefault((table, name), first)
        before = held.get((table, new), first)
        if before != first and not is_own_name(before):
            found[before] = first
        now[(table, new)] = held[(table, new)] = first
    return found


def _renamed_columns(texts: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    for statement in _statements(texts):
        match statement:
            case ast.RenameStmt(
                renameType=ObjectType.OBJECT_COLUMN,
                relation=ast.RangeVar(schemaname=str(schema), relname=str(table)),
                subname=str(name),
                newname=str(new),
            ):
                yield str(QualifiedName(schema, table)), name, new


def tables_after(texts: Iterable[str]) -> dict[str, str]:
    """The tables that get other names by these statements, in SQL's quoting."""
    found: list[tuple[None, str, str]] = []
    for statement in _statements(texts):
        match statement:
            case ast.RenameStmt(
                renameType=ObjectType.OBJECT_TABLE,
                relation=ast.RangeVar(schemaname=str(schema), relname=str(name)),
                newname=str(new),
            ):
                found.append((None, str(QualifiedName(schema, name)), str(QualifiedName(schema, new))))
    return _after(found)


def types_after(texts: Iterable[str]) -> dict[str, str]:
    """The types that get other names by these statements, in SQL's quoting."""
    found: list[tuple[None, str, str]] = []
    for statement in _statements(texts):
        match statement:
            case ast.RenameStmt(
                renameType=ObjectType.OBJECT_TYPE,
                object=(ast.String(sval=str(schema)), ast.String(sval=str(name))),
                newname=str(new),
            ):
                found.append((None, str(QualifiedName(schema, name)), str(QualifiedName(schema, new))))
    return _after(found)


def _after(renames: Iterable[tuple[str | None, str, str]]) -> dict[str, str]:
    """The last name of each that is renamed, within its table, by the first; one may pass over several."""
    now: dict[tuple[str | None, str], str] = {}
    for table, name, new in renames:
        first = next((key for key, last in now.items() if key[0] == table and last == name), (table, name))
        now[first] = new
    return {name: last for (_, name), last in now.items() if name != last}


def names_made(texts: Iterable[str]) -> frozenset[tuple[str, str]]:
    """What these statements make under a name that is not ours: `constraint` (an index too), `column` or `trigger`."""
    made = (one for statement in _statements(texts) for one in _made(statement))
    return frozenset((kind, name) for kind, name in made if not is_own_name(name))


def _made(statement: Any) -> Iterator[tuple[str, str]]:
    match statement:
        case ast.IndexStmt(idxname=str(name)):
            yield "constraint", name
        case ast.CreateTrigStmt(trigname=str(name)):
            yield "trigger", name
        case ast.RenameStmt(renameType=ObjectType.OBJECT_TABCONSTRAINT | ObjectType.OBJECT_INDEX, newname=str(name)):
            yield "constraint", name
        case ast.AlterTableStmt(cmds=commands):
            for command in commands or ():
                if command.subtype == AlterTableType.AT_AddConstraint and command.def_.conname:
                    yield "constraint", command.def_.conname
                elif command.subtype == AlterTableType.AT_AddColumn:
                    yield "column", command.def_.colname


def _statements(texts: Iterable[str]) -> Iterator[Any]:
    return (raw.stmt for text in texts for raw in _parsed(text))


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[Any, ...]:
    """A run looks at the same statements before each of its steps."""
    return tuple(parse_sql(text))


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

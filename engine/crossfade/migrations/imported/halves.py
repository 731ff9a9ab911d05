"""A migration in two: what an old version of the app can live with, and the rest.

    halves(origin, follower)     the two files, or why it stays whole; `follower` is the migration behind it

Both have the migration's own name, with something behind that sorts. The first is the tool's once the plan is expanded,
the second once it is contracted; together they do what the migration does. What goes into the first half runs before
all that stands in the second: a migration in which that makes a difference, since a name is given away and used again,
is not parted. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from crossfade.migrations.imported.half_files import (
    BY_NAME,
    BY_NUMBER,
    IN_FOLDERS,
    checksum_of,
    file_of,
    names,
    text_of,
)
from crossfade.migrations.typed.command import commands
from crossfade.migrations.typed.entry import printed
from crossfade.migrations.typed.passing import may_pass
from crossfade.postgres.forecast.trees import kind
from crossfade.postgres.forecast.type_names import is_serial
from crossfade.postgres.names import QualifiedName

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry
    from crossfade.migrations.imported.origin import Origin
    from crossfade.migrations.typed.command import Command

SPLIT = BY_NAME | BY_NUMBER
"""Tools that can take two files for one."""
_MAKING = frozenset({"CreateStmt", "IndexStmt", "CreateEnumStmt", "CreateFunctionStmt", "CreateSchemaStmt", "ViewStmt"})
_LONGEST = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """A migration file for the tool's folder."""

    entry: Entry
    recorded: Literal["expand", "contract"]
    path: Path
    """Below the folder of migrations."""
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """A migration that is not parted."""

    because: str
    """Why, in words that follow "since"."""


def halves(origin: Origin, follower: Origin | None = None) -> tuple[Half, ...] | Whole:
    """The first half and the second, of a migration that a plan does."""
    if origin.tool not in SPLIT:
        return Whole("its tool cannot take two files for one")
    named = names(origin, follower)
    if isinstance(named, str):
        return Whole(named)
    found = commands([s.statement.tree for s in origin.steps], [s.before for s in origin.steps], origin.enums)
    made = set[QualifiedName]()
    expand, contract = list[str](), list[str]()
    waiting: list[Command] = []
    for command in found:
        if kind(command.node) in {"TransactionStmt", "VariableSetStmt"}:
            return Whole(f"it says itself what runs together: {_shown(command)}")
        if command.does == "CreateStmt":
            made.add(command.table_name)
        is_new = command.relation is not None and command.table_name in made
        first, second = ([printed(command.node)], []) if is_new else _parted(command)
        over = next((one for one in waiting if first and not may_pass(command, one)), None)
        if over is not None:
            return Whole(f"`{_shown(command)}` cannot run before `{_shown(over)}`")
        expand += first
        contract += second
        waiting += [command] if second else []
    if not contract:
        return Whole("an old version can live with all of it")
    if not expand:
        return Whole("an old version can live with nothing of it")
    first_half = _half(origin, named[0], "expand", expand, origin.entry)
    return first_half, _half(origin, named[1], "contract", contract, first_half.entry)


def _shown(command: Command) -> str:
    """In a line."""
    text = " ".join(command.sql.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()} …"


def _parted(command: Command) -> tuple[Sequence[str], Sequence[str]]:
    """The statements of a command that belong to the first half, and to the second."""
    if command.does == "AddColumn":
        return _column(command)
    is_making = command.does in _MAKING and not getattr(command.node, "replace", False)
    is_unique = kind(command.node) == "IndexStmt" and command.node.unique
    return ([printed(command.node)], []) if is_making and not is_unique else ([], [printed(command.node)])


def _column(command: Command) -> tuple[Sequence[str], Sequence[str]]:
    """A column that has to have a value comes without that, and gets it in the second half; not under a name."""
    from copy import deepcopy

    from pglast.ast import AlterTableCmd, AlterTableStmt
    from pglast.enums import AlterTableType, DropBehavior

    kinds = {c.contype.name for c in command.action.def_.constraints or ()}
    if any(c.contype.name == "CONSTR_NOTNULL" and c.conname is not None for c in command.action.def_.constraints or ()):
        return [], [printed(command.node)]
    has_values = kinds & {"CONSTR_DEFAULT", "CONSTR_IDENTITY", "CONSTR_GENERATED"}
    if "CONSTR_NOTNULL" not in kinds or has_values or is_serial(command.action.def_.typeName):
        return [printed(command.node)], []
    node: Any = deepcopy(command.node)
    column = node.cmds[0].def_
    column.constraints = tuple(c for c in column.constraints if c.contype.name != "CONSTR_NOTNULL") or None
    required = AlterTableStmt(
        relation=command.node.relation,
        objtype=command.node.objtype,
        cmds=(
            AlterTableCmd(
                subtype=AlterTableType.AT_SetNotNull, name=column.colname, behavior=DropBehavior.DROP_RESTRICT
            ),
        ),
    )
    return [printed(node)], [printed(required)]


def _half(
    origin: Origin, name: str, which: Literal["expand", "contract"], statements: Iterable[str], before: Entry
) -> Half:
    number = 1 if which == "expand" else 2
    text, below = text_of(origin.tool, statements), file_of(origin.tool, name)
    file = Path(origin.entry.file or below.name)
    home = file.parent.parent if origin.tool in IN_FOLDERS else file.parent
    when = origin.entry.created_at
    entry = replace(
        origin.entry,
        name=name,
        file=(home / below).as_posix(),
        checksum=checksum_of(origin.tool, text),
        created_at=None if when is None else when + number - 1,
        after=origin.entry.after if which == "expand" else before.name,
    )
    return Half(entry=entry, recorded=which, path=below, text=text)

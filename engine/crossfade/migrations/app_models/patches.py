"""The patches of an app's file: to that of the new version, and from there to the one after contract. Pure.

They begin with the file of the old version. One that has the new shape already, as after the tool has made a migration
of it, is refused: what it was before is in the project's history.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from io import StringIO
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
from crossfade.migrations.app_models import drizzle, prisma, text
from crossfade.migrations.app_models.answers import answer
from crossfade.migrations.app_models.by_hand import of_unwritten
from crossfade.migrations.app_models.edits import (
    AlreadySo,
    App,
    ByHand,
    ColumnAdded,
    ColumnRenamed,
    ColumnTyped,
    IndexAdded,
    NullAllowed,
    OfColumn,
    Since,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.migrations.app_models.edits import Edit
    from crossfade.plan.model import Plan
    from crossfade.plan.names import TableName

_EDITED = {App.PRISMA: prisma.edited, App.DRIZZLE: drizzle.edited, App.SQL: text.edited}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patches:
    """Unified diffs; empty where nothing changes."""

    new: str
    """From the file of the old version to that of the new one."""
    after: str
    """From the file of the new version to the one after contract."""
    by_hand: tuple[str, ...]
    """What could not be done to the file, a line each."""
    others: tuple[str, ...]
    """The kinds of those changes of which the models say nothing."""


def patches(plan: Plan, app: App, file: str, content: str) -> Patches:
    """The patches of a file of this name and content; for SQL the content is what `text.now` says.

    Raises UsageError for a file that has the new shape already.
    """
    answers = [(change.kind, answer(change, app)) for change in plan.changes]
    by_hand = [one.by_hand for _, one in answers if one.by_hand is not None]
    already: list[str] = []
    unwritten: set[tuple[TableName, str]] = set()
    end = "\r\n" if 0 < content.count("\r\n") == content.count("\n") else "\n"
    content = content.replace(end, "\n")
    versions = [content]
    for since in Since:
        for edit in (edit for _, one in answers for edit in one.edits):
            if edit.since is not since:
                continue
            if unwritten.intersection(_columns(edit)):
                by_hand.append(f"{since.value}: {of_unwritten(edit)}")
                unwritten |= _made(edit)
            else:
                try:
                    before, content = content, _EDITED[app](content, edit)
                    if content == before and since is Since.AFTER:
                        by_hand += _too_early(edit)
                except AlreadySo as reason:
                    already.append(str(reason))
                except ByHand as reason:
                    by_hand.append(f"{since.value}: {reason}")
                    unwritten |= _made(edit)
        versions.append(content)
    if already:
        raise UsageError(
            f"{file} is not the file of the old version: it has {', '.join(already)} already",
            hint=f"Take it from before the migration, such as `git show COMMIT:{file} > OLD`, and name it with "
            "--schema-file OLD.",
        )
    old, new, after = (version.replace("\n", end) for version in versions)
    return Patches(
        new=_difference(file, old, new),
        after=_difference(file, new, after),
        by_hand=tuple(dict.fromkeys(by_hand)),
        others=tuple(dict.fromkeys(kind for kind, one in answers if not (one.edits or one.by_hand))),
    )


def _columns(edit: Edit) -> set[tuple[TableName, str]]:
    """The columns that have to be there for it."""
    if isinstance(edit, IndexAdded):
        return {(edit.table, column) for column in edit.columns}
    return {(edit.table, edit.column)} if isinstance(edit, OfColumn) else set()


def _made(edit: Edit) -> set[tuple[TableName, str]]:
    """The columns that are there by it."""
    match edit:
        case ColumnAdded(table=table, column=column) | ColumnRenamed(table=table, to=column):
            return {(table, column)}
    return set()


def _too_early(edit: Edit) -> Iterator[str]:
    """What the file says already, though it is so only after contract."""
    match edit:
        case NullAllowed(table=table, column=column):
            yield f"until the run is contracted: let {table}.{column} have no value; the file says that it has one"
        case ColumnTyped(table=table, column=column, type=type_):
            yield f"until the run is contracted: {table}.{column} has the old type; the file has {type_} already"
        case IndexAdded(table=table, name=name):
            yield f"until the run is contracted: {table} has no {name}; the file has it already"


def _difference(file: str, old: str, new: str) -> str:
    lines = unified_diff(_lines(old), _lines(new), f"a/{file}", f"b/{file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Lines as `patch` has them; other characters end one for Python."""
    return list(StringIO(text, newline="\n"))

"""The patches of an app's file: to that of the new version, and from there to the one after contract. Pure.

They begin with the file of the old version. One that has the new shape already, as after the tool has made a migration
of it, is refused: what it was before is in the project's history.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from typing import TYPE_CHECKING

from crossfade.errors import UsageError
from crossfade.migrations.app_models import drizzle, prisma, text
from crossfade.migrations.app_models.answers import answer
from crossfade.migrations.app_models.edits import AlreadySo, App, ByHand, ColumnTyped, NullAllowed, Since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.migrations.app_models.edits import Edit
    from crossfade.plan.model import Plan

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
    versions = [content]
    for since in Since:
        for edit in (edit for _, one in answers for edit in one.edits):
            if edit.since is since:
                try:
                    before, content = content, _EDITED[app](content, edit)
                    if content == before and since is Since.AFTER:
                        by_hand += _too_early(edit)
                except AlreadySo as reason:
                    already.append(str(reason))
                except ByHand as reason:
                    by_hand.append(f"{since.value}: {reason}")
        versions.append(content)
    if already:
        raise UsageError(
            f"{file} is not the file of the old version: it has {', '.join(already)} already",
            hint=f"Take it from before the migration, such as `git show COMMIT:{file} > OLD`, and name it with "
            "--schema-file OLD.",
        )
    old, new, after = versions
    return Patches(
        new=_difference(file, old, new),
        after=_difference(file, new, after),
        by_hand=tuple(by_hand),
        others=tuple(dict.fromkeys(kind for kind, one in answers if not (one.edits or one.by_hand))),
    )


def _too_early(edit: Edit) -> Iterator[str]:
    """What the file says already, though it is so only after contract."""
    match edit:
        case NullAllowed(table=table, column=column):
            yield f"until the run is contracted: let {table}.{column} have no value; the file says that it has one"
        case ColumnTyped(table=table, column=column, type=type_):
            yield f"until the run is contracted: {table}.{column} has the old type; the file has {type_} already"


def _difference(file: str, old: str, new: str) -> str:
    lines = unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{file}", f"b/{file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

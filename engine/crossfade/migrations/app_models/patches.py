"""The patches of an app's file: to that of the new version, and from there to the one after contract. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from typing import TYPE_CHECKING

from crossfade.migrations.app_models import drizzle, prisma, text
from crossfade.migrations.app_models.edits import ByHand, Since, edits_of

if TYPE_CHECKING:
    from crossfade.plan.model import Plan


class App(StrEnum):
    """What an app has its models in."""

    PRISMA = "prisma"
    DRIZZLE = "drizzle"
    SQL = "sql"
    """Statements of its own."""


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
    """The kinds of those changes that are not followed into the file."""


def patches(plan: Plan, app: App, file: str, content: str) -> Patches:
    """The patches of a file of this name and content; for SQL the content is what `text.now` says."""
    edits, others = edits_of(plan)
    by_hand: list[str] = []
    versions = [content]
    for since in Since:
        for edit in edits:
            if edit.since is since:
                try:
                    content = _EDITED[app](content, edit)
                except ByHand as reason:
                    by_hand.append(f"{since.value}: {reason}")
        versions.append(content)
    old, new, after = versions
    return Patches(
        new=_difference(file, old, new),
        after=_difference(file, new, after),
        by_hand=tuple(by_hand),
        others=others,
    )


def _difference(file: str, old: str, new: str) -> str:
    lines = unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{file}", f"b/{file}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)

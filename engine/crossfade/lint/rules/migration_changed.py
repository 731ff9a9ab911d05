"""A migration that is applied, or may be, and is another one now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from crossfade.lint.cost import listed
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said
from crossfade.migrations.migration import Tool
from crossfade.migrations.past import Witness

if TYPE_CHECKING:
    from crossfade.migrations.migration import Project
    from crossfade.migrations.past import Past

_NOBODY = frozenset({Tool.PLAIN, Tool.UP_DOWN})
_IF_CHANGED: Mapping[Tool, str] = {
    Tool.PRISMA: "`prisma migrate deploy` does not run it again, and `prisma migrate dev` asks to reset the database",
    Tool.FLYWAY: "Flyway stops at its checksum",
}
"""What the tool does where the migration is applied, if not nothing."""
_IF_GONE: Mapping[Tool, str] = {
    Tool.PRISMA: "`prisma migrate status` fails once something is pending, and `prisma migrate dev` asks to reset the "
    "database",
    Tool.FLYWAY: "Flyway stops, since it does not find what it has applied",
    Tool.GOLANG_MIGRATE: "golang-migrate stops, if that is the version of the database",
    Tool.NODE_PG_MIGRATE: "node-pg-migrate stops at the gap, if something follows it",
}


def _past(project: Project) -> Iterator[tuple[Path, Said]]:
    told: set[Path] = set()
    for past in sorted(project.past, key=lambda past: past.witness is not Witness.HISTORY):
        for one in past.changed:
            if one.file not in told:
                told.add(one.file)
                yield one.file, _changed(project.tool, past, one.name, one.file)
        for renamed in past.renamed:
            yield renamed.migration.file, _renamed(project.tool, past, renamed.migration.name, renamed.other)
        if past.gone:
            yield project.root, _gone(project.tool, past)


def _changed(tool: Tool, past: Past, name: str, file: Path) -> Said:
    does = _IF_CHANGED.get(tool, f"{_who(tool)} does not run it again, and says nothing")
    path = quote(file.as_posix())
    if past.witness is Witness.HISTORY:
        back = f"`git log -- {path}` has its commits, `git restore --source COMMIT -- {path}` puts it back"
        message = f"{name} is applied, and its file is another one now than {past.where} has the checksum of: {does}."
    else:
        back = f"`git restore --source {quote(past.where)} -- {path}` puts it back"
        message = f"{name} is another one than in {past.where}: where it is applied, {does}."
    return _said(past, message, f"A new migration for what is to change, and this file as it was: {back}.")


def _renamed(tool: Tool, past: Past, name: str, other: str) -> Said:
    message = (
        f"{name} is {other} of {past.where} under another name: where that is applied, {_who(tool)} runs it again."
    )
    return _said(past, message, f"Its old name, {other}.")


def _gone(tool: Tool, past: Past) -> Said:
    does = _IF_GONE.get(tool, f"{_who(tool)} cannot take it back, and a database that is made anew goes without it")
    are, them, they = ("are", "them", "they") if len(past.gone) > 1 else ("is", "it", "it")
    if past.witness is Witness.HISTORY:
        if tool is Tool.FLYWAY and not past.stopping:
            does = f"Flyway takes {them} for a newer release's, and goes on with a warning"
        message = f"{listed(past.gone)} {are} applied by {past.where}, and no file here makes {them}: {does}."
        back = "Files that git has: `git log --diff-filter=D --name-only` names the commits that took them away."
        severity = None if past.stopping else Severity.WARNING
    else:
        message = f"{listed(past.gone)} {are} in {past.where} and not here: where {they} {are} applied, {does}."
        back = f"The files as {past.where} has them, and a new migration for what is to change."
        severity = None
    return replace(_said(past, message, back, severity), about=", ".join(past.gone))


def _said(past: Past, message: str, instead: str, severity: Severity | None = None) -> Said:
    """What a commit has may be applied nowhere."""
    if past.witness is Witness.COMMIT:
        severity = Severity.WARNING
    return Said(message=message, instead=instead, severity=severity)


def _who(tool: Tool) -> str:
    if tool in _NOBODY:
        return "whoever applies them by name"
    return tool.spelled


RULE = Rule(
    id="migration-changed",
    severity=Severity.ERROR,
    summary="an applied migration has been edited, renamed or removed",
    explanation="""
A migration that is applied does not change any more: databases that have it never get what was added, and those made
anew do. Flyway stops at its checksum; Prisma's deploy says nothing, and its dev wants to reset the database; the others
say nothing at all.

With --database the rows of the tool's history tell it, by their checksums: Prisma, Flyway and Drizzle keep them, the
others do not, and nothing is said of theirs. A difference in line ends is none. It is an error then, since the
migration is known to be applied. What the rows have and no file makes is one where the tool goes no further for it:
Flyway, which takes a version above those of all files for a newer release's, and golang-migrate. Else it is a warning.
It is told only of folders that are read as a whole.

With --git-diff REF the files that REF has tell it, as they were where the branch began: name the branch whose
migrations get applied, such as origin/main, and a migration that is not merged yet may still change. It is a warning,
for what REF has may be applied nowhere; where it always is, set migration-changed to error under `severity`. Where the
tool keeps no checksum, comments and blanks may change, and so may the way down. Flyway's repeatable migrations are
meant to change. Of plain files only those that begin with a number are taken for migrations.
""",
    past=_past,
)

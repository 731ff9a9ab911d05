"""What is known of a project's migrations besides its files: what a database has applied, what a commit has.

of_history(project, …)    against the rows of the tool's history
of_commit(project, …)     against the project as commits have it

Pure. An applied migration is not to change, and a new one belongs behind those that are applied; the values here say
where that is not so, and the rules of lint what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from crossfade.migrations.migration import Tool
from crossfade.migrations.versions import version_of

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry, History, Rows
    from crossfade.migrations.migration import Migration, Project
    from crossfade.migrations.script import Script

_SUMMED = frozenset({Tool.PRISMA, Tool.DRIZZLE, Tool.DRIZZLE_1, Tool.FLYWAY, Tool.SQITCH})
"""Tools that keep a checksum of the whole file, comments and all."""
_NUMBERED = frozenset({Tool.PLAIN})
"""Only what begins with a number is a migration there."""


class Witness(Enum):
    """Who knows of the past."""

    HISTORY = "history"
    """A table of a database: what it has is applied there."""
    COMMIT = "commit"
    """What it has may be applied somewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A migration, and another one that it has to do with."""

    migration: Migration
    other: str
    """The name of that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is not as it was, of one project."""

    witness: Witness
    where: str
    """The table, or the commit as it was named."""
    applied: frozenset[Path] = frozenset()
    """Files that a history has; what they do is done."""
    changed: tuple[Migration, ...] = ()
    """Files of which there was another text."""
    renamed: tuple[Beside, ...] = ()
    """Files that had another name, by which the tool knows them."""
    gone: tuple[str, ...] = ()
    """What is no longer there."""
    stopping: tuple[str, ...] = ()
    """What of that the tool goes no further for."""
    late: tuple[Beside, ...] = ()
    """New ones, each with the last of those that are there already and come after it."""
    doubled: tuple[Beside, ...] = ()
    """New ones that have the version of one that the commit has and the folder has not yet."""


def of_history(project: Project, history: History, rows: Rows, where: str, entries: Sequence[Entry]) -> Past | None:
    """Against the rows of the table `where`; None where they are of another project.

    `entries` are those of all projects that may be in the table. What a row has and no file makes is told only of a
    project that is read as a whole.
    """
    mine = _with_entries(project, entries)
    recorded = {name for name, (entry, _) in mine.items() if history.is_recorded(entry, rows)}
    if not recorded:
        return None
    pending = [one for name, (_, one) in mine.items() if name not in recorded and not one.repeatable]
    gone = (
        history.lost((*entries, *map(_as_entry, project.bases)), rows)
        if project.asked is None and not project.problems
        else ()
    )
    changed = (
        one
        for name, (entry, one) in mine.items()
        if name in recorded and (sums := history.sums(entry, rows)) and not sums & _sums(one)
    )
    applied = [one for name, (_, one) in mine.items() if name in recorded]
    there = (one for one in applied if not one.repeatable)
    return Past(
        witness=Witness.HISTORY,
        where=where,
        applied=frozenset(one.file for one in applied),
        changed=tuple(changed),
        gone=gone,
        stopping=tuple(each for each in gone if history.stops_at(each, entries)),
        late=tuple(_late(pending, there, project.tool)),
    )


def of_commit(
    project: Project, base: Project | None, tip: Project | None, where: str, is_there: Callable[[Path], bool]
) -> Past:
    """Against the project as the commit `where` has it, and as it was where the two branches part.

    What is changed since is changed by this branch; what a new one is behind of is what the commit has by now.
    `is_there` says whether a file that was not read exists all the same.
    """
    tool, now, was, by_now = project.tool, _by_name(project), _by_name(base), _by_name(tip)
    others = {name: one for name, one in was.items() if name not in now}
    changed: list[Migration] = []
    added: dict[str, Migration] = {}
    for name, one in now.items():
        before = was.get(name) or others.pop(_same_version(tool, one, others) or "", None)
        if before is None:
            added[name] = one
        elif not one.repeatable and _differ(tool, before, one):
            changed.append(one)
    gone = {name: one for name, one in others.items() if not one.repeatable and not is_there(one.file)}
    renamed: list[Beside] = []
    for one in added.values():
        old = next((o for o, before in gone.items() if not _texts_differ(tool, before, one)), None)
        if old is not None:
            del gone[old]
            renamed.append(Beside(migration=one, other=old))
    moved = {one.migration.file for one in renamed}
    new = [m for n, m in added.items() if n not in by_now and m.file not in moved and not m.repeatable]
    unseen = {name: one for name, one in by_now.items() if name not in now and name not in was}
    in_place = now if tool is Tool.SQITCH else by_now
    there = [in_place[name] for name, one in by_now.items() if name in in_place and not one.repeatable]
    doubled = tuple(Beside(migration=m, other=twin) for m in new if (twin := _same_version(tool, m, unseen)))
    return Past(
        witness=Witness.COMMIT,
        where=where,
        changed=tuple(changed),
        renamed=tuple(renamed),
        gone=tuple(gone),
        late=tuple(_late((m for m in new if m not in [d.migration for d in doubled]), there, tool)),
        doubled=doubled,
    )


def _as_entry(base: Migration) -> Entry:
    from crossfade.migrations.histories.history import Entry

    return Entry(name=base.name, file=str(base.file), checksum=base.checksum)


def _with_entries(project: Project, entries: Sequence[Entry]) -> Mapping[str, tuple[Entry, Migration]]:
    by_file = {entry.file: entry for entry in entries}
    found: dict[str, tuple[Entry, Migration]] = {}
    for one in project.migrations:
        entry = by_file.get(str(one.file))
        if entry is not None:
            found.setdefault(entry.name, (entry, one))
    return found


def _late(new: Iterable[Migration], there: Iterable[Migration], tool: Tool) -> Iterator[Beside]:
    last = max(there, key=lambda one: one.order, default=None)
    if last is None:
        return
    for one in sorted(new, key=lambda one: one.order):
        # Drizzle 0.x wants more than the latest time.
        if one.order < last.order or (tool is Tool.DRIZZLE and one.order == last.order):
            yield Beside(migration=one, other=last.name)


def _sums(migration: Migration) -> frozenset[str]:
    """Its checksum, also as it would be with the line ends of another system."""
    text = migration.up.source.text.replace("\r\n", "\n")
    ends = (text, text.replace("\n", "\r\n"))
    own = () if migration.checksum is None else (migration.checksum,)
    return frozenset((*own, *(sha256(each.encode()).hexdigest() for each in ends)))


def _by_name(project: Project | None) -> Mapping[str, Migration]:
    if project is None:
        return {}
    return {m.name: m for m in project.migrations if project.tool not in _NUMBERED or m.name[:1].isdigit()}


def _same_version(tool: Tool, migration: Migration, among: Mapping[str, Migration]) -> str | None:
    version = version_of(tool, migration)
    found = (name for name, one in among.items() if version_of(tool, one) == version)
    return next(found, None) if version is not None else None


def _differ(tool: Tool, before: Migration, after: Migration) -> bool:
    if tool is Tool.DRIZZLE and before.order != after.order:
        return True
    # Flyway compares what a name says behind the version, too.
    return (tool is Tool.FLYWAY and before.name != after.name) or _texts_differ(tool, before, after)


def _texts_differ(tool: Tool, before: Migration, after: Migration) -> bool:
    if tool in _SUMMED:
        return _lines(before.up.source.text) != _lines(after.up.source.text)
    return _mean_different(before.up, after.up)


def _mean_different(before: Script, after: Script) -> bool:
    """Whether they do something else; comments and blanks do nothing."""
    old, new = _text(before), _text(after)
    if old == new:
        return False
    if "\n\\." in old or "\n\\." in new or before.unreadable or after.unreadable:
        return True  # the rows of COPY, and what cannot be read, are in no tree
    try:
        return [s.tree for s in before.statements] != [s.tree for s in after.statements]
    except RecursionError:
        return True


def _text(script: Script) -> str:
    return _lines(script.source.text[script.begin : script.end])


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")

"""What other tools would run now, against a database's histories, and which plans do the work of it instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.migrations.histories import HISTORIES, entries_of
from crossfade.migrations.migration import Tool
from crossfade.migrations.past import of_history
from crossfade.plan.model import Plan
from crossfade.workflow import ledger
from crossfade.workflow.histories import Books, readable
from crossfade.workflow.states import GIVEN_UP

if TYPE_CHECKING:
    from crossfade.migrations.histories.history import Entry
    from crossfade.migrations.migration import Project
    from crossfade.migrations.past import Past
    from crossfade.plan.migrations import CoveredMigration
    from crossfade.plan.names import TableName
    from crossfade.workflow.states import State

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A plan that does the work of a migration."""

    plan: str
    state: State | None
    """Of its run; None where it was not started, or was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A migration that the tool would run."""

    entry: Entry
    cover: Cover | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a tool would do with its folder now."""

    project: Project
    table: str | None
    """Its history; None where the tool has not made it yet."""
    waiting: tuple[Waiting, ...]
    hidden: tuple[Entry, ...] = ()
    changed: tuple[str, ...] = ()
    """Applied ones whose files have another checksum now."""
    gone: tuple[str, ...] = ()
    """Applied ones that no file makes any more."""
    halted: str | None = None
    """Why the tool would stop at once, in words that follow "since"."""


def standing(
    connection: Connection, projects: Iterable[Project], plans: Sequence[Plan] = (), history: TableName | None = None
) -> tuple[Standing, ...]:
    """What each tool would do; `history` is its table, where it is not the tool's own.

    Projects of tools without a history that is known are left out. Raises UsageError where a table is not the tool's.
    """
    covered = tuple(_covered(connection, plans))
    books = Books(connection)
    return tuple(_standing(project, books, covered, history) for project in projects if project.tool.value in HISTORIES)


def _covered(connection: Connection, plans: Sequence[Plan]) -> Iterator[tuple[CoveredMigration, Cover]]:
    runs = {run.name: run for run in ledger.all_runs(connection)} if ledger.installed_version(connection) else {}
    states = {name: run.state for name, run in runs.items() if run.state not in GIVEN_UP}
    for name, state in states.items():
        for one in Plan.from_json(dict(runs[name].plan)).migrations or ():
            yield one, Cover(plan=name, state=state)
    for plan in plans:
        for one in plan.migrations or ():
            yield one, Cover(plan=plan.name, state=states.get(plan.name))


def _standing(
    project: Project, books: Books, covered: Sequence[tuple[CoveredMigration, Cover]], table: TableName | None
) -> Standing:
    tool, entries = project.tool.value, entries_of(project)
    mine = [(one, cover) for one, cover in covered if one.tool == tool]
    covers = _covers(entries, mine)
    named = [one.history for one, _ in covers.values()]
    name = table or next((n for n in named if n is not None), None)
    book = books.of(tool, name) if table is None else books.named(tool, table)
    if book is None or readable(book).history.is_new(book.rows):
        project, entries = project.anew, entries_of(project.anew)
    if book is None:
        return Standing(project=project, table=None, waiting=_waiting(entries, covers))
    found = book.history.pending(entries, book.rows)
    past = of_history(project, book.history, book.rows, str(book.place.table), entries)
    changed = () if past is None else tuple(one.name for one in past.changed)
    gone, stopping = ((), ()) if past is None else (past.gone, past.stopping)
    return Standing(
        project=project if past is None else _put_right(project, past),
        table=str(book.place.table),
        waiting=_waiting(found.entries, covers),
        hidden=found.hidden,
        changed=changed,
        gone=gone,
        halted=found.halted or _stopped(project.tool, changed, stopping),
    )


def _put_right(project: Project, past: Past) -> Project:
    """Without the problems of files that are applied, which the tool reads no more."""
    return replace(project, problems=tuple(p for p in project.problems if p.file not in past.applied))


def _stopped(tool: Tool, changed: Sequence[str], stopping: Sequence[str]) -> str | None:
    """Why the tool goes no further for what is applied and is not as it was."""
    if changed and tool is Tool.FLYWAY:
        return f"{changed[0]} has another checksum than when it was applied"
    return f"{stopping[0]} is applied, and no file here makes it" if stopping else None


def _covers(
    entries: Sequence[Entry], covered: Sequence[tuple[CoveredMigration, Cover]]
) -> dict[str, tuple[CoveredMigration, Cover]]:
    """What does the work of each, by its name: what names it, or, where a file has another name now, its text."""
    names = {entry.name for entry in entries}
    # The first of several counts.
    by_name = {one.name: (one, cover) for one, cover in reversed(covered) if one.name in names}
    others = ((one, cover) for one, cover in reversed(covered) if one.name not in names)
    by_text = {one.checksum: (one, cover) for one, cover in others if one.checksum is not None}
    found = ((entry.name, by_name.get(entry.name) or by_text.get(entry.checksum or "")) for entry in entries)
    return {name: cover for name, cover in found if cover is not None}


def _waiting(entries: Iterable[Entry], covers: Mapping[str, tuple[CoveredMigration, Cover]]) -> tuple[Waiting, ...]:
    found = ((entry, covers.get(entry.name)) for entry in entries)
    return tuple(Waiting(entry=entry, cover=None if cover is None else cover[1]) for entry, cover in found)

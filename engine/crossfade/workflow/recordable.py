"""May a plan's migrations be recorded in the histories of their tools? Asked before the plan begins, in front of the
phase that records them, and in the transaction that does.

What is written when the run contracts has to be right then, and what speaks against it is known now: a table that is
not there, a row that is, a tool that has stopped, an earlier migration that the row would hide, a file that is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from crossfade.errors import Refusal
from crossfade.migrations.histories import HISTORIES, entries_of, entry_of
from crossfade.migrations.histories.history import Entry, waiting_for
from crossfade.migrations.migration import Tool
from crossfade.migrations.walk import resolved
from crossfade.plan.model import Plan
from crossfade.workflow import ledger
from crossfade.workflow.histories import Book, Books
from crossfade.workflow.recording import Record

if TYPE_CHECKING:
    from crossfade.migrations.migration import Migration, Project
    from crossfade.operations.step import Phase, Step
    from crossfade.plan.migrations import CoveredMigration
    from crossfade.workflow.session import Session

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recordable:
    """What can be written of a plan's migrations, and what speaks against the rest."""

    records: tuple[Record, ...]
    refusals: tuple[Refusal, ...]


def recordable(connection: Connection, plan: Plan) -> Recordable:
    """The rows that the plan's migrations are to get; asked before it begins."""
    books, records, refusals = Books(connection), list[Record](), list[Refusal]()
    migrations = plan.migrations or ()
    there = _there(migrations)
    for covered in migrations:
        refusals += _of_the_file(covered, _found(covered, there))
        book = books.of(covered.tool, covered.history)
        one = _coming(connection, covered, migrations, there)
        against = tuple(_of_the_table(covered, book)) or tuple(_of_the_rows(one, book))
        refusals += against
        if book is not None and not against:
            records.append(Record(covered=covered, entry=entry_of(covered), history=book.history, place=book.place))
    return Recordable(records=tuple(records), refusals=tuple(refusals))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A migration that is to be recorded, and what the database does not say of it."""

    covered: CoveredMigration
    before: tuple[Entry, ...]
    """Those that come before it, but for what the same plan does."""


class NotRecordable(Exception):
    """Migrations may not be recorded now; nothing was changed."""

    def __init__(self, blockers: tuple[str, ...]) -> None:
        super().__init__()
        self.blockers = blockers


def coming(session: Session, steps: Iterable[Step]) -> tuple[Coming, ...]:
    """What these steps are to record."""
    names, migrations = {name for step in steps for name in step.records}, session.plan.migrations or ()
    there = _there(migrations) if names else {}
    return tuple(_coming(session.work, one, migrations, there) for one in migrations if one.name in names)


def blockers(session: Session, phase: Phase) -> tuple[str, ...]:
    """Why what the steps ahead in a phase are to record may not be recorded now."""
    states = ledger.step_states(session.work, session.run_id)
    ahead = coming(session, (step for step in session.program.in_phase(phase) if states.get(step.id) != "done"))
    return tuple(map(str, _refused_now(session.work, ahead)))


def refuse(connection: Connection, ahead: tuple[Coming, ...]) -> None:
    """The same, while the tools' own locks are held, until the transaction ends. Raises NotRecordable."""
    books = Books(connection)
    for one in ahead:
        book = books.of(one.covered.tool, one.covered.history)
        for key in book.history.locks(book.place) if book is not None else ():
            connection.execute(waiting_for(key).text.encode())
    found = tuple(map(str, _refused_now(connection, ahead)))
    if found:
        raise NotRecordable(found)


def _refused_now(connection: Connection, ahead: Iterable[Coming]) -> Iterator[Refusal]:
    """One that is recorded by now stays as it is."""
    books = Books(connection)
    for one in ahead:
        book = books.of(one.covered.tool, one.covered.history)
        yield from tuple(_of_the_table(one.covered, book)) or _not_now(one, book)


def _of_the_table(covered: CoveredMigration, book: Book | None) -> Iterator[Refusal]:
    name = str(covered.history or HISTORIES[covered.tool].table)
    if book is None:
        yield Refusal(
            code="no_history",
            object=name,
            message=f"{covered.tool} has no such table in this database, so {covered.name} cannot be recorded.",
            instead="Let the tool make it: it does so with the first migration that it runs. Or name the table it uses "
            "by `history`.",
        )
    elif book.missing:
        yield Refusal(
            code="no_history",
            object=str(book.place.table),
            message=f"it is not as {covered.tool} makes it: there is no column {', '.join(book.missing)}.",
            instead="Correct `tool` or `history` in the plan; a table of an older version is brought up to date by the "
            "tool itself, with the next migration that it runs.",
        )
    elif not book.may_write:
        yield Refusal(
            code="no_history",
            object=str(book.place.table),
            message="the role that crossfade connects as may not read it and write into it.",
            instead=f"GRANT SELECT, INSERT, DELETE ON {book.place.table}, and USAGE on its sequence if it has one.",
        )


def _of_the_rows(one: Coming, book: Book | None) -> Iterator[Refusal]:
    covered = one.covered
    against = tuple(_not_now(one, book))
    if book is not None and not against and book.history.is_recorded(entry_of(covered), book.rows):
        yield Refusal(
            code="recorded_already",
            object=covered.name,
            message=f"{covered.tool} takes it for applied: it is recorded in {book.place.table}.",
            instead="If its changes are there, there is nothing left for a plan to do. If the row was written by "
            "mistake, let the tool take it back.",
        )
    yield from against


def _not_now(one: Coming, book: Book | None) -> Iterator[Refusal]:
    """Why the tool would not go on rightly from the row, by what its table has now."""
    if book is None:
        return
    covered, entry, history = one.covered, entry_of(one.covered), book.history
    halted = history.pending((), book.rows).halted
    if halted is not None:
        yield Refusal(
            code="history_halted",
            object=str(book.place.table),
            message=f"{covered.tool} has stopped, since {halted}.",
            instead="Resolve that with the tool first.",
        )
    elif history.passed_over is not None and history.has_place(entry) and not history.is_recorded(entry, book.rows):
        names = [earlier.name for earlier in one.before if _is_missing(earlier, book)]
        if names:
            yield Refusal(
                code="hides_pending",
                object=covered.name,
                message=f"{', '.join(names)} comes before it and is not recorded; once {covered.name} is, that "
                f"{history.passed_over}.",
                instead="Apply it first, or let the plan that covers it contract first.",
            )


def _is_missing(entry: Entry, book: Book) -> bool:
    if book.history.tool is Tool.DRIZZLE and entry.created_at is None:
        # By its name alone Drizzle 0.x knows none; a history without a row has it not.
        return not book.rows
    return not book.history.is_recorded(entry, book.rows)


def _coming(
    connection: Connection,
    covered: CoveredMigration,
    migrations: Sequence[CoveredMigration],
    there: Mapping[tuple[str, Path], _Found],
) -> Coming:
    ours = {one.name for one in migrations if (one.tool, one.history) == (covered.tool, covered.history)}
    before = _before(connection, covered, _found(covered, there))
    return Coming(covered=covered, before=tuple(entry for entry in before if entry.name not in ours))


def _before(connection: Connection, covered: CoveredMigration, found: _Found | None) -> tuple[Entry, ...]:
    """What comes before it: in the folder, where that can be read; else the one that the plan names."""
    entries = entries_of(found.project) if found is not None else ()
    place = next((n for n, entry in enumerate(entries) if entry.name == covered.name), None)
    if place is not None:
        return entries[:place]
    return (_named(connection, covered, covered.after),) if covered.after is not None else ()


def _named(connection: Connection, covered: CoveredMigration, name: str) -> Entry:
    """A migration of its tool; the time by which Drizzle 0.x tells it may be known from the run that covers it."""
    known: Iterable[CoveredMigration] = ()
    if covered.tool == Tool.DRIZZLE.value and ledger.installed_version(connection):
        plans = (Plan.from_json(dict(run.plan)) for run in ledger.all_runs(connection))
        known = (one for plan in plans for one in plan.migrations or () if (one.tool, one.name) == (covered.tool, name))
    return next(map(entry_of, known), Entry(name=name))


@dataclass(frozen=True, slots=True)
class _Found:
    """A migration's file, in the project that it is of."""

    project: Project
    migration: Migration


def _there(migrations: Sequence[CoveredMigration]) -> dict[tuple[str, Path], _Found]:
    """The migrations of the folders of these files, by tool and file; each folder is read once."""
    from crossfade.migrations.read import read

    files = [covered.file for covered in migrations if covered.file is not None and _is_there(covered.file)]
    return {
        (project.tool.value, resolved(migration.file)): _Found(project, migration)
        for project in read(files)
        for migration in project.migrations
    }


def _found(covered: CoveredMigration, there: Mapping[tuple[str, Path], _Found]) -> _Found | None:
    return there.get((covered.tool, resolved(Path(covered.file)))) if covered.file is not None else None


def _is_there(file: str) -> bool:
    try:
        return Path(file).is_file()
    except (OSError, ValueError):
        return False


def _of_the_file(covered: CoveredMigration, found: _Found | None) -> Iterator[Refusal]:
    if covered.checksum is None or covered.file is None or not _is_there(covered.file):
        return
    summed = _sum_of(Path(covered.file), found)
    if summed != covered.checksum:
        yield Refusal(
            code="migration_changed",
            object=covered.file,
            message=f"it is not the file that the plan covers as {covered.name}: "
            f"{'it cannot be read' if summed is None else 'its checksum is another'}.",
            instead="See what has changed, make the plan do the same, and correct `checksum`.",
        )


def _sum_of(file: Path, found: _Found | None) -> str | None:
    """As the tool sums it up, else SHA-256; None where it cannot be read."""
    if found is not None and found.migration.checksum is not None:
        return found.migration.checksum
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None

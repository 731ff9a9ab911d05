"""What a database's histories say of the migrations that are linted."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.cli.call import only_our_errors
from crossfade.cli.output import plain, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crossfade.migrations.migration import Project
    from crossfade.plan.names import TableName
    from crossfade.workflow.histories import Book


def with_history(
    url: str, projects: Sequence[Project], table: TableName | None, *, is_whole: bool
) -> tuple[Project, ...]:
    """The projects, each with its past by the table of its tool, where the database has that.

    `table` is where it is another than the tool makes by itself. Where files were left out, not `is_whole`, nothing is
    said of what is gone. Reads only. Raises UsageError where `table` is not the tool's, and what connecting and reading
    raise.
    """
    from crossfade.migrations.histories import HISTORIES
    from crossfade.postgres.connect import connect, database_url
    from crossfade.workflow.histories import Books

    if not any(project.tool.value in HISTORIES for project in projects):
        return tuple(projects)
    with only_our_errors(), closing(connect(database_url(url))) as connection:
        books, tools = Books(connection), {project.tool.value for project in projects} & HISTORIES.keys()
        found = {tool: books.of(tool) if table is None else books.named(tool, table) for tool in tools}
    for book in found.values():
        if book is not None and not book.may_read:
            warn(f"{plain(str(book.place.table))} may not be read by this role, so nothing is known of what is applied")
    return tuple(_with_past(one, projects, found.get(one.tool.value), is_whole=is_whole) for one in projects)


def _with_past(project: Project, projects: Sequence[Project], book: Book | None, *, is_whole: bool) -> Project:
    from crossfade.migrations.histories import entries_of
    from crossfade.migrations.past import of_history

    # A table without the tool's columns is another program's of the same name.
    if book is None or book.missing or not book.may_read:
        return project
    entries = [entry for one in projects if one.tool is project.tool for entry in entries_of(one)]
    past = of_history(project, book.history, book.rows, str(book.place.table), entries)
    if past is None:
        return project
    return replace(project, past=(*project.past, past if is_whole else replace(past, gone=())))

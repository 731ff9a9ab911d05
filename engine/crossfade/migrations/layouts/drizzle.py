"""Drizzle 0.x: `NNNN_name.sql` files, and `meta/_journal.json` that says which of them there are and in what order.

All that is pending runs in one transaction. What decides whether a migration is pending is the entry's `when` alone, so
`order` holds that. The checksum is the SHA-256 of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crossfade.migrations.drizzle_journal import PLACE, NotAJournal, journal_of
from crossfade.migrations.layouts.claim import Claim, is_inside, not_postgresql, sha256_of, whole
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder

_NUMBERED = re.compile(r"\d{4}_.+\.sql")


def claim(folder: Folder) -> Claim | None:
    """A folder with a journal."""
    journal = folder.file(PLACE)
    if journal is None:
        return None
    numbered = frozenset(name for name in folder.names if _NUMBERED.fullmatch(name))
    entries = _entries(journal)
    if isinstance(entries, Problem):
        return Claim(tool=Tool.DRIZZLE, migrations=(), taken=numbered | {"meta"}, problems=(entries,))
    found = tuple(_found(folder, journal, entries))
    listed = frozenset(name for entry in entries for name in (f"{entry['tag']}.sql", _back(entry)))
    return Claim(
        tool=Tool.DRIZZLE,
        migrations=tuple(one for one in found if isinstance(one, Migration)),
        taken=numbered | listed | {"meta"},
        problems=(*(one for one in found if isinstance(one, Problem)), *_unlisted(folder, numbered - listed)),
    )


def _entries(journal: File) -> tuple[Mapping[str, Any], ...] | Problem:
    try:
        document = journal_of(journal.text)
    except NotAJournal as reason:
        return Problem(file=journal.path, message=f"the journal {reason}", line=reason.line)
    dialect = document.get("dialect")
    if dialect not in {None, "pg", "postgresql"}:
        return not_postgresql(journal.path, str(dialect))
    return tuple(document["entries"])


def _found(folder: Folder, journal: File, entries: tuple[Mapping[str, Any], ...]) -> Iterator[Migration | Problem]:
    for entry in entries:
        name = f"{entry['tag']}.sql"
        file, back = (folder.file(name), folder.file(_back(entry))) if is_inside(name) else (None, None)
        if file is not None:
            yield Migration(
                name=entry["tag"],
                file=file.path,
                up=whole(file),
                down=whole(back) if back is not None else None,
                order=(entry["when"],),
                transaction=Transaction.ALWAYS,
                transaction_back=Transaction.NEVER,
                checksum=sha256_of(file),
            )
        elif not is_inside(name):
            yield Problem(file=journal.path, message=f"the journal names {name}, which is outside the folder")
        elif not folder.has(name):
            yield Problem(file=journal.path, message=f"the journal names {name}, and there is no such file")


def _back(entry: Mapping[str, Any]) -> str:
    """The file with the way back, which `crossfade export` writes and Drizzle does not look at."""
    return f"{entry['tag']}.down.sql"


def _unlisted(folder: Folder, names: frozenset[str]) -> Iterator[Problem]:
    for name in sorted(names):
        yield Problem(
            file=folder.path / name,
            message=f"{PLACE} does not list it, so Drizzle never runs it",
            hint="`drizzle-kit generate --custom` makes a file that is listed",
        )

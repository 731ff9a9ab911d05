"""The journal of Drizzle 0.x, continued by the files of an export. Pure.

drizzle-kit runs the entries whose `when` is above the latest that is recorded, and gives a new migration the number
behind the last entry's. So the times and the numbers of an export go on from those of the project.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError
from crossfade.migrations.drizzle_journal import PLACE, NotAJournal, journal_of, journal_text

if TYPE_CHECKING:
    from crossfade.workflow.exports.layouts import ExportedFile

_VERSION = "7"
_EMPTY: Mapping[str, Any] = {"version": _VERSION, "dialect": "postgresql", "entries": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The journal of a project."""

    document: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)

    @property
    def entries(self) -> list[Mapping[str, Any]]:
        """One for each migration."""
        return list(self.document["entries"])

    @property
    def first(self) -> int:
        """The number of the next migration."""
        return max((entry["idx"] for entry in self.entries), default=-1) + 1

    def begin(self, wanted: datetime) -> datetime:
        """The time of the next migration: the one that is wanted, or the first behind all that are there."""
        latest = max((entry["when"] for entry in self.entries), default=0)
        there = datetime.fromtimestamp(latest // 1000, tz=wanted.tzinfo) + timedelta(seconds=1)
        return max(wanted, there)


def journal_in(text: str, file: str) -> Journal:
    """The journal in a file. Raises UsageError for what is none."""
    try:
        document = journal_of(text)
    except NotAJournal as reason:
        raise UsageError(f"{file} is no journal of Drizzle: it {reason}") from None
    if not all(isinstance(entry.get("idx"), int) for entry in document["entries"]):
        raise UsageError(f"{file} is no journal of Drizzle: it has entries without an `idx`")
    return Journal(document=document)


def continued(files: Iterable[ExportedFile], before: Journal) -> Iterator[tuple[str, str]]:
    """The journal of each folder of files, with what stands in it; each has the entries of those before it too."""
    entries = before.entries
    for home, some in _homes(files):
        entries += map(_entry, some)
        yield f"{home}/{PLACE}", journal_text({**before.document, "entries": entries})


def by_itself(files: Iterable[ExportedFile]) -> Iterator[tuple[str, str]]:
    """The journal that each folder would have if there was nothing but it, as lint reads it."""
    for home, some in _homes(files):
        yield f"{home}/{PLACE}", journal_text({**_EMPTY, "entries": list(map(_entry, some))})


def _homes(files: Iterable[ExportedFile]) -> Iterator[tuple[str, list[ExportedFile]]]:
    listed = (file for file in files if file.when is not None)
    for home, some in groupby(listed, key=lambda file: file.path.rpartition("/")[0]):
        yield home, list(some)


def _entry(file: ExportedFile) -> Mapping[str, Any]:
    tag = file.path.rpartition("/")[2].removesuffix(".sql")
    number, _, _ = tag.partition("_")
    return {"idx": int(number), "version": _VERSION, "when": file.when, "tag": tag, "breakpoints": True}

"""The journal of Drizzle 0.x, continued by the files of an export. Pure.

drizzle-kit runs the entries whose `when` is above the latest that is recorded, and gives a new migration the number
behind the last entry's. So the times and the numbers of an export go on from those of the project.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError

if TYPE_CHECKING:
    from crossfade.workflow.exports.layouts import ExportedFile

PLACE = "meta/_journal.json"
"""Below the folder of migrations."""
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


def journal_of(text: str, file: str) -> Journal:
    """The journal in a file. Raises UsageError for what is none."""
    try:
        document = json.loads(text)
        entries = document["entries"]
        is_one = all(isinstance(entry[key], int) for entry in entries for key in ("idx", "when"))
    except (ValueError, KeyError, TypeError, RecursionError):
        is_one = False
    if not is_one:
        raise UsageError(f"{file} is no journal of Drizzle: it has no `entries`, each with an `idx` and a `when`")
    return Journal(document=document)


def continued(files: Iterable[ExportedFile], before: Journal) -> Iterator[tuple[str, str]]:
    """The journal of each folder of files, with what stands in it; each has the entries of those before it too."""
    entries = before.entries
    for home, some in _homes(files):
        entries += map(_entry, some)
        yield f"{home}/{PLACE}", _text({**before.document, "entries": entries})


def by_itself(files: Iterable[ExportedFile]) -> Iterator[tuple[str, str]]:
    """The journal that each folder would have if there was nothing but it, as lint reads it."""
    for home, some in _homes(files):
        yield f"{home}/{PLACE}", _text({**_EMPTY, "entries": list(map(_entry, some))})


def _homes(files: Iterable[ExportedFile]) -> Iterator[tuple[str, list[ExportedFile]]]:
    listed = (file for file in files if file.when is not None)
    for home, some in groupby(listed, key=lambda file: file.path.rpartition("/")[0]):
        yield home, list(some)


def _entry(file: ExportedFile) -> Mapping[str, Any]:
    tag = file.path.rpartition("/")[2].removesuffix(".sql")
    number, _, _ = tag.partition("_")
    return {"idx": int(number), "version": _VERSION, "when": file.when, "tag": tag, "breakpoints": True}


def _text(document: Mapping[str, Any]) -> str:
    """As drizzle-kit writes it."""
    return json.dumps(document, indent=2, ensure_ascii=False)

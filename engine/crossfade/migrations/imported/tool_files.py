"""What stands beside the halves of Drizzle's migrations, so that its migrator sees them. Pure.

    journal_with(text, parted)      0.x: the project's journal, in which two entries take the place of one

drizzle-kit runs what its journal lists. The first half keeps the time of the migration, the second comes a millisecond
later. The entries behind are numbered anew, since drizzle-kit counts on from the last one; the snapshot keeps its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crossfade.errors import UsageError
from crossfade.migrations.drizzle_journal import journal_of, journal_text

if TYPE_CHECKING:
    from crossfade.migrations.imported.halves import Half

SNAPSHOT = "snapshot.json"
"""Of Drizzle 1.x, in the folder of each migration."""


def journal_with(text: str, parted: Mapping[str, tuple[Half, ...]]) -> str:
    """The journal with the halves of these migrations, by name. Raises UsageError where there is no time for two."""
    document = journal_of(text)
    entries = tuple(_entries(document["entries"], parted))
    for entry, after in pairwise(entries):
        is_half = entry["tag"] in {half.entry.name for halves in parted.values() for half in halves}
        if is_half and after["when"] <= entry["when"]:
            raise UsageError(
                f"the journal has no time for {entry['tag']}: the `when` of {after['tag']} is {after['when']}",
                hint="Import without --split, or give the later migrations later times.",
            )
    return journal_text({**document, "entries": entries})


def _entries(
    entries: Iterable[Mapping[str, Any]], parted: Mapping[str, tuple[Half, ...]]
) -> Iterator[Mapping[str, Any]]:
    more = 0
    for entry in entries:
        number = entry.get("idx", 0)
        halves = parted.get(entry["tag"])
        if halves is None:
            yield {**entry, "idx": number + more}
            continue
        for half in halves:
            yield {**entry, "idx": number + more, "when": half.entry.created_at, "tag": half.entry.name}
            more += 1
        more -= 1

"""dbmate: `<version>_name.sql` with the parts `-- migrate:up` and `-- migrate:down`, in the order of the file names.

A part is sent as one text, in a transaction unless its marker says `transaction:false`. A file has one of each; dbmate
takes several pairs, and stops at the second, since it has written the file's row with the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import MARK, Claim, has_mark
from crossfade.migrations.layouts.sections import Section, sections
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder

_NAME = re.compile(r"\d+.*\.sql")
_MARKER = re.compile(r"^--\s*migrate:(?P<way>up|down)(?=\s|\Z)(?P<options>[^\n]*)", re.MULTILINE)
_ORDER = ("up", "down")


def claim(folder: Folder) -> Claim | None:
    """A folder with a numbered file that has a marker."""
    files = {name: file for name, file in folder.sql if _NAME.fullmatch(name)}
    if not any(_MARKER.search(file.text) for file in files.values()):
        return None
    found = tuple(one for name, file in files.items() for one in _migrations(name, file))
    return Claim(
        tool=Tool.DBMATE,
        migrations=tuple(one for one in found if isinstance(one, Migration)),
        taken=frozenset(name for name in folder.names if _NAME.fullmatch(name)),
        problems=tuple(one for one in found if isinstance(one, Problem)),
        reversible=True,
    )


def _migrations(name: str, file: File) -> Iterator[Migration | Problem]:
    parts = sections(file, _MARKER)
    why, line = _stop(file, parts)
    if why:
        yield Problem(file=file.path, message=f"{why}, and dbmate stops at such a file", line=line)
    if tuple(part.way for part in parts) in {_ORDER, _ORDER[:1]} and not _sql_above(file, parts[0]):
        up, down = parts[0], parts[1] if len(parts) > 1 else None
        yield Migration(
            name=name.removesuffix(".sql"),
            file=file.path,
            up=up.script,
            down=down.script if down is not None else None,
            order=(name,),
            transaction=_transaction(up),
            transaction_back=_transaction(down) if down is not None else None,
        )


def _stop(file: File, parts: Sequence[Section]) -> tuple[str, int]:
    """Why dbmate goes no further, and the line; no words where it takes the file.

    Older versions took one without a way down, so that its migration is there all the same.
    """
    if has_mark(file):
        return MARK, 1
    if not any(part.way == "up" for part in parts):
        return "it has no line `-- migrate:up`", 1
    above = _sql_above(file, parts[0])
    if above is not None:
        return "there is SQL above its line `-- migrate:up`", above
    for part, wanted in zip_longest(parts, _ORDER):
        if part is None:
            return "it has no line `-- migrate:down`", 1
        if part.way != wanted:
            return _misplaced(part, wanted), part.script.source.position(part.script.begin).line
    return "", 1


def _misplaced(part: Section, wanted: str | None) -> str:
    if wanted == "up":
        return "its line `-- migrate:down` stands above `-- migrate:up`"
    return f"there is a second `-- migrate:{part.way}`"


def _sql_above(file: File, first: Section) -> int | None:
    """The first line above a part that is more than a comment of `--`."""
    lines = file.text[: first.script.begin].split("\n")
    return next(
        (n for n, line in enumerate(lines, start=1) if line.strip() and not line.strip().startswith("--")), None
    )


def _transaction(part: Section) -> Transaction:
    return Transaction.IF_SEVERAL if "transaction:false" in part.options.split() else Transaction.ALWAYS

"""dbmate: `<version>_name.sql` with the parts `-- migrate:up` and `-- migrate:down`, in the order of the file names.

A part is sent as one text, in a transaction unless its marker says `transaction:false`. A file may have several pairs
of parts, one transaction each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import Claim
from crossfade.migrations.layouts.sections import Section, sections
from crossfade.migrations.migration import Migration, Problem, Tool, Transaction

if TYPE_CHECKING:
    from crossfade.migrations.folder import File, Folder

_NAME = re.compile(r"\d+.*\.sql")
_MARKER = re.compile(r"^--[^\S\n]*migrate:(?P<way>up|down)\b(?P<options>[^\n]*)", re.MULTILINE)


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
    if not any(part.way == "up" for part in parts):
        yield Problem(file=file.path, message="it has no line `-- migrate:up`, and dbmate stops at such a file")
    stem, number = name.removesuffix(".sql"), 0
    for place, up in enumerate(parts):
        if up.way == "up":
            number += 1
            down = parts[place + 1] if parts[place + 1 : place + 2] and parts[place + 1].way == "down" else None
            yield Migration(
                name=stem if number == 1 else f"{stem} ({number})",
                file=file.path,
                up=up.script,
                down=down.script if down is not None else None,
                order=(name, number),
                transaction=_transaction(up),
                transaction_back=_transaction(down) if down is not None else None,
            )


def _transaction(part: Section) -> Transaction:
    return Transaction.IF_SEVERAL if "transaction:false" in part.options.split() else Transaction.ALWAYS

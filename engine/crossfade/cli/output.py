"""What a command prints: one JSON document, or pages and tables for a person.

Standard output carries the answer and nothing else. Text of a user (names, reasons) is never read as markup. rich
honours NO_COLOR; where the output is no terminal nothing is wrapped or cut, so that it can be searched.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from typing import TextIO

    from rich.console import Console, RenderableType
    from rich.table import Table

_UNBOUNDED = 10_000
_LONGEST_CELL = 300
"""Characters; a longer one would push all others of its column aside."""
_STYLES = {
    "PASS": "green",
    "BLOCKED": "red",
    "UNKNOWN": "yellow",
    "ERROR": "red",
    "done": "green",
    "ok": "green",
    "running": "cyan",
    "warning": "yellow",
    "error": "red",
    "contracted": "green",
    "pending": "dim",
}


def print_json(document: Any) -> None:
    """Print the one document of a `--json` command; escapes keep it valid in whatever encoding the output has."""
    import json

    sys.stdout.write(json.dumps(document, indent=2, default=str) + "\n")
    sys.stdout.flush()


def console(stream: TextIO | None = None) -> Console:
    """A console on a stream, standard output if none is given, that takes every text as it is."""
    from rich.console import Console

    where = stream or sys.stdout
    return Console(
        file=where,
        width=None if where.isatty() else _UNBOUNDED,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=not where.isatty(),
    )


def print_page(page: RenderableType) -> None:
    """Print a page on standard output; into a file or a pipe without the spaces that only fill up its lines."""
    where = console()
    if where.is_terminal:
        where.print(page)
        return
    with where.capture() as written:
        where.print(page)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in written.get().splitlines())


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Columns under their headings, without lines; words such as a verdict get their colour."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        # What identifies a row is never broken.
        made.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def moment(at: datetime | None) -> str:
    """A time as a table shows it: in UTC, to the second."""
    from datetime import UTC

    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def say(text: str) -> None:
    """A line for a person, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """A warning, on standard error."""
    sys.stderr.write(f"warning: {text}\n")


def plain(text: str) -> str:
    """A text of somebody else's on one line, without what would steer a terminal or the log of a pipeline."""
    line = " ".join(text.split()) if not text.isprintable() else text
    return "".join(character if character.isprintable() else "?" for character in line)


def _cell(value: object) -> Any:
    from rich.text import Text

    text = "" if value is None else plain(str(value))
    text = text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
    return Text(text, style=_STYLES.get(text, ""))

"""A file of goose, line by line as goose reads it: where its two parts begin, and at what goose stops. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crossfade.migrations.layouts.claim import MARK, has_mark

if TYPE_CHECKING:
    from crossfade.migrations.folder import File
    from crossfade.migrations.script import SqlStatement

UP, DOWN, BEGIN, END, ALONE = "up", "down", "statementbegin", "statementend", "no transaction"
_ANNOTATIONS = frozenset({UP, DOWN, BEGIN, END, ALONE, "envsub on", "envsub off"})

OPEN = "the statement here does not end in a line that ends in `;`"


class Stop(Exception):
    """goose goes no further; the arguments are why, and the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GooseText:
    """What goose makes of a file."""

    parts: Mapping[str, int]
    """Where `up` begins, and `down`, if there is one: places in the text."""
    is_alone: bool
    """It says NO TRANSACTION."""
    open_down: int | None
    """The line at which a statement of the way down begins that has no end."""
    blocks: tuple[range, ...]
    """The lines from each StatementBegin to its StatementEnd."""

    def cut(self, statements: Iterable[SqlStatement]) -> Iterator[tuple[int, int]]:
        """The first line of each statement that has to be in a block and is not, and the line behind which goose cuts.

        It knows no quotes: to it a statement ends wherever a line ends in a semicolon.
        """
        for statement in statements:
            first = statement.position.line
            lines = enumerate(statement.text.split("\n")[:-1], start=first)
            ends = (number for number, line in lines if _ends_statement(line))
            end = next(ends, None)
            if end is not None and not any(first in block for block in self.blocks):
                yield first, end


def read_goose(file: File) -> GooseText:
    """The parts of a file. Raises Stop where goose does."""
    if has_mark(file):
        raise Stop(MARK, 1)
    reading, place = _Reading(), 0
    for number, line in enumerate(file.text.split("\n"), start=1):
        reading.take(line.removesuffix("\r"), number, place)
        place += len(line) + 1
    reading.end()
    return GooseText(parts=reading.parts, is_alone=reading.is_alone, open_down=reading.open, blocks=(*reading.blocks,))


@dataclass(slots=True)
class _Reading:
    parts: dict[str, int] = field(default_factory=dict)
    is_alone: bool = False
    block: int | None = None
    """The line of the StatementBegin that has no end yet."""
    blocks: list[range] = field(default_factory=list)
    above: int | None = None
    """The first line of SQL above the parts."""
    open: int | None = None
    """The line at which a statement begins that has no end yet."""

    def take(self, line: str, number: int, place: int) -> None:
        """The next line."""
        is_comment = line.strip().startswith("--")
        if is_comment and "+goose" in line:
            self._annotation(_annotation(line, number), number, place)
        elif line.strip() and (self.open is not None or not is_comment):
            self._sql(line, number)

    def end(self) -> None:
        """Behind the last line."""
        if not self.parts:
            raise Stop("it has no line `-- +goose Up`", 1)
        if self.block is not None:
            raise Stop("the `-- +goose StatementBegin` here has no `-- +goose StatementEnd`", self.block)
        if DOWN not in self.parts:
            self._nothing_open()

    def _sql(self, line: str, number: int) -> None:
        if not self.parts:
            self.above = self.above or number
        elif self.block is None:
            self.open = None if _ends_statement(line) else self.open or number

    def _annotation(self, annotation: str, number: int, place: int) -> None:
        match annotation:
            case "up" | "down":
                self._begin(annotation, number)
                self.parts[annotation] = place
            case "statementbegin":
                if not self.parts:
                    raise Stop("a `-- +goose StatementBegin` stands above its line `-- +goose Up`", number)
                if self.block is not None:
                    raise Stop("a `-- +goose StatementBegin` stands within another one", number)
                self.block = number
            case "statementend":
                if self.block is None:
                    raise Stop("the `-- +goose StatementEnd` here has no `-- +goose StatementBegin`", number)
                self.blocks.append(range(self.block, number))
                self.block = self.open = None
            case "no transaction":
                self.is_alone = True

    def _begin(self, way: str, number: int) -> None:
        if self.block is not None:
            raise Stop("the `-- +goose StatementBegin` here has no `-- +goose StatementEnd`", self.block)
        if way in self.parts or DOWN in self.parts:
            raise Stop(f"there is a second `-- +goose {way.title()}`", number)
        if way == DOWN and UP not in self.parts:
            raise Stop("its line `-- +goose Down` stands above `-- +goose Up`", number)
        if self.above is not None:
            raise Stop("there is SQL above its line `-- +goose Up`", self.above)
        self._nothing_open()

    def _nothing_open(self) -> None:
        if self.open is not None:
            raise Stop(OPEN, self.open)


def _annotation(line: str, number: int) -> str:
    found = line.replace("--", "").replace("+goose", "", 1).strip()
    if line[:1] in {" ", "\t"} or found.lower() not in _ANNOTATIONS:
        raise Stop(f"goose does not know the line `{line.strip()}`", number)
    return found.lower()


def _ends_statement(line: str) -> bool:
    """Whether the last word before a comment ends in a semicolon; a comment is what a word begins with."""
    last = ""
    for word in line.split():
        if word.startswith("--"):
            break
        last = word
    return last.endswith(";")

"""The SQL of one migration taken apart: statements with their trees and places, and what cannot be read.

A text is parsed as a whole. Where PostgreSQL's grammar does not take all of it, it is taken apart at its semicolons and
each piece is parsed by itself, so that one broken statement hides no other; a quote without an end hides what is behind
it, and nothing before. Pure.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from crossfade.migrations.psql_text import PUT_IN, Altered, Cleaned, cleaned
from crossfade.parse import parsed

if TYPE_CHECKING:
    from pathlib import Path

_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file, from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class Source:
    """A file and its text."""

    path: Path
    """As the user named it, or below what he named."""
    text: str

    @cached_property
    def _line_starts(self) -> Sequence[int]:
        return [0, *(n for n, character in enumerate(self.text, start=1) if character == "\n")]

    def position(self, offset: int) -> Position:
        """Line and column of a place in the text."""
        line = bisect_right(self._line_starts, offset)
        return Position(line, offset - self._line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """A line without its end."""
        begin, *end = self._line_starts[number - 1 : number + 1]
        return self.text[begin : end[0] if end else None].removesuffix("\n").rstrip("\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStatement:
    """One statement of a file."""

    source: Source
    begin: int
    """Its first character in the file's text."""
    end: int
    """Behind its last one, without the semicolon."""
    sql: str
    """The same without what only psql understands."""
    tree: Any
    """pglast's node; its `location`s are those of a text that begins at `origin`."""
    origin: int

    @property
    def text(self) -> str:
        """As it stands in the file."""
        return self.source.text[self.begin : self.end]

    @property
    def position(self) -> Position:
        """Where it begins."""
        return self.source.position(self.begin)

    def at(self, location: int | None) -> Position:
        """The place of a node of the tree; where it has none, that of the statement."""
        if location is None or location < 0:
            return self.position
        return self.source.position(self.origin + location)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A part of a file that is no SQL, with PostgreSQL's own words."""

    source: Source
    begin: int
    message: str

    @property
    def position(self) -> Position:
        """Where the grammar gives up."""
        return self.source.position(self.begin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A statement, or a command of psql, that the server does not get as it stands in the file."""

    source: Source
    begin: int
    end: int
    why: str

    @property
    def text(self) -> str:
        """As it stands in the file."""
        return self.source.text[self.begin : self.end]

    @property
    def position(self) -> Position:
        """Where it begins."""
        return self.source.position(self.begin)


@dataclass(frozen=True, kw_only=True)
class Script:
    """A file's SQL, or the part of it that goes one way."""

    source: Source
    begin: int = 0
    end: int | None = None
    """Behind its last character; None is the end of the text."""
    placeholders: tuple[tuple[int, int], ...] = ()
    """Where the tool puts values in, in strings and bodies too: places in the file's text."""

    @cached_property
    def _cleaned(self) -> Cleaned:
        return cleaned(self.source.text[self.begin : self.end])

    @cached_property
    def _parts(self) -> tuple[SqlStatement | Unreadable, ...]:
        return tuple(_read(self.source, self.begin, self._cleaned.text))

    @property
    def statements(self) -> tuple[SqlStatement, ...]:
        """What can be read, in order."""
        return tuple(part for part in self._parts if isinstance(part, SqlStatement))

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """What cannot."""
        return tuple(part for part in self._parts if isinstance(part, Unreadable))

    @cached_property
    def unsent(self) -> tuple[Unsent, ...]:
        """What the server does not get as it stands, in order."""
        put_in = (Altered(begin=begin, end=end, why=PUT_IN) for begin, end in self.placeholders)
        own = (replace(one, begin=self.begin + one.begin, end=self.begin + one.end) for one in self._cleaned.altered)
        altered = deque(sorted([*put_in, *own], key=lambda one: one.begin))
        found = {(one.begin, one.end): one.why for one in altered if one.is_command}
        for statement in self.statements if altered else ():
            while altered and altered[0].end <= statement.begin:
                altered.popleft()
            if altered and altered[0].begin < statement.end:
                found[statement.begin, statement.end] = altered[0].why
        return tuple(Unsent(source=self.source, begin=b, end=e, why=why) for (b, e), why in sorted(found.items()))


def _read(source: Source, begin: int, text: str) -> Iterator[SqlStatement | Unreadable]:
    from pglast.parser import ParseError

    try:
        found = parsed(text)
    except (ParseError, UnicodeError):
        yield from _piece_by_piece(source, begin, text)
        return
    for raw in found:
        start: int = raw.stmt_location or 0
        length: int = raw.stmt_len or len(text) - start
        sql = text[start : start + length].rstrip()
        yield SqlStatement(
            source=source,
            begin=begin + start,
            end=begin + start + len(sql),
            sql=sql,
            tree=raw.stmt,
            origin=begin,
        )


def _piece_by_piece(source: Source, begin: int, text: str) -> Iterator[SqlStatement | Unreadable]:
    from pglast.parser import ParseError

    left_open: Unreadable | None = None
    try:
        pieces = list(_pieces(text))
    except (ParseError, UnicodeError) as error:
        opened = _opened(text, error)
        left_open = Unreadable(
            source=source, begin=begin + (_where(error) if opened is None else opened), message=_words(error)
        )
        text = text[: _statements_end(text, opened or 0)]
        pieces = list(_pieces(text))
    while pieces:
        yield _one(source, begin, text, pieces)
    if left_open is not None:
        yield left_open


def _opened(text: str, error: Exception) -> int | None:
    """Where the quote or comment begins that has no end: the scanner's words show all of it."""
    _, found, rest = _words(error).partition('at or near "')
    rest = rest.removesuffix('"')
    return len(text) - len(rest) if found and rest and text.endswith(rest) else None


def _statements_end(text: str, before: int) -> int:
    """Behind the last semicolon before a place."""
    from pglast.parser import scan

    return max((token.end + 1 for token in scan(text[:before]) if token.name == "ASCII_59"), default=0)


def _pieces(text: str) -> Iterator[slice]:
    from pglast.parser import split

    place = 0
    for piece in split(text, with_parser=False, only_slices=True):
        yield from _left_out(text, place, piece.start)
        yield piece
        place = piece.stop
    yield from _left_out(text, place, len(text))


def _left_out(text: str, begin: int, end: int) -> Iterator[slice]:
    """What pglast takes for no statement, since no word of it is a keyword: one that begins with a slip."""
    from pglast.parser import scan

    first: int | None = None
    gap = text[begin:end]
    for token in scan(gap) if gap.strip("; \t\r\n") else ():
        if token.name == "ASCII_59":
            if first is not None:
                yield slice(begin + first, begin + token.start)
            first = None
        elif first is None and token.name not in _COMMENTS:
            first = token.start
    if first is not None:
        yield slice(begin + first, end)


def _one(source: Source, begin: int, text: str, pieces: list[slice]) -> SqlStatement | Unreadable:
    """The next statement; one with BEGIN ATOMIC has semicolons of its own."""
    first = pieces.pop(0)
    failure = _parsed(source, begin, text, first)
    if isinstance(failure, Unreadable) and "ATOMIC" in _tokens(text[first], "ATOMIC"):
        # Before its END, which is a piece of its own, each statement of the body has a semicolon.
        for number, piece in enumerate(pieces):
            if _tokens(text[piece], "END") == ["END_P"]:
                longer = _parsed(source, begin, text, slice(first.start, piece.stop))
                if isinstance(longer, SqlStatement):
                    del pieces[: number + 1]
                    return longer
                break
    return failure


def _tokens(text: str, word: str) -> list[str]:
    """The names of the tokens of a text that may have this word in it; none of any other."""
    from pglast.parser import scan

    found = scan(text) if word in text.upper() else ()
    return [token.name for token in found if token.name not in _COMMENTS]


def _parsed(source: Source, begin: int, text: str, piece: slice) -> SqlStatement | Unreadable:
    from pglast.parser import ParseError

    origin = begin + piece.start
    try:
        raw = parsed(text[piece])[0]
    except (ParseError, UnicodeError) as error:
        return Unreadable(source=source, begin=origin + _where(error), message=_words(error))
    sql, start = text[piece].rstrip(), raw.stmt_location or 0
    return SqlStatement(
        source=source,
        begin=origin + start,
        end=origin + len(sql),
        sql=sql[start:],
        tree=raw.stmt,
        origin=origin,
    )


def _where(error: Exception) -> int:
    place = error.args[1] if len(error.args) > 1 else 0
    return place if isinstance(place, int) and place >= 0 else 0


def _words(error: Exception) -> str:
    return str(error.args[0]) if error.args else str(error)

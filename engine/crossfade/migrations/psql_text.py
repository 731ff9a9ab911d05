"""What psql reads of a file and the server never sees: meta-commands, the rows of COPY, variables.

All of it is put out of the way by spaces, so that every place in the text stays what it was. `${name}`, which tools put
something in place of, becomes a name as long. Strings, quoted names,
dollar quotes and comments are stepped over: a backslash in one of them is no command. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
    (?P<line_comment>--[^\n]*)
  | (?P<block_comment>/\*)
  | (?P<placeholder>\$\{[A-Za-z0-9_.:-]*\})
  | (?P<dollar>\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$)
  | (?P<escaped>(?<![A-Za-z0-9_$])[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*")
  | (?P<variable>(?<![:\w\]]):(?=[A-Za-z_'"]))
  | (?P<meta>\\[^\n]*)
  | (?P<end>;)
  | (?P<word>[A-Za-z_\u0080-\uffff](?:[A-Za-z0-9_\u0080-\uffff]|\$(?!\{))*)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK = re.compile(r"/\*|\*/")
_COPY_ENDS = re.compile(r"^\\\.[ \t\r]*$", re.MULTILINE)


@dataclass(slots=True)
class _Cleaning:
    """The text as it is cleaned, and what of the statement at hand was seen."""

    text: str
    pieces: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """Of the statement so far, in upper case; only as many as COPY … FROM STDIN is told by."""

    def keep(self, begin: int, end: int) -> None:
        self.pieces.append(self.text[begin:end])

    def blank(self, begin: int, end: int) -> None:
        """Spaces in place of a part; its lines stay lines."""
        self.pieces.append(re.sub(r"[^\n]", " ", self.text[begin:end]))


def without_psql(text: str) -> str:
    """The text of the same length in which nothing is left that only psql understands."""
    cleaning = _Cleaning(text)
    place = 0
    while (found := _TOKEN.search(text, place)) is not None:
        cleaning.keep(place, found.start())
        place = _after(cleaning, found)
    cleaning.keep(place, len(text))
    return "".join(cleaning.pieces)


def _after(cleaning: _Cleaning, found: re.Match[str]) -> int:
    """Take one token, and say where the next one may begin."""
    begin, end = found.span()
    match found.lastgroup:
        case "block_comment":
            end = _comment_end(cleaning.text, end)
        case "dollar":
            closing = cleaning.text.find(found[0], end)
            end = len(cleaning.text) if closing < 0 else closing + len(found[0])
        case "variable":
            cleaning.blank(begin, end)
            return end
        case "placeholder":
            cleaning.pieces.append(re.sub(r"\W", "_", found[0]))
            return end
        case "meta":
            return _meta(cleaning, begin, end)
        case "end":
            return _statement_end(cleaning, begin, end)
        case "word":
            cleaning.words.append(found[0].upper())
    cleaning.keep(begin, end)
    return end


def _comment_end(text: str, place: int) -> int:
    """Comments of PostgreSQL nest."""
    depth = 1
    while depth and (found := _BLOCK.search(text, place)) is not None:
        depth += 1 if found[0] == "/*" else -1
        place = found.end()
    return place if depth == 0 else len(text)


def _meta(cleaning: _Cleaning, begin: int, end: int) -> int:
    """A command of psql up to the end of its line; one that sends the statement, such as \\gexec, ends it."""
    command = cleaning.text[begin + 1 : end]
    if command.startswith("g") and cleaning.words:
        cleaning.words.clear()
        cleaning.pieces.append(";")
        cleaning.blank(begin + 1, end)
        return end
    cleaning.blank(begin, end)
    return end


def _statement_end(cleaning: _Cleaning, begin: int, end: int) -> int:
    words, cleaning.words = cleaning.words, []
    cleaning.keep(begin, end)
    if words[:1] == ["COPY"] and "STDIN" in words:
        data = cleaning.text.find("\n", end)
        finish = _COPY_ENDS.search(cleaning.text, data + 1) if data >= 0 else None
        if data >= 0:
            stop = finish.end() if finish is not None else len(cleaning.text)
            cleaning.blank(end, stop)
            return stop
    return end

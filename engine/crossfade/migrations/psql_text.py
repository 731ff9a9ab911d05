"""What psql reads of a file and the server never sees: meta-commands, the rows of COPY, variables.

All of it is put out of the way by spaces, so that every place in the text stays what it was. `${name}`, which tools put
something in place of, becomes a name as long. Strings, quoted names, dollar quotes and comments are stepped over: a
backslash in one of them is no command. What would have changed what the server gets is told. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What a name is made of is said by what it is not: Python takes some milliseconds to prepare a set of all beyond ASCII.
_TOKEN = re.compile(
    r"""
    (?P<line_comment>--[^\n]*)
  | (?P<block_comment>/\*)
  | (?P<placeholder>\$\{[A-Za-z0-9_.:-]*\})
  | (?P<dollar>\$(?:[^\x00-@\[-^`{-\x7f][^\x00-/:-@\[-^`{-\x7f]*)?\$)
  | (?P<escaped>(?<![A-Za-z0-9_$])[eE]'(?:[^'\\]|''|\\.)*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*")
  | (?P<variable>(?<![:\w\]\[]):(?=[A-Za-z_'"]))
  | (?P<separator>\\;)
  | (?P<meta>\\[^\n]*)
  | (?P<end>;)
  | (?P<word>[^\x00-@\[-^`{-\x7f](?:[^\x00-/:-@\[-^`{-\x7f]|\$(?!\{))*)
    """,
    re.VERBOSE | re.DOTALL,
)
_MAYBE_VARIABLE = re.compile(r""":(?<!::)[A-Za-z_'"]""")
_COMMAND = re.compile(r"""'(?:[^'\\\n]|\\.)*'|"[^"\n]*"|`[^`\n]*`|\\(?P<name>[A-Za-z]+|\S)""")
_SHOWING = re.compile(
    r"""
    d\w* | l | list | z | sf | sv | p | print | s | h | help | \? | errverbose | conninfo | copyright
  | echo | qecho | warn | a | C | f | H | html | o | out | t | T | x | pset | timing | encoding | restrict | unrestrict
  | set | unset | getenv | prompt
    """,
    re.VERBOSE,
)
"""Commands that show something, or say how: they do nothing to the database. What is set is told where it is used."""
_SENDING = frozenset({"g", "gx", "gset"})
"""Commands that send the statement as it stands."""
_BRANCHES = frozenset({"endif", "elif", "else"})
_BY_IF = "psql sends it or not, as \\if says"
PUT_IN = "the tool puts a value into it before it is sent"
COPY_FROM = re.compile(
    r"""
    \\copy \s+ (?:binary\s+)? (?P<into>(?:"[^"]*"|[^\s"(])+\s*(?:\([^)]*\))?)
    \s* from\b \s* (?P<rows>stdin(?=[\s;]|$))?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A `\\copy` into a table; `rows` where they stand behind it, as those of COPY … FROM STDIN do."""
_BLOCK = re.compile(r"/\*|\*/")
_COPY_ENDS = re.compile(r"^\\\.[ \t\r]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """A part of a text that the server does not get as it stands there, if at all."""

    begin: int
    end: int
    why: str
    is_command: bool = False
    """It does something by itself; else it is about the statements that it is in, or that are in it."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A text without what only psql understands, and what that was."""

    text: str
    """As long as the one that was given."""
    altered: tuple[Altered, ...]


@dataclass(slots=True)
class _Cleaning:
    """The text as it is cleaned, and what of the statement at hand was seen."""

    text: str
    pieces: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    """Of the statement so far, in upper case; only as many as COPY … FROM STDIN is told by."""
    first: int = 0
    """Where the first of them begins."""
    altered: list[Altered] = field(default_factory=list)
    ifs: list[int] = field(default_factory=list)
    """Where each \\if begins whose \\endif has not come."""

    def alter(self, begin: int, end: int, why: str, *, is_command: bool = False) -> None:
        """Note that the server gets something else there."""
        self.altered.append(Altered(begin=begin, end=end, why=why, is_command=is_command))

    def keep(self, begin: int, end: int) -> None:
        self.pieces.append(self.text[begin:end])

    def blank(self, begin: int, end: int) -> None:
        """Spaces in place of a part; its lines stay lines."""
        self.pieces.append(re.sub(r"[^\n]", " ", self.text[begin:end]))


def without_psql(text: str) -> str:
    """The text of the same length in which nothing is left that only psql understands."""
    return cleaned(text).text


def cleaned(text: str) -> Cleaned:
    """The same, and what was put out of the way."""
    if not _may_be_of_psql(text):
        return Cleaned(text, ())
    cleaning = _Cleaning(text)
    place = 0
    while (found := _TOKEN.search(text, place)) is not None:
        cleaning.keep(place, found.start())
        place = _after(cleaning, found)
    cleaning.keep(place, len(text))
    for begin in cleaning.ifs[:1]:
        cleaning.alter(begin, len(text), _BY_IF)
    return Cleaned("".join(cleaning.pieces), tuple(cleaning.altered))


def _may_be_of_psql(text: str) -> bool:
    """A quick look for what only psql and tools understand: most files have nothing of it, in strings or elsewhere."""
    return "\\" in text or "${" in text or "stdin" in text.lower() or _MAYBE_VARIABLE.search(text) is not None


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
            cleaning.alter(begin, end, "psql puts the value of a variable into it")
            return end
        case "placeholder":
            cleaning.alter(begin, end, PUT_IN)
            cleaning.pieces.append(re.sub(r"\W", "_", found[0]))
            return end
        case "separator":
            # psql sends the statements in one go; for the server it is the end of one like any other.
            cleaning.words.clear()
            cleaning.pieces.append(" ;")
            return end
        case "meta":
            return _meta(cleaning, begin, end)
        case "end":
            return _statement_end(cleaning, begin, end)
        case "word":
            cleaning.first = cleaning.first if cleaning.words else begin
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
        name = command.split(maxsplit=1)[0]
        if name not in _SENDING:
            cleaning.alter(cleaning.first, end, f"\\{name} of psql does something else with it")
        cleaning.words.clear()
        cleaning.pieces.append(";")
        cleaning.blank(begin + 1, end)
        return end
    for found in _COMMAND.finditer(cleaning.text, begin, end):
        if found["name"] is not None:
            _take(cleaning, found["name"], found.start(), end)
    cleaning.blank(begin, end)
    copy = COPY_FROM.match(cleaning.text, begin, end)
    return _rows_end(cleaning, end) if copy is not None and copy["rows"] else end


def _take(cleaning: _Cleaning, name: str, begin: int, end: int) -> None:
    """Note what a command of psql does to the rest of the text."""
    if name == "if":
        cleaning.ifs.append(begin)
    elif name == "endif" and cleaning.ifs:
        outermost, *inner = cleaning.ifs
        cleaning.ifs.pop()
        if not inner:
            cleaning.alter(outermost, end, _BY_IF)
    elif name in {"q", "quit"}:
        cleaning.alter(begin, len(cleaning.text), f"psql does not come to it, since it ends at \\{name}")
    elif name not in _BRANCHES and _SHOWING.fullmatch(name) is None:
        cleaning.alter(begin, end, "only psql knows this command", is_command=True)


def _statement_end(cleaning: _Cleaning, begin: int, end: int) -> int:
    words, cleaning.words = cleaning.words, []
    cleaning.keep(begin, end)
    return _rows_end(cleaning, end) if words[:1] == ["COPY"] and "STDIN" in words else end


def _rows_end(cleaning: _Cleaning, end: int) -> int:
    """Behind the rows of a COPY, which begin with the next line."""
    data = cleaning.text.find("\n", end)
    if data < 0:
        return end
    finish = _COPY_ENDS.search(cleaning.text, data + 1)
    stop = finish.end() if finish is not None else len(cleaning.text)
    cleaning.blank(end, stop)
    return stop

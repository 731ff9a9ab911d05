"""YAML text as a tree whose every node knows its line and column; everything that is wrong with the text itself.

Only the scanner and parser of ruamel.yaml are used: a plan has mappings, lists, texts, whole numbers and little else,
read by the core schema of YAML 1.2 (`on` and `yes` are texts). Tags, directives, merge keys, repeated keys, keys that
are no text, several documents and nodes beyond the limits are problems; a small alias is fine. Positions are 1-based.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from crossfade.errors import PlanProblem
from crossfade.plan.words import nearest, shown

_DEEPEST = 20
_MOST_NODES = 20_000
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_BASED = re.compile(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BEYOND_UNICODE = re.compile(r"\\U(?!0010|000[0-9A-Fa-f])[0-9A-Fa-f]{8}")
_WORDS: dict[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{f"{sign}.{word}": float(f"{sign}inf") for sign in ("", "-", "+") for word in ("inf", "Inf", "INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


class Place(NamedTuple):
    """A position in the file, 1-based."""

    line: int
    column: int


def place_of(before: str) -> Place:
    """The position behind a text, counting lines as YAML does."""
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", before)
    return Place(len(lines), len(lines[-1]) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text, number, truth value or nothing."""

    at: Place
    raw: str
    """As written, without quotes."""
    value: object
    """As YAML reads it."""
    size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A list."""

    at: Place
    items: tuple[Node, ...]
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping; of a repeated key the first."""

    at: Place
    entries: dict[str, tuple[Place, Node]]
    size: int


Node: TypeAlias = Scalar | Sequence | Mapping


class Stop(Exception):  # noqa: N818  # not an error of the family: it carries the problem that ends the reading
    """Reading cannot go on."""

    def __init__(self, problem: PlanProblem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been read yet."""

    at: Place
    anchor: str | None
    keyed: bool
    children: list[Node] = field(default_factory=list)


class Reader:
    """Reads one text; afterwards `problems` has what is wrong with it short of being unreadable."""

    def __init__(self, file: str) -> None:
        self.problems: list[PlanProblem] = []
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0

    def read(self, text: str) -> Node | None:
        """The tree, or None if the text has nothing but comments; raises `Stop` where it is not YAML."""
        root: Node | None = None
        documents = 0
        for event in self._events(text):
            at = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, DocumentStartEvent):
                documents += 1
                self._document(event, at, documents)
            node = self._node(event, at)
            if node is not None and not self._open:
                root = node
        return root

    def stop(self, at: Place, message: str, hint: str | None = None) -> Stop:
        """The exception for a problem after which nothing can be read."""
        return Stop(self._problem(at, message, hint))

    def _events(self, text: str) -> Any:
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            raise self._syntax(error) from None
        except (YAMLError, ValueError, OverflowError) as error:
            # The scanner makes a character of any \U escape, and says nothing of the place when there is none.
            escape = _BEYOND_UNICODE.search(text)
            at = place_of(text[: escape.start()]) if escape else Place(1, 1)
            raise self.stop(at, f"not readable as YAML: {error}", "check escapes in double quotes") from None

    def _syntax(self, error: MarkedYAMLError) -> Stop:
        problem = error.problem or error.context or ""
        known = next((s for s in _SYNTAX if s.part in problem), None)
        mark = error.problem_mark or error.context_mark
        if known is not None and known.at_start:
            mark = error.context_mark or mark
        at = Place(mark.line + 1, mark.column + 1)
        if "<stream end>" in problem and self._open:
            at = self._open[-1].at
        if known is None:
            return self.stop(at, f"not readable as YAML: {problem}", "check indentation, colons and quotes around here")
        return self.stop(at, known.message, known.hint)

    def _document(self, event: Any, at: Place, documents: int) -> None:
        if documents > 1:
            raise self.stop(at, "a second document begins here", "a file holds one plan: put the other in its own file")
        if event.version or event.tags:
            self._add(Place(1, 1), "a YAML directive", "remove the line that begins with %: plans are read as YAML 1.2")

    def _node(self, event: Any, at: Place) -> Node | None:
        """The node that this event completes, if it does; it is already part of the collection around it."""
        node: Node
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._check_tag(event, at)
            if len(self._open) >= _DEEPEST:
                raise self.stop(at, f"nested more than {_DEEPEST} levels deep", "a plan needs no more than six")
            self._open.append(_Open(at=at, anchor=event.anchor, keyed=isinstance(event, MappingStartEvent)))
            return None
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            ended = self._open.pop()
            node = self._closed(ended)
            anchor = ended.anchor
        elif isinstance(event, ScalarEvent):
            self._check_tag(event, at)
            node, anchor = self._scalar(event, at), event.anchor
        elif isinstance(event, AliasEvent):
            node, anchor = self._alias(event, at), None
        else:
            return None
        if anchor:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].children.append(node)
        return node

    def _closed(self, ended: _Open) -> Node:
        self._count(1, ended.at)
        size = 1 + sum(n.size for n in ended.children)
        if not ended.keyed:
            return Sequence(at=ended.at, items=tuple(ended.children), size=size)
        entries: dict[str, tuple[Place, Node]] = {}
        for key, value in zip(ended.children[::2], ended.children[1::2], strict=True):
            name = self._key(key, entries)
            if name is not None:
                entries[name] = (key.at, value)
        return Mapping(at=ended.at, entries=entries, size=size)

    def _key(self, key: Node, entries: dict[str, tuple[Place, Node]]) -> str | None:
        if not isinstance(key, Scalar) or not isinstance(key.value, str):
            written = shown(key.raw) if isinstance(key, Scalar) else "a mapping or a list"
            self._add(key.at, f"a key has to be text; got {written}", "put it in quotes if it is a name")
        elif key.raw == "<<":
            self._add(key.at, "merge keys (`<<`) are not part of a plan", "write the keys out")
        elif key.raw in entries:
            first = entries[key.raw][0]
            self._add(key.at, f"{shown(key.raw)} is here twice; first in line {first.line}", "keep one of them")
        else:
            return key.raw
        return None

    def _scalar(self, event: Any, at: Place) -> Scalar:
        self._count(1, at)
        raw = event.value
        if "\0" in raw or not _encodable(raw):
            self._add(at, f"a character that PostgreSQL cannot store, in {shown(raw)}", "remove the escape")
            raw = "x"
        return Scalar(at=at, raw=raw, value=raw if event.style else _resolved(raw))

    def _alias(self, event: Any, at: Place) -> Node:
        if event.anchor not in self._anchors:
            hint = (
                nearest(event.anchor, self._anchors) or "an alias (`*name`) repeats an anchor (`&name`) from further up"
            )
            raise self.stop(at, f"the alias {shown('*' + event.anchor)} has no anchor before it", hint)
        node = self._anchors[event.anchor]
        self._count(node.size, at)
        return node

    def _count(self, nodes: int, at: Place) -> None:
        self._nodes += nodes
        if self._nodes > _MOST_NODES:
            raise self.stop(
                at,
                f"more than {_MOST_NODES} entries, aliases counted each time",
                "split the plan, and write aliases out",
            )

    def _check_tag(self, event: Any, at: Place) -> None:
        if event.tag is not None:
            self._add(at, f"a YAML tag, {shown(str(event.tag))}", "remove it: a plan needs no tags")

    def _problem(self, at: Place, message: str, hint: str | None) -> PlanProblem:
        return PlanProblem(file=self._file, line=at.line, column=at.column, message=message, hint=hint)

    def _add(self, at: Place, message: str, hint: str) -> None:
        self.problems.append(self._problem(at, message, hint))


def _resolved(raw: str) -> object:
    if raw in _WORDS:
        return _WORDS[raw]
    if _INTEGER.fullmatch(raw):
        return int(raw)
    if _BASED.fullmatch(raw):
        return int(raw, 0)
    return float(raw) if _FLOAT.fullmatch(raw) else raw


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Syntax(NamedTuple):
    """A complaint of the YAML parser, in words."""

    part: str
    message: str
    hint: str
    at_start: bool = False
    """Whether the place to look at is where the thing begins rather than where the parser gave up."""


_SYNTAX = (
    _Syntax("'<document start>'", "two things side by side, or a YAML directive", "a plan is one mapping of keys"),
    _Syntax("<stream end>", "a bracket or brace that is never closed", "close it"),
    _Syntax("unexpected end of stream", "a quote that is never closed", "close it", at_start=True),
    _Syntax("unexpected document separator", "a quote that is never closed", "close it", at_start=True),
    _Syntax(r"'\t'", "a tab where YAML allows only spaces", "indent with spaces"),
    _Syntax("mapping values are not", "a colon where no key can stand", "indent evenly; quote a text with `: ` in it"),
    _Syntax("find expected ':'", "a line without a colon", "write `key: value`", at_start=True),
    _Syntax("found character '", "a text cannot begin with this character", "put it in quotes"),
    _Syntax("unknown escape character", "an unknown escape in a text in double quotes", "double the backslash"),
    _Syntax("expected <block end>", "this does not fit the lines before", "indent evenly; quote a text as a whole"),
    _Syntax("sequence entries are not", "a dash where no entry can stand", "put each entry on a line of its own"),
    _Syntax("expected chomping", "text behind `|` or `>`", "begin the text on the next line, indented further"),
    _Syntax("alphabetic or numeric", "`*` and `&` stand for YAML's aliases and anchors", "put the text in quotes"),
)

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
from crossfade.plan.syntax import in_words
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


def tree_of(value: object) -> Node:
    """The tree of a value that was not read from YAML; each position in it is that of the beginning."""
    at = Place(1, 1)
    if isinstance(value, dict):
        return Mapping(at=at, entries={str(key): (at, tree_of(inner)) for key, inner in value.items()}, size=1)
    if isinstance(value, list | tuple):
        return Sequence(at=at, items=tuple(map(tree_of, value)), size=1)
    return Scalar(at=at, raw=str(value).lower() if isinstance(value, bool) else str(value), value=value)


class Stop(Exception):
    """Reading cannot go on; carries the problem, and never leaves this package."""

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
        except (YAMLError, ValueError, OverflowError):
            # The scanner makes a character of any \U escape, and says nothing of the place when there is none.
            escape = _BEYOND_UNICODE.search(text)
            at = place_of(text[: escape.start()]) if escape else Place(1, 1)
            raise self.stop(at, "an escape that is no character", "check `\\U` in texts in double quotes") from None

    def _syntax(self, error: MarkedYAMLError) -> Stop:
        said = in_words(error)
        if said.unclosed and self._open:
            return self.stop(self._open[-1].at, said.message, said.hint)
        mark = (said.at_start and error.context_mark) or error.problem_mark or error.context_mark
        return self.stop(Place(mark.line + 1, mark.column + 1), said.message, said.hint)

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
            written = "a mapping or a list"
            if isinstance(key, Scalar):
                written = shown(key.raw) if key.raw else "nothing"
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
        raw = _with_pairs_joined(event.value)
        if raw is None or "\0" in raw:
            self._add(at, f"a character that PostgreSQL cannot store, in {shown(event.value)}", "remove the escape")
            # Something harmless that is not repeated, lest the rest of the file be blamed for it.
            raw = f"x{at.line}-{at.column}"
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


def _with_pairs_joined(text: str) -> str | None:
    """The text with surrogate pairs (escapes of JSON) as the characters they mean; None if half of one stands alone."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None

"""How a change by somebody else bears on a run: what it is, in words, and what the run goes for. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from crossfade.postgres.names import quoted
from crossfade.postgres.own_names import is_own_name

Item = Mapping[str, Any]
Structure = Mapping[str, Item]


class Bearing(StrEnum):
    """How a change bears on a run."""

    APART = "apart"
    """Something came, or a rule for rows went, that uses no column of the plan."""
    PARTITION = "partition"
    """One partition more: it has the triggers, and its rows are compared before anything is hidden."""
    CROSSING = "crossing"
    """The program was not compiled for it; a person may say that it goes on all the same."""
    HOLDS = "holds"
    """Something that needs what the run is going to drop, and which would keep it from that."""
    LOSES = "loses"
    """On what is going to be dropped, so that contract would lose it, or revert."""
    UNEVEN = "uneven"
    """A right on what is going to be dropped, which what takes its place does not have."""
    AGAIN = "again"
    """A property of what is going to be dropped, such as a comment, that a person can give anew afterwards."""
    NAMESAKE = "namesake"
    """It has the name of something that the run is going to make."""
    LOST = "lost"
    """The statements of the program name a table that is not there under this name."""
    GONE = "gone"
    """They name one that is not there at all, so that there is nothing to take back on it either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """One change by somebody else."""

    text: str
    """In words: `column public.users.nick was added`."""
    bearing: Bearing
    made_alone: str | None
    """The name of what a statement outside a transaction may have made or dropped: an index, a partition."""
    on: str
    """What it is about, or is on: `column`, `table` or `view`."""
    is_gone: bool
    """Whether something is not there any more."""


@dataclass(frozen=True, slots=True)
class Said:
    """A change of one item, without the table's name."""

    kind: str
    name: str
    verb: str
    bearing: Bearing = Bearing.CROSSING
    is_gone: bool = False

    def on(self, table: str) -> str:
        """The words, for this table."""
        match self.kind:
            case "table" | "partition" | "child" | "view":
                return f"{self.kind} {table}{self.verb}"
            case "column":
                return f"column {table}.{quoted(self.name)}{self.verb}"
            case "foreign key":
                name, _, other = self.name.partition(" of ")
                return f"foreign key {quoted(name)} from {other} to {table}{self.verb}"
            case "dependent":
                return f"{self.name}, which uses {table},{self.verb}"
            case "enum":
                # It is the same for every table with a column of it.
                return f"enum {self.name}{self.verb}"
        return f"{self.kind} {quoted(self.name)} on {table}{self.verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that a change may cross, with the tables and types that go."""

    planned: frozenset[str]
    """Those that the plan works on."""
    mark: str
    """The comment of what is the run's own."""
    taken: frozenset[str] = frozenset()
    """Those that are going to be hidden and dropped, by their names of now, besides those with a name of ours."""
    successors: Mapping[str, str] = field(default_factory=dict)
    """The columns on which things stand that are made anew over another one, with the name of that one."""
    tables: frozenset[str] = frozenset()
    """The tables that are going to be hidden and dropped, with all that uses them, by their names of now."""
    replacing: Mapping[str, str] = field(default_factory=dict)
    """Of these, the ones whose name another table takes, with the name of that one."""
    types: frozenset[str] = frozenset()
    """The types that are going to be dropped, by their names of now."""
    made: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of what is going to be made."""
    named: frozenset[tuple[str, str]] = frozenset()
    """Kind and name of what statements to come, or gates, look for."""
    rights: Mapping[str, Collection[str]] = field(default_factory=dict)
    """The rights on each of the run's tables that are given to others than its owner."""
    phase: str = "contract"
    """What would lose something: contract, or revert."""

    def are_used(self, names: Collection[str]) -> bool:
        """Whether one of these is the plan's; `*` is the whole row."""
        return "*" in names or not self.planned.isdisjoint(names)

    def go_with(self, names: Collection[str]) -> bool:
        """Whether one of these is going to be dropped, or has a name of ours."""
        return any(name in self.taken or is_own_name(name) for name in names)

    def lose(self, names: Collection[str]) -> bool:
        """Whether one of these is going to be dropped."""
        stay = self.successors.values()
        return any(name in self.taken or (is_own_name(name) and name not in stay) for name in names)

    def are_replaced(self, names: Collection[str]) -> bool:
        """Whether another column takes the place of one of these."""
        return not self.successors.keys().isdisjoint(names)

    def is_our_view(self, table: Item) -> bool:
        """Whether it is a view that the run has made, and drops."""
        return table.get("kind") == "v" and table.get("comment") == self.mark


_WORDS = {
    "generated": {"": "none", "s": "stored", "v": "virtual"},
    "persistence": {"p": "logged", "u": "unlogged"},
    "identity": {"": "none", "a": "always", "d": "by default"},
    "storage": {"p": "plain", "e": "external", "m": "main", "x": "extended"},
    "enabled": {"O": "enabled", "D": "disabled", "R": "enabled on replicas alone", "A": "enabled always"},
    "clustered": {"True": "on", "False": "off"},
    "replica_identity": {"d": "the primary key", "n": "nothing", "f": "the whole row"},
}


def shown(key: str, value: Any) -> str:
    """A property of an item, for people."""
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    text = str(value).strip()
    return _WORDS.get(key, {}).get(text, text)


def kind_and_name(key: str) -> tuple[str, str]:
    """Of an item, from its key in a structure."""
    kind, _, name = key.removeprefix("foreign ").partition(" ")
    return ("foreign key" if key.startswith("foreign key ") else kind), name

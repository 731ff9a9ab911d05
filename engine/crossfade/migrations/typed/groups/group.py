"""What a group is: commands that are one change together, and what they may mean."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.entry import Entry

Rest: TypeAlias = "Sequence[Command]"
"""All other commands that no group has taken yet, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What commands may mean."""

    entries: tuple[Entry, ...]
    meaning: str = ""
    """In words, where there is a doubt: `the column name gets the name full_name`."""
    is_guess: bool = False
    """It says something that the statements do not, even if there is no other reading."""
    in_turn: bool = False
    """The entries cannot be in one plan: each is a plan of its own, one after the other."""
    lengths: tuple[int, ...] = ()
    """With `in_turn`, how many entries each plan has, where that is not one."""

    @property
    def is_sql(self) -> bool:
        """Whether no kind of change but `sql` does any of it."""
        return bool(self.entries) and all("sql" in entry for entry in self.entries)

    @property
    def turns(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries of each of its plans."""
        if not self.in_turn:
            return (self.entries,)
        rest = iter(self.entries)
        return tuple(tuple(islice(rest, length)) for length in self.lengths or [1] * len(self.entries))


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    """Why no plan does what commands mean together, and what to write instead."""

    message: str
    instead: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A group that was found at a command."""

    others: tuple[Command, ...]
    """The commands that belong to it besides."""
    readings: tuple[Reading, ...] = ()
    no_plan: NoPlan | None = None
    """Then there are no readings."""
    is_late: bool = False
    """Its place is that of its last command, where what stands between does not let that come to its first."""


Group: TypeAlias = "Callable[[Command, Rest], Match | None]"


def certain(others: Sequence[Command], *entries: Entry) -> Match:
    """A group that can mean one thing only."""
    return Match(others=tuple(others), readings=(Reading(entries=entries),))


def later(rest: Rest, than: Command) -> Rest:
    """The commands behind this one."""
    return [command for command in rest if command.number > than.number]


def on_table(rest: Rest, like: Command, does: str) -> Iterator[Command]:
    """The commands of this kind on the same table."""
    for command in rest:
        if command.does == does and command.relation is not None and command.table_name == like.table_name:
            yield command


def on_column(rest: Rest, like: Command, does: str, column: str) -> Command | None:
    """The first command of this kind on that column, or constraint, of the same table."""
    return next((c for c in on_table(rest, like, does) if c.action.name == column), None)

"""Statements as changes: which of them are one change together, and what each comes to. Pure.

    typed(node, schema)               the entries of one statement; None where only an `sql` change does it
    typed_all(statements, schemas)    all statements of a migration, in groups that are one change each

A group is looked for at each command in turn, the one that says most first. What two statements mean together may not
be certain: a column that is dropped and another one that is added is a rename, or it is not. Then there are two
readings, and the entries say `intent: unconfirmed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.command import Command, commands
from crossfade.migrations.typed.entry import Entry, NotTyped
from crossfade.migrations.typed.enums import Enums
from crossfade.migrations.typed.groups import GROUPS
from crossfade.migrations.typed.groups.group import Group, Match, NoPlan, Reading
from crossfade.migrations.typed.passing import may_go_ahead, may_hang_on, may_pass
from crossfade.migrations.typed.raw import sql_entry
from crossfade.migrations.typed.single import is_silent, one

if TYPE_CHECKING:
    from crossfade.migrations.script import SqlStatement
    from crossfade.postgres.forecast import Schema

_OF_ROWS = frozenset({"update_rows", "delete_rows", "copy_rows"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """One change, and the statements that it stands for; a statement that does several things is in several."""

    statements: tuple[SqlStatement, ...]
    readings: tuple[Reading, ...]
    """What it may mean, the likelier first; without any entry where it changes nothing."""
    before: Schema
    """What its first part finds."""
    is_refused: bool = False
    """No plan can send it, not even as `sql`: COPY, CREATE DATABASE, a statement with parameters."""
    no_plan: NoPlan | None = None
    """Where it is refused for what its statements mean together."""
    because: str = ""
    """What has settled which reading is meant, in words for a comment."""

    @property
    def is_certain(self) -> bool:
        """Whether the statements leave no doubt about what is meant."""
        return len(self.readings) == 1 and not self.readings[0].is_guess

    @property
    def is_sql(self) -> bool:
        """Only an `sql` change does it, or not even that."""
        return self.is_refused or self.readings[0].is_sql

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of the likelier reading, with `intent: unconfirmed` where there is a doubt."""
        likely = self.readings[0].entries
        return likely if self.is_certain else tuple(map(unconfirmed, likely))

    @property
    def in_turn(self) -> bool:
        """Whether it takes several plans, one after the other."""
        return self.readings[0].in_turn

    @property
    def turns(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries of each of its plans."""
        return replace(self.readings[0], entries=self.entries).turns

    @property
    def others(self) -> tuple[Reading, ...]:
        """The readings that are less likely."""
        return self.readings[1:]

    @property
    def is_of_rows(self) -> bool:
        """Whether it changes rows and no schema, which a plan does by itself."""
        return any(kind in _OF_ROWS for entry in self.readings[0].entries for kind in entry)


def unconfirmed(entry: Entry) -> Entry:
    """The entry with `intent: unconfirmed`, which no run takes."""
    ((kind, fields),) = entry.items()
    return {kind: {**fields, "intent": "unconfirmed"}}


def typed(node: Any, schema: Schema, enums: Enums | None = None) -> tuple[Entry, ...] | None:
    """The entries that do what one statement does; None where a part needs an `sql` change, or plans one by one.

    `schema` is what the statement finds, and `enums` the labels of its enums as far as they are known.
    """
    found: list[Entry] = []
    for part in _grouped(commands([node], [schema], enums or Enums())):
        if part.readings is None:
            return None
        likely = part.readings[0]
        if likely.in_turn or likely.is_sql:
            return None
        is_certain = len(part.readings) == 1 and not likely.is_guess
        found += likely.entries if is_certain else map(unconfirmed, likely.entries)
    return tuple(found)


def typed_all(
    statements: Sequence[SqlStatement], schemas: Sequence[Schema], enums: Enums | None = None
) -> tuple[Typed, ...]:
    """Every statement of a migration as changes, in the order of the first statement of each.

    `schemas` has what each statement finds, `enums` the labels of enums before the first one. A statement that no plan
    can send has a reading without entries, and `is_refused`.
    """
    nodes, texts = [s.tree for s in statements], [s.sql for s in statements]
    found = []
    for part in _grouped(commands(nodes, schemas, enums or Enums(), texts)):
        own, before = tuple(statements[n] for n in sorted({c.of for c in part.commands})), part.commands[0].before
        if part.no_plan is not None:
            nothing = (Reading(entries=()),)
            found.append(Typed(statements=own, readings=nothing, before=before, is_refused=True, no_plan=part.no_plan))
        elif part.readings is not None:
            found.append(Typed(statements=own, readings=part.readings, before=before))
        else:
            (command,) = part.commands
            as_sql = sql_entry(command.sql)
            entries = () if as_sql is None else (as_sql,)
            readings = (Reading(entries=entries),)
            found.append(Typed(statements=own, readings=readings, before=before, is_refused=as_sql is None))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Part:
    """Commands that are one change; without readings where there is no typed one."""

    commands: tuple[Command, ...]
    readings: tuple[Reading, ...] | None
    place: int
    """The number of the command that it stands at."""
    no_plan: NoPlan | None = None


def _grouped(every: Sequence[Command]) -> Iterator[_Part]:
    taken: dict[int, _Part] = {}
    for starts, group in GROUPS:
        for command in every:
            if command.does != starts or command.number in taken:
                continue
            rest = [c for c in every if c is not command and c.number not in taken]
            match = _match(group, command, rest)
            if match is None:
                continue
            numbers = sorted((command.number, *(other.number for other in match.others)))
            own = tuple(every[n] for n in numbers)
            if match.no_plan is not None:
                taken |= dict.fromkeys(numbers, _Part(own, None, numbers[0], match.no_plan))
                continue
            place = _place(match, own, every)
            if place is not None:
                taken |= dict.fromkeys(numbers, _Part(own, match.readings, place))
    for number, command in enumerate(every):
        part = taken.get(number) or _alone(command)
        if part.place == number:
            yield part


def _place(match: Match, own: Sequence[Command], every: Sequence[Command]) -> int | None:
    """The number of its first command, or of its last, where not all of it may come to the first; None for neither."""
    numbers = {command.number for command in own}
    first, last = own[0].number, own[-1].number
    between = [c for c in every[first + 1 : last] if c.number not in numbers]
    if all(may_pass(c, over) for c in own for over in between if over.number < c.number):
        return first
    behind = [(of, c) for of in own for c in between if of.number < c.number]
    if match.is_late:
        return None if any(may_hang_on(of, c) for of, c in behind) else last
    return last if all(may_go_ahead(c, of) for of, c in behind) else None


def _match(group: Group, command: Command, rest: Sequence[Command]) -> Match | None:
    try:
        return group(command, rest)
    except NotTyped:
        return None


def _alone(command: Command) -> _Part:
    if is_silent(command):
        return _Part((command,), (Reading(entries=()),), command.number)
    entries = one(command)
    return _Part((command,), None if entries is None else (Reading(entries=entries),), command.number)

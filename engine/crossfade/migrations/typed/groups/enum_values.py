"""What an enum that is made anew comes to: values that get other names, go, or come.

Where values change places, or where they go and columns are lists of them, `remove_enum_values` does not do:
`enum_columns` then has the changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crossfade.migrations.typed import columns
from crossfade.migrations.typed.entry import Entry, entry
from crossfade.migrations.typed.groups import enum_columns
from crossfade.migrations.typed.groups.group import Reading
from crossfade.migrations.typed.types import renamed_value
from crossfade.postgres.forecast.trees import expression, text_constant
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.enums import Enums
    from crossfade.postgres.catalog import Column

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltEnum:
    """An enum, and what is done to it and its columns."""

    name: Labels
    """As the statements have it, with a schema or without."""
    enums: Enums
    """All that are known before."""
    before: Labels
    after: Labels
    columns: tuple[Command, ...]
    """Each ALTER COLUMN TYPE to the new type."""
    defaults: tuple[Command, ...]
    nulls: tuple[Command, ...]
    """Each SET and DROP NOT NULL."""

    @property
    def type(self) -> str:
        """In SQL."""
        return ".".join(map(quoted, self.name))

    @property
    def gone(self) -> Labels:
        """The values that go."""
        return tuple(value for value in self.before if value not in self.after)

    @property
    def new(self) -> Labels:
        """The values that come."""
        return tuple(value for value in self.after if value not in self.before)

    @property
    def staying(self) -> Labels:
        """All others in the order that they had."""
        return tuple(value for value in self.before if value in self.after)

    @property
    def keeps_order(self) -> bool:
        """Whether they have it in the end."""
        return self.staying == tuple(value for value in self.after if value in self.before)


def readings(enum: RebuiltEnum) -> Iterator[Reading]:
    """What the statements may mean; none where no value stays."""
    gone, new, nulls = enum.gone, enum.new, tuple(_nulls(enum.nulls))
    if len(gone) == len(new) and gone:
        pairs = dict(zip(gone, new, strict=True))
        if tuple(pairs.get(v, v) for v in enum.before) == enum.after:
            said = ", ".join(f"{old} gets the name {name}" for old, name in pairs.items())
            entries = tuple(renamed_value(enum.type, a, b) for a, b in pairs.items())
            late = (*_other_defaults(enum.defaults, pairs, enum.before), *nulls)
            yield Reading(entries=(*entries, *late), meaning=said, in_turn=bool(late))
    if gone and not enum.staying:
        return
    instead = _instead(enum.defaults, enum.staying)
    becomes = dict.fromkeys(gone, instead)
    said = " and ".join(part for part in (_gone(gone, instead), _come(new)) if part)
    if not enum.keeps_order or (gone and enum_columns.has_lists(enum)):
        turns = (*enum_columns.turns(enum, becomes), *((change,) for change in nulls))
        yield Reading(
            entries=tuple(change for turn in turns for change in turn),
            meaning=said,
            is_guess=bool(gone),
            in_turn=True,
            lengths=tuple(map(len, turns)),
        )
        return
    entries = (*_removed(enum.type, becomes), *_added(enum))
    late = (*_other_defaults(enum.defaults, becomes, enum.before), *nulls)
    in_turn = bool(late or (gone and new))
    yield Reading(entries=(*entries, *late), meaning=said, is_guess=bool(gone), in_turn=in_turn)


def _instead(defaults: Sequence[Command], staying: Sequence[str]) -> str | None:
    """What rows with a value that goes get: the default of the columns, if it stays, else the first value."""
    last = _default_label(defaults)
    return last if last in staying else next(iter(staying), None)


def _default_label(defaults: Sequence[Command]) -> str | None:
    return next((label for c in reversed(defaults) if (label := text_constant(c.action.def_)) is not None), None)


def _removed(type_: str, becomes: Mapping[str, str | None]) -> Iterator[Entry]:
    if becomes:
        yield entry("remove_enum_values", type=type_, map=dict(becomes))


def _added(enum: RebuiltEnum) -> Iterator[Entry]:
    after, new = enum.after, enum.new
    for value in new:
        place = after.index(value)
        last = all(v in new for v in after[place:])
        neighbour = {} if last else {"before": next(v for v in after[place:] if v not in new)}
        yield entry("add_enum_value", type=enum.type, value=value, **neighbour)


def _nulls(commands: Sequence[Command]) -> Iterator[Entry]:
    """The NOT NULL that columns get or lose in the end."""
    first = {(c.table_name, c.action.name): c for c in reversed(commands)}
    for column, last in {(c.table_name, c.action.name): c for c in commands}.items():
        old, is_needed = columns.column_of(first[column]), last.does == "SetNotNull"
        if old is None or old.type == "unknown" or old.not_null != is_needed:
            kind = "set_not_null" if is_needed else "drop_not_null"
            yield entry(kind, table=last.table_text, column=last.action.name)


def _other_defaults(defaults: Sequence[Command], becomes: Mapping[str, str | None], before: Labels) -> Iterator[Entry]:
    """The defaults that columns have in the end, where they would not have them by what becomes of the labels."""
    first = {(c.table_name, c.action.name): c for c in reversed(defaults)}
    last = {(c.table_name, c.action.name): c for c in defaults}
    for column, command in last.items():
        label, old = text_constant(command.action.def_), columns.column_of(first[column])
        was = _label_of(old)
        if old is None:
            is_left = label in before
        else:
            is_left = label == becomes.get(was, was) if was is not None else command.action.def_ is None
        if not is_left:
            yield from columns.column_default(command)


def _label_of(column: Column | None) -> str | None:
    """The label that is its default."""
    text = column.default.expression if column is not None and column.default is not None else ""
    return text_constant(expression(text)) if text else None


def _gone(gone: Labels, instead: str | None) -> str:
    return f"{', '.join(gone)} {'goes' if len(gone) == 1 else 'go'}, and rows with it get {instead}" if gone else ""


def _come(new: Labels) -> str:
    return f"{', '.join(new)} {'is' if len(new) == 1 else 'are'} new" if new else ""

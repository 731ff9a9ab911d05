"""An enum whose columns get another one in its place: with its values in another order, or for lists of them.

    first plan  makes the enum under another name, and adds what is new to the old one: each value has a way back
    second      converts all columns, and gives the new enum the name in contract
    third       drops the old one, once no column has it

`remove_enum_values` does this in fewer steps, and for one order and no lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed import columns
from crossfade.migrations.typed.entry import Entry, entry, expression_text, name_text, sql_relation
from crossfade.migrations.typed.raw import sql_entry
from crossfade.postgres.forecast.trees import kind, text_constant
from crossfade.postgres.names import literal, quoted

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.migrations.typed.groups.enum_values import RebuiltEnum

Turn = tuple[Entry, ...]


def has_lists(enum: RebuiltEnum) -> bool:
    """Whether a column is a list of its values."""
    return any(map(_is_list, enum.columns))


def turns(enum: RebuiltEnum, becomes: Mapping[str, str | None]) -> Iterator[Turn]:
    """The entries of each plan."""
    new, old = _free(enum, "new"), _free(enum, "old")
    yield (
        entry("create_enum", name=name_text(*new), values=enum.after),
        *(entry("add_enum_value", type=enum.type, value=value) for value in enum.new),
    )
    yield (
        *_defaults_away(enum),
        *(_converted(enum, command, _sql(new), becomes) for command in enum.columns),
        entry("sql", contract=(_renamed(enum.name, old), _renamed(new, enum.name), *_defaults_back(enum))),
    )
    gone = sql_entry(f"DROP TYPE {_sql(old)}")
    assert gone is not None
    yield (gone,)


def _free(enum: RebuiltEnum, word: str) -> tuple[str, ...]:
    """A name beside the enum's that no other enum has."""
    *schema, name = enum.name
    taken = {known.name for known in enum.enums.labels}
    found = next(f for n in range(1, len(taken) + 2) if (f := f"{name}_{word}{n if n > 1 else ''}") not in taken)
    return (*schema, found)


def _sql(name: tuple[str, ...]) -> str:
    return ".".join(map(quoted, name))


def _renamed(old: tuple[str, ...], new: tuple[str, ...]) -> dict[str, str]:
    return {
        "run": f"ALTER TYPE {_sql(old)} RENAME TO {quoted(new[-1])}",
        "undo": f"ALTER TYPE {_sql(new)} RENAME TO {quoted(old[-1])}",
    }


def _is_list(command: Command) -> bool:
    return bool(command.action.def_.typeName.arrayBounds)


def _converted(enum: RebuiltEnum, command: Command, new: str, becomes: Mapping[str, str | None]) -> Entry:
    here, list_ = quoted(command.action.name), "[]" if _is_list(command) else ""
    value = f"{here}::text{list_}"
    if becomes and list_:
        for gone, instead in becomes.items():
            value = f"array_replace({value}, {literal(gone)}, {_constant(instead)})"
    elif becomes:
        cases = " ".join(f"WHEN {literal(gone)} THEN {_constant(to)}" for gone, to in becomes.items())
        value = f"(CASE {value} {cases} ELSE {value} END)"
    return entry(
        "change_type",
        table=command.table_text,
        column=command.action.name,
        to=f"{new}{list_}",
        using=f"{value}::{new}{list_}",
        reverse=f"{here}::text{list_}::{enum.type}{list_}",
    )


def _constant(label: str | None) -> str:
    return "NULL" if label is None else literal(label)


def _defaults_away(enum: RebuiltEnum) -> Iterator[Entry]:
    """None can be of the old type while a column has the new one."""
    first = {(c.table_name, c.action.name): c for c in reversed(enum.defaults)}
    for command in first.values():
        column = columns.column_of(command)
        if column is None or column.default is not None or column.type == "unknown":
            yield entry("drop_default", table=command.table_text, column=command.action.name)


def _defaults_back(enum: RebuiltEnum) -> Iterator[dict[str, str]]:
    """As the migration says them, once the enum has its name."""
    for command in {(c.table_name, c.action.name): c for c in enum.defaults}.values():
        if command.action.def_ is not None:
            column = f"ALTER TABLE {sql_relation(command.relation)} ALTER COLUMN {quoted(command.action.name)}"
            value = _of_type(command.action.def_, enum.type)
            yield {"run": f"{column} SET DEFAULT {value}", "undo": f"{column} DROP DEFAULT"}


def _of_type(default: Any, type_: str) -> str:
    """A label or a list of them without the name that the type has meanwhile; anything else as it is."""
    label, inner = text_constant(default), default
    while kind(inner) == "TypeCast":
        inner = inner.arg
    labels = [text_constant(e) for e in inner.elements or ()] if kind(inner) == "A_ArrayExpr" else [None]
    if label is not None:
        return literal(label)
    if None in labels:
        return expression_text(default)
    return f"ARRAY[{', '.join(literal(str(one)) for one in labels)}]::{type_}[]"

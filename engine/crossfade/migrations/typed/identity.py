"""Changes of identity columns: whether a column has one, of which kind, and how its sequence counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.columns import column_of
from crossfade.migrations.typed.entry import Entry, entry, unless
from crossfade.postgres.forecast.trees import kind, option

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command

_COUNTS = {
    "increment": "increment",
    "minvalue": "min_value",
    "maxvalue": "max_value",
    "start": "start",
    "cache": "cache",
}


def _counting(options: Any) -> dict[str, Any] | None:
    """How the sequence of an identity counts."""
    found: dict[str, Any] = {}
    for given in options or ():
        if given.defname == "cycle":
            found["cycle"] = bool(given.arg.boolval)
            continue
        key = _COUNTS.get(given.defname)
        unless((key is None or kind(given.arg) not in {"Integer", "Float"}, f"{given.defname} of a sequence"))
        found[str(key)] = int(given.arg.ival if kind(given.arg) == "Integer" else given.arg.fval)
    return found or None


def add_identity(command: Command) -> Iterator[Entry]:
    """ADD GENERATED … AS IDENTITY."""
    definition = command.action.def_
    generated = "always" if definition.generated_when == "a" else "by default"
    yield entry(
        "set_identity",
        table=command.table_text,
        column=command.action.name,
        generated=generated,
        sequence=_counting(definition.options),
    )


def set_identity(command: Command) -> Iterator[Entry]:
    """SET GENERATED and what is said of the sequence."""
    generated = option(command.action.def_, "generated")
    others = tuple(o for o in command.action.def_ if o.defname != "generated")
    yield entry(
        "set_identity",
        table=command.table_text,
        column=command.action.name,
        generated=None if generated is None else "always" if generated.arg.ival == ord("a") else "by default",
        sequence=_counting(others),
    )


def drop_identity(command: Command) -> Iterator[Entry]:
    """DROP IDENTITY."""
    column = column_of(command)
    unless((command.action.missing_ok and (column is None or column.identity is None), "an identity that may not be"))
    yield entry("set_identity", table=command.table_text, column=command.action.name, generated="never")


SUBCOMMANDS = {
    "AddIdentity": add_identity,
    "SetIdentity": set_identity,
    "DropIdentity": drop_identity,
}

"""How the values of a column become those of another type, and back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.entry import expression_text, type_text
from crossfade.postgres.forecast.trees import columns_of, expression, kind, names
from crossfade.postgres.forecast.type_names import SYSTEM, parse_type, read_type
from crossfade.postgres.names import quoted

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Column
    from crossfade.postgres.forecast.type_names import TypeName

_NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
_TEXTS = frozenset({"text", "varchar", "bpchar"})
_TIMES = frozenset({"date", "timestamp", "timestamptz"})
_ALIKE = (_NUMBERS, _TEXTS, _TIMES, frozenset({"json", "jsonb"}), frozenset({"time", "timetz"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The two expressions, each None where the value is assigned."""

    using: str | None
    reverse: str | None


def conversion(column: Column | None, wanted: Any, using: str | None, *, name: str) -> Conversion:
    """The way to the type of this tree and back; `using` is what the statement says, over the column `name`.

    A cast that PostgreSQL does by itself when it assigns is left out. Where the statement says nothing and PostgreSQL
    would refuse it, the cast is what it must have meant.
    """
    new, old = read_type(wanted), _type_of(column)
    here = quoted(name)
    if using is not None and _same(using, here):
        using = None
    cast, back = f"{here}::{type_text(wanted)}", None
    if old is None:
        return Conversion(using=using, reverse=None)
    assert column is not None
    if not assigns(new, old):
        back = _back(here, new, old, column.type)
    back = _case_back(here, name, using) or back
    if using is None and not assigns(old, new):
        using = _there(here, new, old, cast)
    elif using is not None and assigns(old, new) and _same(using, cast):
        using = None
    return Conversion(using=using, reverse=back)


def assigns(old: TypeName, new: TypeName) -> bool:
    """Whether PostgreSQL assigns a value of one type to a column of the other without a cast."""
    if old.same_type(new):
        return True
    if new.array or new.built_in is None:
        return False
    if new.built_in in _TEXTS:
        return True
    return not old.array and any({old.built_in, new.built_in} <= group for group in _ALIKE)


def _there(here: str, new: TypeName, old: TypeName, cast: str) -> str:
    if new.array and not old.array:
        return f"CASE WHEN {here} IS NOT NULL THEN ARRAY[{here}] END"
    return f"{here}[1]" if old.array and not new.array and new.name == old.name else cast


def _back(here: str, new: TypeName, old: TypeName, spelled: str) -> str:
    if new.array and not old.array:
        return f"{here}[1]"
    if old.array and not new.array and new.name == old.name:
        return f"CASE WHEN {here} IS NOT NULL THEN ARRAY[{here}] END"
    if new.built_in is None and old.built_in is None:
        # Between two enums there is no cast.
        return f"{here}::text{'[]' if new.array else ''}::{spelled}"
    return f"{here}::{spelled}"


def _case_back(here: str, name: str, using: str | None) -> str | None:
    """The way back of a CASE that has a value of its own for each one of the column, and none for all others."""
    case: Any = expression(using) if using is not None else None
    if kind(case) != "CaseExpr" or case.defresult is not None or names(getattr(case.arg, "fields", None)) != (name,):
        return None
    pairs = [(expression_text(when.result), expression_text(when.expr)) for when in case.args]
    is_plain = not any(columns_of(part) for when in case.args for part in (when.expr, when.result))
    if not is_plain or len({value for value, _ in pairs}) < len(pairs):
        return None
    return f"CASE {here} {' '.join(f'WHEN {value} THEN {before}' for value, before in pairs)} END"


def _type_of(column: Column | None) -> TypeName | None:
    """None where the model does not know it."""
    if column is None or column.type == "unknown":
        return None
    return parse_type(column.type)


def _same(one: str, other: str) -> bool:
    return bool(expression(one) == expression(other))


def same_type(column: Column, wanted: Any) -> bool | None:
    """Whether a column has the type of this tree, modifiers too; None where its type is not known."""
    old, new = _type_of(column), read_type(wanted)
    if old is None:
        return None
    both_own = old.name.schema == SYSTEM or new.name.schema == SYSTEM
    return old.modifiers == new.modifiers and (old == new if both_own else old.same_type(new))

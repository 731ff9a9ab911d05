"""Modifiers of a type, `(20)`, `(12, 2)`, `day to second`: whether every value that kept the old ones keeps the new.

This is what PostgreSQL's own functions (`varchar_support`, `numeric_support` …) look at, no more: `char(10)` to
`char(20)` is not among them, for its values are padded. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Modifiers = tuple[int, ...]
_FINEST = 6
"""Digits of a second that a value has."""
_ALL_FIELDS = 0x7FFF
_FULL_PRECISION = 0xFFFF
#: The bits of an interval's fields, finest first: second, minute, hour, day, month, year.
_FIELD_BITS = (1 << 12, 1 << 11, 1 << 10, 1 << 3, 1 << 1, 1 << 2)
_FIELD_NAMES = ("second", "minute", "hour", "day", "month", "year")


def no_value_breaks(type_name: str, old: Modifiers, new: Modifiers) -> bool:
    """Whether PostgreSQL knows that values with the old modifiers need no change for the new; () stands for none."""
    rule = _RULES.get(type_name)
    return rule is not None and rule(old, new)


def interval_fields(mask: int) -> str:
    """How an interval's fields are spelled: ` day to second`; empty for all of them."""
    if mask == _ALL_FIELDS:
        return ""
    named = [name for bit, name in zip(_FIELD_BITS, _FIELD_NAMES, strict=True) if mask & bit]
    return f" {named[0]}" if len(named) == 1 else f" {named[-1]} to {named[0]}"


def _no_shorter(old: Modifiers, new: Modifiers) -> bool:
    return bool(old) and new[0] >= old[0]


def _no_narrower(old: Modifiers, new: Modifiers) -> bool:
    return bool(old) and new[0] >= old[0] and new[1:] == old[1:]


def _no_coarser(old: Modifiers, new: Modifiers) -> bool:
    return new[0] >= _FINEST or (bool(old) and new[0] >= old[0])


def _no_less_of_an_interval(old: Modifiers, new: Modifiers) -> bool:
    old_finest, new_finest = _finest_field(old), _finest_field(new)
    old_digits, new_digits = _digits(old), _digits(new)
    return new_finest <= old_finest and (old_finest > 0 or new_digits >= min(_FINEST, old_digits))


def _finest_field(modifiers: Modifiers) -> int:
    mask = modifiers[0] if modifiers else _ALL_FIELDS
    return next(place for place, bit in enumerate(_FIELD_BITS) if mask & bit)


def _digits(modifiers: Modifiers) -> int:
    return modifiers[1] if len(modifiers) > 1 else _FULL_PRECISION


_RULES: Mapping[str, Callable[[Modifiers, Modifiers], bool]] = {
    "varchar": _no_shorter,
    "varbit": _no_shorter,
    "numeric": _no_narrower,
    "time": _no_coarser,
    "timetz": _no_coarser,
    "timestamp": _no_coarser,
    "timestamptz": _no_coarser,
    "interval": _no_less_of_an_interval,
}

"""A value that may be one of several things: pydantic says what is wrong with each, and a person wants one answer.

The place of such a fault has a word of pydantic's own in it, for the form that was tried: `int`, `literal['default']`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PLAIN = frozenset({"str", "int", "float", "bool", "none", "constrained-str", "constrained-int", "constrained-float"})
EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
"""What a form is, for a value that has another."""
_OTHER_FORM = frozenset({*EXPECTED, "literal_error"})


class Fault(Protocol):
    """What is looked at of a fault."""

    @property
    def kind(self) -> str:
        """pydantic's word for it."""

    @property
    def loc(self) -> tuple[int | str, ...]:
        """Its place, without the words for forms."""

    @property
    def of_form(self) -> bool:
        """Whether it is about the whole value, in one of the forms that it may have."""


F = TypeVar("F", bound=Fault)


def is_form(part: int | str) -> bool:
    """Whether a part of a place that leads nowhere is pydantic's word for a form."""
    return isinstance(part, str) and ("[" in part or part in _PLAIN or part[:1].isupper())


def settled(faults: Sequence[F]) -> Iterator[tuple[F, ...]]:
    """The faults one by one, and together those that only say that a value has none of its forms.

    Where something further inside is wrong, or a value has the right form and is wrong otherwise, that is what counts.
    """
    told: set[tuple[int | str, ...]] = set()
    for fault in faults:
        if not fault.of_form:
            yield (fault,)
        elif fault.loc not in told:
            told.add(fault.loc)
            inside = any(f.loc[: len(fault.loc)] == fault.loc and f.loc != fault.loc for f in faults)
            alike = tuple(f for f in faults if f.of_form and f.loc == fault.loc)
            meant = tuple(f for f in alike if f.kind not in _OTHER_FORM)
            if not inside:
                yield meant[:1] or alike

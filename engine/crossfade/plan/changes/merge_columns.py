"""`merge_columns`."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TableChange, Values
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.types import SqlType
from crossfade.plan.words import shown


class MergeColumns(TableChange):
    """Make one column of several. Both shapes work until contract."""

    kind: ClassVar[str] = "merge_columns"

    from_: Annotated[tuple[Identifier, ...], Field(min_length=1)] = Field(
        alias="from", description="The columns that are merged, exactly as in the database.", examples=[["city", "zip"]]
    )
    into: Identifier = Field(description="The new column's name.", examples=["place"])
    type: SqlType = Field(description="The new column's type.", examples=["text"])
    using: Expression = Field(
        description="Its value: an SQL expression over the row's columns.", examples=["concat_ws(' ', zip, city)"]
    )
    reverse: Values = Field(
        description="What each old column gets from the new one: an SQL expression over the row's columns. It is what "
        "old versions see of what new ones write.",
        examples=[{"zip": "split_part(place, ' ', 1)", "city": "split_part(place, ' ', 2)"}],
    )

    @property
    def types(self) -> tuple[SqlType, ...]:
        """The new column's."""
        return (self.type,)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(self._placed())

    def _placed(self) -> Iterator[tuple[str, Expression]]:
        yield "using", self.using
        for name, expression in self.reverse.items():
            yield f"reverse.{name}", expression

    @property
    def tells_shapes_apart(self) -> bool:
        """A write of an old column is seen."""
        return True

    @field_validator("from_")
    @classmethod
    def _each_once(cls, from_: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in from_ if from_.count(name) > 1), None)
        if twice is not None:
            raise fault(f"{shown(twice)} is listed twice", "keep one of them")
        return from_

    @field_validator("into")
    @classmethod
    def _another_name(cls, into: str, info: ValidationInfo) -> str:
        if into in info.data.get("from_", ()):
            raise fault(
                f"the new column has the name of an old one, {shown(into)}",
                "give it another name: both shapes are there at the same time",
            )
        return into

    @field_validator("reverse")
    @classmethod
    def _one_for_each(cls, reverse: dict[str, Expression], info: ValidationInfo) -> dict[str, Expression]:
        merged = info.data.get("from_", ())
        missing = [name for name in merged if name not in reverse]
        other = [name for name in reverse if name not in merged]
        if missing:
            raise fault(f"`reverse` has no expression for {shown(missing[0])}", "give one for each column in `from`")
        if other and merged:
            raise fault(
                f"`reverse` names {shown(other[0])}, which is not in `from`", "name the columns that are merged"
            )
        for name, expression in reverse.items():
            used = next((c for c in expression.columns if c in merged), None)
            if used is not None:
                raise fault(
                    f"`reverse` of {shown(name)} uses {shown(used)}, an old column", "write it over the new one"
                )
        return reverse

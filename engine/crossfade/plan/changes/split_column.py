"""`split_column`."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import ColumnName, TableChange
from crossfade.plan.entries import PlanPart
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import Identifier
from crossfade.plan.types import SqlType
from crossfade.plan.words import shown


class SplitPart(PlanPart):
    """One of the columns that a column is split into."""

    type: SqlType = Field(description="Its type.", examples=["text"])
    using: Expression = Field(
        description="Its value: an SQL expression over the row's columns.", examples=["split_part(full_name, ' ', 1)"]
    )


class SplitColumn(TableChange):
    """Make several columns of one. Both shapes work until contract."""

    kind: ClassVar[str] = "split_column"

    from_: Identifier = Field(
        alias="from", description="The column that is split, exactly as in the database.", examples=["full_name"]
    )
    into: dict[ColumnName, SplitPart] = Field(
        min_length=1, description="The new columns by their names, each with its type and what it gets."
    )
    reverse: Expression = Field(
        description="The old column's value from the new ones: an SQL expression over the row's columns. It is what "
        "old versions see of what new ones write.",
        examples=["concat_ws(' ', first_name, last_name)"],
    )

    @property
    def types(self) -> tuple[SqlType, ...]:
        """Those of the new columns."""
        return tuple(part.type for part in self.into.values())

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(self._placed())

    def _placed(self) -> Iterator[tuple[str, Expression]]:
        for name, part in self.into.items():
            yield f"into.{name}.using", part.using
        yield "reverse", self.reverse

    @property
    def tells_shapes_apart(self) -> bool:
        """A write of the old column is seen."""
        return True

    @field_validator("into")
    @classmethod
    def _other_names(cls, into: dict[str, SplitPart], info: ValidationInfo) -> dict[str, SplitPart]:
        if info.data.get("from_") in into:
            raise fault(
                f"one of the new columns has the old one's name {shown(str(info.data['from_']))}",
                "give all new columns other names: both shapes are there at the same time",
            )
        return into

    @field_validator("reverse")
    @classmethod
    def _over_the_new(cls, reverse: Expression, info: ValidationInfo) -> Expression:
        if info.data.get("from_") in reverse.columns:
            raise fault(
                f"`reverse` uses {shown(str(info.data['from_']))}, the column that it gives the value of",
                "write it over the new columns",
            )
        return reverse

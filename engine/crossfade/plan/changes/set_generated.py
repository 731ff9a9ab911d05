"""`set_generated`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import TableChange, Value
from crossfade.plan.expressions import Expression
from crossfade.plan.names import Identifier


class SetGenerated(TableChange):
    """Compute a generated column from something else, or make it an ordinary one that keeps its values."""

    kind: ClassVar[str] = "set_generated"

    column: Identifier = Field(description="The generated column, exactly as in the database.", examples=["search"])
    expression: Value = Field(
        default=None,
        description="What it is computed from (PostgreSQL 17): an SQL expression over the row's columns. Without it "
        "the column becomes an ordinary one.",
        examples=["lower(email)"],
    )

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return () if self.expression is None else (("expression", self.expression),)

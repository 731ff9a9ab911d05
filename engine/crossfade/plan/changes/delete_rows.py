"""`delete_rows`."""

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from crossfade.plan.changes.fields import TableChange, placed
from crossfade.plan.entries import Given
from crossfade.plan.expressions import Expression
from crossfade.plan.faults import fault
from crossfade.plan.names import TableName
from crossfade.plan.words import shown


class DeleteRows(TableChange):
    """Delete rows, in batches; they can be kept in another table."""

    kind: ClassVar[str] = "delete_rows"

    where: Expression = Field(
        description='Which rows: an SQL expression over the row\'s columns; "true" for all of them.',
        examples=["created_at < now() - interval '2 years'"],
    )
    archive_to: Annotated[TableName | None, Given()] = Field(
        default=None,
        description="An existing table that gets the deleted rows; it needs every column of the table.",
        examples=["users_archive"],
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """The tables that it is about."""
        return (self.table,) if self.archive_to is None else (self.table, self.archive_to)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Every expression, with its place in the entry."""
        return tuple(placed("", {}, self.where))

    @field_validator("archive_to")
    @classmethod
    def _another_table(cls, archive_to: TableName | None, info: ValidationInfo) -> TableName | None:
        if archive_to is not None and archive_to == info.data.get("table"):
            raise fault(f"the archive of {shown(str(archive_to))} is the table itself", "name another table")
        return archive_to

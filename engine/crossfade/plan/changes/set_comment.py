"""`set_comment`."""

from typing import ClassVar

from pydantic import Field

from crossfade.plan.changes.fields import Name, Prose, TableChange


class SetComment(TableChange):
    """Give a table or a column another comment, or none."""

    kind: ClassVar[str] = "set_comment"

    column: Name = Field(
        default=None, description="The column; without it the comment is the table's.", examples=["email"]
    )
    comment: Prose = Field(description="The comment; an empty text takes it away.", examples=["An address, verified."])

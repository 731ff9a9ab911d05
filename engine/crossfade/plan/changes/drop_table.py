"""`drop_table`."""

from typing import ClassVar

from crossfade.plan.changes.fields import TableChange
from crossfade.plan.names import TableName


class DropTable(TableChange):
    """Drop a table that nobody uses any more, once its counters have been at rest."""

    kind: ClassVar[str] = "drop_table"

    @property
    def resting_tables(self) -> tuple[TableName, ...]:
        """The table: nobody may read or write it for as long as the gates have to hold."""
        return (self.table,)

    @property
    def takes_name_away(self) -> bool:
        """The table has another name from contract on."""
        return True

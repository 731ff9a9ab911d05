"""`attach_partition`."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from crossfade.plan.changes.fields import TABLE_EXAMPLES, TableChange
from crossfade.plan.faults import fault
from crossfade.plan.names import TableName
from crossfade.plan.words import shown


def _bounds(text: str) -> str:
    """The clause as it is sent: printed from its parse tree."""
    from pglast import parse_sql
    from pglast.parser import ParseError
    from pglast.stream import RawStream

    hint = "such as `FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')`, `FOR VALUES IN ('eu')` or `DEFAULT`"
    start = "ALTER TABLE p ATTACH PARTITION c "
    try:
        statements = parse_sql(start + text)
        printed = str(RawStream()(statements))
    except ParseError:
        raise fault(f"{shown(text)} says no bounds", hint) from None
    if len(statements) != 1 or not printed.startswith(start):
        raise fault(f"{shown(text)} says no bounds", hint)
    return printed.removeprefix(start)


class AttachPartition(TableChange):
    """Make a table a partition of another one, without reading it while reads and writes wait."""

    kind: ClassVar[str] = "attach_partition"

    partition: TableName = Field(
        description="The table that becomes a partition, `name` or `schema.name`.", examples=TABLE_EXAMPLES
    )
    bounds: Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_bounds)] = Field(
        description="Which rows it is for, as SQL writes it.",
        examples=["FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')", "DEFAULT"],
    )

    @property
    def tables(self) -> tuple[TableName, ...]:
        """Both tables."""
        return (self.table, self.partition)

"""NOT NULL on a column of one table: whether its rows are read for it, and the table as it leaves it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from crossfade.postgres.catalog import Column, Constraint, Table
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.proof import proves_not_null

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

_FIRST_WITH_CONSTRAINTS = 180000
"""From here on NOT NULL of a table's column is a constraint with a name."""


def make_not_null(draft: Draft, table: Table, name: str) -> None:
    """Make one table's column NOT NULL, as SET NOT NULL and PRIMARY KEY do."""
    column = table.column(name)
    unproved = table.unproved_not_null(name)
    if unproved is not None or (column is not None and not column.not_null and not proves_not_null(table, name)):
        draft.scan(table.name)
    constraints = tuple(replace(c, validated=True) if c == unproved else c for c in table.constraints)
    draft.schema = draft.schema.put(replace(table, constraints=constraints))
    if column is None or column.not_null:
        return
    if draft.schema.server_version >= _FIRST_WITH_CONSTRAINTS:
        taken = {c.name for c in constraints}
        own = chosen_name(table.name.name, (name,), "not_null", taken)
        constraints = (*constraints, Constraint(name=own, kind="not_null", columns=(name,), definition=""))
    draft.schema = draft.schema.put(
        with_column(replace(table, constraints=constraints), replace(column, not_null=True))
    )


def with_column(table: Table, column: Column) -> Table:
    """The table with this column in place of the one of its name."""
    return replace(table, columns=tuple(column if c.name == column.name else c for c in table.columns))

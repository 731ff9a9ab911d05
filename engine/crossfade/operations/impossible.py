"""What PostgreSQL will not do whatever the rows are, found in the forecast of a program's statements. Pure.

It is asked of the program as a whole, so that no operation has to know of it: a table has room for so many columns,
those of before and those of every change of the plan together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.postgres.catalog import Table
from crossfade.postgres.forecast.draft import MOST_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crossfade.postgres.catalog import Catalog
    from crossfade.postgres.forecast import Forecast


class Impossible:
    """Gathers it from forecasts in the order of execution; tables are named as they were before the first of them."""

    def __init__(self, catalog: Catalog) -> None:
        self._before = {table.oid: table for table in catalog.tables if table.oid}
        self._too_wide: dict[str, Refusal] = {}
        self._held: dict[str, Refusal] = {}

    def add(self, forecast: Forecast) -> None:
        """One statement's."""
        for table in forecast.too_wide:
            before = self._before.get(table.oid, Table(name=table.name))
            refusal = too_many_columns(before, table.last_number - before.last_number)
            self._too_wide[refusal.object] = refusal
        for table in forecast.held:
            refusal = _row_type_in_use(self._before.get(table.oid, table))
            self._held[refusal.object] = refusal

    def refusals(self) -> Iterator[Refusal]:
        """One for each table and reason."""
        yield from self._too_wide.values()
        yield from self._held.values()


def too_many_columns(table: Table, added: int) -> Refusal:
    """So many columns more than PostgreSQL has room for in the table, or in a view over it."""
    dropped = max(table.last_number - len(table.columns), 0)
    counted = f", and {dropped} that were dropped, which count for ever" if dropped else ""
    instead = "Move some of its columns to a table of their own."
    if dropped:
        instead += (
            " It is rid of dropped columns only by a rewrite into a new table (create_table and copy_rows, or a dump "
            "and its restore); VACUUM FULL keeps them."
        )
    return Refusal(
        code="too_many_columns",
        object=str(table.name),
        message=f"it has {len(table.columns)} columns{counted}; the plan adds {added}, and PostgreSQL has room for "
        f"{MOST_COLUMNS:,}.",
        instead=instead,
    )


def _row_type_in_use(table: Table) -> Refusal:
    holders = ", ".join(table.row_type_columns)
    return Refusal(
        code="row_type_in_use",
        object=str(table.name),
        message="the plan gives rows of before another value or another form (a default, an expression, a type), "
        f"which PostgreSQL refuses as long as a column somewhere holds the row's type: {holders}.",
        instead="Add a column without its default, or with `fill`, which gives the rows their value in batches; or "
        "let that other column have a type of its own first.",
    )

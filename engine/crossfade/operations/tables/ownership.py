"""The owner's rights, which whatever alters a table needs: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table


def owner_refusals(tables: Iterable[Table]) -> Iterator[Refusal]:
    """The tables among these that this role may not alter."""
    for table in tables:
        if not table.owned:
            yield Refusal(
                code="not_owner",
                object=str(table.name),
                message=f"this role is not (a member of) its owner {table.owner}.",
                instead=f"Connect as {table.owner}, or run: GRANT {table.owner} TO the role crossfade uses.",
            )

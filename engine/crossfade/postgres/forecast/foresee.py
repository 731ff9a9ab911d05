"""One statement's forecast: read it, find its kind, let that kind say what it does. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.postgres.forecast.draft import Draft, Forecast, Unforeseeable
from crossfade.postgres.forecast.statements import work_off
from crossfade.postgres.forecast.trees import NotOneStatement, one_statement

if TYPE_CHECKING:
    from crossfade.postgres.forecast.schema import Schema


def foresee(schema: Schema, sql: str) -> tuple[Forecast, Schema]:
    """The forecast, and the schema as the statement leaves it; unchanged where nothing can be said."""
    draft = Draft(schema=schema)
    try:
        work_off(draft, one_statement(sql))
    except (NotOneStatement, Unforeseeable) as reason:
        return Forecast(transactional=draft.transactional, unknown=str(reason)), schema
    return draft.forecast(), draft.schema

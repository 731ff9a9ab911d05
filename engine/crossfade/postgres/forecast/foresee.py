"""One statement's forecast: read it, find its kind, let that kind say what it does. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.draft import Draft, Forecast, Unforeseeable
from crossfade.postgres.forecast.statements import work_off
from crossfade.postgres.forecast.trees import NotOneStatement, one_statement

if TYPE_CHECKING:
    from crossfade.postgres.forecast.schema import Schema


def foresee(schema: Schema, sql: str) -> tuple[Forecast, Schema]:
    """The forecast, and the schema as the statement leaves it; unchanged where nothing can be said."""
    try:
        node = one_statement(sql)
    except NotOneStatement as reason:
        return Forecast(unknown=str(reason)), schema
    return foresee_tree(schema, node)


def foresee_tree(schema: Schema, node: Any) -> tuple[Forecast, Schema]:
    """The same of a statement that is parsed already."""
    draft = Draft(schema=schema)
    try:
        work_off(draft, node)
    except (NotOneStatement, Unforeseeable) as reason:
        return Forecast(transactional=draft.transactional, unknown=str(reason)), schema
    return draft.forecast(), draft.schema

"""SET: what later statements of the same session go by. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import constant

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft


def set_variable(draft: Draft, node: Any) -> None:
    """SET search_path, and SET TimeZone to a value; every other setting is of no interest here."""
    if str(node.name).lower() == "search_path" and not node.args:
        draft.schema = draft.schema.by_default_path()
        return
    values = [str(value) for value in (constant(arg) for arg in node.args or ()) if value is not None]
    if not values:
        return
    match str(node.name).lower():
        case "search_path":
            draft.schema = replace(draft.schema, search_path=tuple(v for v in values if v != "pg_catalog"))
        case "timezone":
            draft.schema = replace(draft.schema, time_zone=values[0])

"""SET: what later statements of the same session go by. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast.trees import constant

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft


def set_variable(draft: Draft, node: Any) -> None:
    """SET search_path, and SET TimeZone to a value; every other setting is of no interest here.

    What SET LOCAL replaces is kept for the end of the transaction, which SET outlives.
    """
    schema = draft.schema
    values = [str(value) for value in (constant(arg) for arg in node.args or ()) if value is not None]
    match str(node.name).lower():
        case "search_path" if values or not node.args:
            path = tuple(v for v in values if v != "pg_catalog") if node.args else schema.default_path
            kept = (schema.search_path if schema.kept_path is None else schema.kept_path) if node.is_local else None
            draft.schema = replace(schema, search_path=path, kept_path=kept)
        case "timezone" if values:
            kept_zone = (schema.kept_zone or schema.time_zone) if node.is_local else None
            draft.schema = replace(schema, time_zone=values[0], kept_zone=kept_zone)

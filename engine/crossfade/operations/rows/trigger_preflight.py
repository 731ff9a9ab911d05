"""Triggers of the users that a column's new name would break: pure functions over the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import TRIGGERS
from crossfade.operations.columns.column_preflight import own_triggers

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Table, Trigger


def renamed(column: str, family: tuple[Table, ...]) -> Iterator[Refusal]:
    """Every reason why a trigger would miss writes under the column's new name, or fail after contract."""
    for member, trigger in own_triggers(family):
        yield from _one_trigger(column, member, trigger)


def names(text: str, identifier: str) -> bool:
    """Whether a text has the identifier in it, by itself or in SQL's quotes."""
    return _mentions(text, identifier) or _mentions(text, identifier.replace('"', '""'))


def _mentions(text: str, word: str) -> bool:
    return re.search(rf"(?<![\w$]){re.escape(word)}(?![\w$])", text, re.IGNORECASE) is not None


def _one_trigger(column: str, table: Table, trigger: Trigger) -> Iterator[Refusal]:
    name = f"trigger {trigger.name} on {table.name}"
    if column in trigger.columns:
        yield Refusal(
            code="trigger_columns",
            object=name,
            message=f"it fires on UPDATE OF {column}, which a write under the new name is not.",
            instead=f"Let it fire on every UPDATE, WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}).",
            ack=TRIGGERS,
        )
    if trigger.timing == "before" and trigger.row and names(trigger.when or "", column):
        yield Refusal(
            code="trigger_when",
            object=name,
            message=f"its WHEN clause names {column}, which has not its new value yet where a write under the "
            "new name fires it.",
            instead="Let it fire AFTER the write, or on every one.",
            ack=TRIGGERS,
        )
    if names(trigger.function_body, column):
        yield Refusal(
            code="trigger_function",
            object=name,
            message=f"its function {trigger.function} names {column}: it would not see writes under the new name "
            "before contract, and would fail every write after it.",
            instead="Let it read the row by either name, for example through to_jsonb(NEW).",
            ack=TRIGGERS,
        )

"""Triggers that name a column in `UPDATE OF` or in their WHEN clause: dropped and made again while the names change.

They are as they were, with their state on each partition and their comment. A function that names the column in its
text goes on with the twin where that keeps the name, and is refused where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations import trigger_preflight
from crossfade.operations.deparsed import repeatable
from crossfade.operations.exchange import Carried, Exchange, Move
from crossfade.operations.table_preflight import family_of, is_ours
from crossfade.operations.twin_trials import when_trial
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.step import Trial
    from crossfade.postgres.catalog import Table, Trigger

_STATES = {"D": sql.SQL("DISABLE"), "R": sql.SQL("ENABLE REPLICA"), "A": sql.SQL("ENABLE ALWAYS")}


@dataclass(frozen=True, slots=True)
class _Found:
    """A trigger, and the table that it was made on."""

    table: Table
    trigger: Trigger

    @property
    def name(self) -> sql.Identifier:
        """Its name, for SQL."""
        return sql.Identifier(self.trigger.name)

    @property
    def relation(self) -> sql.Identifier:
        """Its table, for SQL."""
        return sql.Identifier(self.table.name.schema, self.table.name.name)


def carry(exchange: Exchange) -> Carried:
    """Away under the old names, and back under the new."""
    found = tuple(_over(exchange))
    away = tuple(_drop(each) for each in found)
    back = tuple(statement for each in found for statement in _create(exchange, each))
    return Carried(
        before=(Move(do=away, undo=back),),
        renewed=(Move(do=back, undo=away),),
        refusals=tuple(_refusals(exchange)),
        trials=tuple(trial for each in found for trial in _trials(exchange, each)),
    )


def _over(exchange: Exchange) -> Iterator[_Found]:
    for member in family_of(exchange.table, exchange.catalog):
        for trigger in member.triggers:
            ours = trigger.parent_inherited or is_ours(trigger)
            if not ours and exchange.columns & trigger.references:
                yield _Found(member, trigger)


def _drop(found: _Found) -> Statement:
    return Statement(text=render(sql.SQL("DROP TRIGGER {} ON {}").format(found.name, found.relation)))


def _create(exchange: Exchange, found: _Found) -> Iterator[Statement]:
    yield Statement(text=repeatable(found.trigger.definition))
    for member in family_of(found.table, exchange.catalog):
        for trigger in member.triggers:
            if trigger.name == found.trigger.name and (member is found.table or trigger.parent_inherited):
                yield from _state(member, trigger)
    if found.trigger.comment is not None:
        text = sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(
            found.name, found.relation, sql.Literal(found.trigger.comment)
        )
        yield Statement(text=render(text))


def _state(member: Table, trigger: Trigger) -> Iterator[Statement]:
    if trigger.enabled in _STATES:
        text = sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}").format(
            sql.Identifier(member.name.schema, member.name.name),
            _STATES[trigger.enabled],
            sql.Identifier(trigger.name),
        )
        yield Statement(text=render(text))


def _refusals(exchange: Exchange) -> Iterator[Refusal]:
    family = family_of(exchange.table, exchange.catalog)
    for twin in exchange.twins:
        if twin.final != twin.column.name:
            yield from trigger_preflight.renamed(twin.column.name, family)


def _trials(exchange: Exchange, found: _Found) -> Iterator[Trial]:
    if found.trigger.when is not None:
        yield when_trial(exchange, f"trigger {found.trigger.name} on {found.table.name}", found.trigger.when)

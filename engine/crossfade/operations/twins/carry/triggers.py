"""Triggers that name a column in `UPDATE OF` or in their WHEN clause: dropped and made again while the names change.

They are as they were, with their state on each partition and their comment. A function that names the column in its
text goes on with the twin where that keeps the name, and is refused where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.operations.rows import trigger_preflight
from crossfade.operations.tables.extension_marks import marked
from crossfade.operations.tables.table_preflight import is_ours
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import when_trial
from crossfade.operations.views.deparsed import repeatable
from crossfade.operations.views.recreate import Around
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.errors import Refusal
    from crossfade.operations.trial import Trial
    from crossfade.postgres.catalog import Table, Trigger

_STATES = {"D": sql.SQL("DISABLE"), "R": sql.SQL("ENABLE REPLICA"), "A": sql.SQL("ENABLE ALWAYS")}


@dataclass(frozen=True, slots=True)
class Found:
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
    found = over(exchange.family, exchange.columns)
    moves = around(found, exchange.family)
    return Carried(
        before=(Move(do=moves.before, undo=moves.after),),
        renewed=(Move(do=moves.after, undo=moves.before),),
        refusals=tuple(_refusals(exchange)),
        trials=tuple(trial for each in found for trial in _trials(exchange, each)),
    )


def over(family: tuple[Table, ...], columns: frozenset[str]) -> tuple[Found, ...]:
    """The users' triggers that name one of the columns; a partition's clone is its parent's matter."""
    return tuple(
        Found(member, trigger)
        for member in family
        for trigger in member.triggers
        if columns & trigger.references and not trigger.parent_inherited and not is_ours(trigger)
    )


def around(found: tuple[Found, ...], family: tuple[Table, ...]) -> Around:
    """For a transaction that alters the column: the triggers go and come back."""
    return Around(
        before=tuple(_drop(each) for each in found),
        after=tuple(statement for each in found for statement in _create(each, family)),
    )


def _drop(found: Found) -> Statement:
    return Statement(text=render(sql.SQL("DROP TRIGGER {} ON {}").format(found.name, found.relation)))


def _create(found: Found, family: tuple[Table, ...]) -> Iterator[Statement]:
    yield Statement(text=repeatable(found.trigger.definition))
    for member in _below(found.table, family):
        for trigger in member.triggers:
            if trigger.name == found.trigger.name and (member is found.table or trigger.parent_inherited):
                yield from _state(member, trigger)
    if found.trigger.comment is not None:
        text = sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(
            found.name, found.relation, sql.Literal(found.trigger.comment)
        )
        yield Statement(text=render(text))
    yield from marked(sql.SQL("TRIGGER {} ON {}").format(found.name, found.relation), found.trigger.extensions)


def _below(table: Table, family: tuple[Table, ...]) -> Iterator[Table]:
    """The table and the partitions below it."""
    yield table
    for member in family:
        if member.partition_parent == table.name:
            yield from _below(member, family)


def _state(member: Table, trigger: Trigger) -> Iterator[Statement]:
    if trigger.enabled in _STATES:
        text = sql.SQL("ALTER TABLE ONLY {} {} TRIGGER {}").format(
            sql.Identifier(member.name.schema, member.name.name),
            _STATES[trigger.enabled],
            sql.Identifier(trigger.name),
        )
        yield Statement(text=render(text))


def _refusals(exchange: Exchange) -> Iterator[Refusal]:
    for twin in exchange.twins:
        if twin.final != twin.column.name:
            yield from trigger_preflight.renamed(twin.column.name, exchange.family)


def _trials(exchange: Exchange, found: Found) -> Iterator[Trial]:
    if found.trigger.when is not None:
        yield when_trial(exchange, f"trigger {found.trigger.name} on {found.table.name}", found.trigger.when)

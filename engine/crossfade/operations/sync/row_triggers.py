"""Our row triggers on a user's table: one for each event, with a function in the ledger's schema.

They are ENABLE ALWAYS, since rows applied by logical replication skip ordinary ones, and their names begin with `~`,
since BEFORE triggers fire in name order and ours have to see what the user's have made of the row. The functions run
with their owner's rights, so that a writer needs none in the ledger, and only triggers can call them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from psycopg import sql

from crossfade.operations.step import PairTrigger
from crossfade.postgres.own_names import LEDGER_SCHEMA, mark
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.postgres.catalog import QualifiedName

Event = Literal["INSERT", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTrigger:
    """One trigger, the same on each of some tables."""

    name: str
    event: Event
    function: str
    """Its function's name, without the schema."""
    when: sql.Composable | None = None
    timing: Literal["BEFORE", "AFTER"] = "BEFORE"
    deferred: bool = False
    """It fires when the transaction ends; only with AFTER."""


def own_function(name: str) -> sql.Identifier:
    """A function of ours."""
    return sql.Identifier(LEDGER_SCHEMA, name)


def replace_function(name: str, body: sql.Composable) -> Statement:
    """CREATE OR REPLACE of a trigger function. STABLE spares PL/pgSQL a snapshot for each look at a setting."""
    return Statement(
        text=render(
            sql.SQL(
                "CREATE OR REPLACE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql STABLE SECURITY DEFINER AS {}"
            ).format(own_function(name), sql.Literal(render(body)))
        )
    )


def close_function(plan: str, signature: sql.Composable) -> Iterator[Statement]:
    """Nobody else may call it, and its comment names the run."""
    yield Statement(text=render(sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC").format(signature)))
    yield Statement(text=render(sql.SQL("COMMENT ON FUNCTION {} IS {}").format(signature, sql.Literal(mark(plan)))))


def create(plan: str, members: Iterable[QualifiedName], triggers: tuple[RowTrigger, ...]) -> Iterator[Statement]:
    """The triggers on each of these tables; partitions get clones of their parent's by themselves."""
    for member in members:
        for trigger in triggers:
            yield from _create(plan, member, trigger)


def _create(plan: str, member: QualifiedName, trigger: RowTrigger) -> Iterator[Statement]:
    name, table = sql.Identifier(trigger.name), sql.Identifier(member.schema, member.name)
    yield Statement(
        text=render(
            sql.SQL("CREATE {}TRIGGER {} {} {} ON {} {}FOR EACH ROW {}EXECUTE FUNCTION {}()").format(
                sql.SQL("CONSTRAINT " if trigger.deferred else ""),
                name,
                sql.SQL(trigger.timing),
                sql.SQL(trigger.event),
                table,
                sql.SQL("DEFERRABLE INITIALLY DEFERRED " if trigger.deferred else ""),
                sql.SQL("WHEN ({}) ").format(trigger.when) if trigger.when else sql.SQL(""),
                own_function(trigger.function),
            )
        )
    )
    yield Statement(text=render(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table, name)))
    yield Statement(
        text=render(sql.SQL("COMMENT ON TRIGGER {} ON {} IS {}").format(name, table, sql.Literal(mark(plan))))
    )


def drop(members: Iterable[QualifiedName], triggers: tuple[RowTrigger, ...]) -> Iterator[Statement]:
    """The triggers away; does nothing where they are gone."""
    for member in members:
        for trigger in triggers:
            yield Statement(
                text=render(
                    sql.SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
                        sql.Identifier(trigger.name), sql.Identifier(member.schema, member.name)
                    )
                )
            )


def drop_functions(signatures: Iterable[sql.Composable]) -> Iterator[Statement]:
    """Functions of ours away; does nothing where they are gone."""
    for signature in signatures:
        yield Statement(text=render(sql.SQL("DROP FUNCTION IF EXISTS {}").format(signature)))


def in_place(members: Iterable[QualifiedName], triggers: tuple[RowTrigger, ...]) -> tuple[PairTrigger, ...]:
    """What a gate looks for before it believes that nothing was missed."""
    return tuple(PairTrigger(relation=str(m), name=t.name) for m in members for t in triggers)

"""Rules of the users that change what a write does: pure functions over the catalog.

Only rules of the relation that a statement names take part: a batch names each partition by itself, and an INSERT that
is routed to partitions names their root.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import RULES
from crossfade.operations.step import Caution

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Rule, Table


def rules_of_a_write(relations: Iterable[Table], event: str) -> Iterator[Refusal | Caution]:
    """For a plain `insert`, `update` or `delete`: the rules that replace it, and those that come along."""
    for table in relations:
        for rule in _firing(table, event):
            yield _replaced(table, rule) if rule.instead else _beside(table, rule)


def rules_in_the_way(relations: Iterable[Table], events: Iterable[str], what: str) -> Iterator[Refusal]:
    """For a write that the server refuses on a table with any rule for one of these events; `what` says which."""
    wanted = tuple(events)
    for table in relations:
        for rule in (rule for event in wanted for rule in _firing(table, event)):
            yield Refusal(
                code="rule",
                object=f"rule {rule.name} on {table.name}",
                message=f"it is a rule ON {rule.event.upper()}, and PostgreSQL does not {what} a table with one.",
                instead="Drop it, or make a trigger of it.",
            )


def _firing(table: Table, event: str) -> Iterator[Rule]:
    return (rule for rule in table.rules if rule.event == event and rule.enabled in ("O", "A"))


def _replaced(table: Table, rule: Rule) -> Refusal:
    name, event = f"rule {rule.name} on {table.name}", rule.event.upper()
    if rule.conditional:
        return Refusal(
            code="rule",
            object=name,
            message=f"for the rows of its condition it does something else INSTEAD of the {event}; they are counted as "
            "passed over, whatever it does to them.",
            instead="Drop it, make a trigger of it, or leave its rows out by a `where`.",
            ack=RULES,
        )
    return Refusal(
        code="rule",
        object=name,
        message=f"it does something else INSTEAD of the {event}: no row would be written as the plan says.",
        instead="Drop it, make a trigger of it, or name the table that it writes to.",
    )


def _beside(table: Table, rule: Rule) -> Caution:
    return Caution(
        code="rules_fire",
        object=str(table.name),
        message=f"the {rule.event.upper()} sets off rule {rule.name} once for each batch; what its text computes from "
        "the rows is computed again for it.",
    )

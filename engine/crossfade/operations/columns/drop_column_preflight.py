"""What stands in the way of dropping a column, and what goes with it: pure functions over the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.errors import Refusal
from crossfade.operations.acks import TRIGGERS
from crossfade.operations.columns.column_in_place import moving_sources
from crossfade.operations.columns.column_preflight import order_refusals, own_triggers, shape_refusals
from crossfade.operations.step import Caution
from crossfade.operations.twins.exchange_preflight import own_not_null
from crossfade.postgres.own_names import LEDGER_SCHEMA

if TYPE_CHECKING:
    from crossfade.operations.columns.column_in_place import InPlace
    from crossfade.plan.expressions import Expression
    from crossfade.postgres.catalog import Table

_TAKEN_ALONG = frozenset({"statistics"})
"""Kinds of dependents that a plain DROP COLUMN drops without a word."""


def check(target: InPlace, reverse: Expression | None) -> tuple[tuple[Refusal, ...], tuple[Caution, ...]]:
    """Every reason against dropping the column, and every caution about it."""
    refusals = (
        *_shape(target),
        *_value(target, reverse),
        *_dependents(target),
        *_functions_of_triggers(target),
        *((r for m, t in own_triggers(target.family) for r in order_refusals(m, t)) if reverse else ()),
    )
    return refusals, tuple(_cautions(target))


def held(table: Table, column: str) -> Iterator[Refusal]:
    """Indexes that PostgreSQL does not let go with the column, or not without harm."""
    for index in table.indexes_using(column):
        if index.replica_identity and table.replica_identity == "index":
            yield Refusal(
                code="replica_identity",
                object=f"index {index.name}",
                message="it is how replicated rows are told apart, and would go with the column.",
                instead="Choose another replica identity first: set_replica_identity.",
            )
    for constraint in table.constraints_using(column):
        index_of_it = table.index(constraint.index or "")
        whole = index_of_it is not None and column in index_of_it.columns
        if constraint.kind == "exclusion" and not whole:
            yield Refusal(
                code="dependent",
                object=f"constraint {constraint.name} on {table.name}",
                message=f"it excludes by an expression or a condition over {column}: a plain DROP COLUMN would want "
                "CASCADE.",
                instead="Drop it first: drop_constraint.",
            )


def _shape(target: InPlace) -> Iterator[Refusal]:
    column = target.column
    if column.generated is None:
        yield from shape_refusals(column, target.table, target.family)
    for member in target.family[1:]:
        own = member.column(column.name)
        if own is not None and own.is_local:
            yield Refusal(
                code="inherited_column",
                object=f"{member.name}.{column.name}",
                message="the child declares the column itself, so it would keep it.",
                instead="Drop it there afterwards, or let the child inherit nothing.",
            )
    yield from held(target.table, column.name)


def _value(target: InPlace, reverse: Expression | None) -> Iterator[Refusal]:
    column = target.column
    has_its_own = column.default is not None or column.identity is not None or column.generated is not None
    if not has_its_own:
        yield from own_not_null(target.family, column)
    if reverse is None and column.not_null and not has_its_own:
        yield Refusal(
            code="no_value",
            object=target.shown,
            message="it is NOT NULL and has no default: an INSERT of a new version, which leaves it out, would fail.",
            instead="Say by `reverse` what old versions find in such rows.",
        )
    if reverse is None:
        return
    if has_its_own:
        yield Refusal(
            code="has_value",
            object=target.shown,
            message="rows of new versions, which leave it out, get its default (or what it is generated from); "
            "`reverse` would never be asked.",
            instead="Leave `reverse` out, or drop the default first.",
        )
    yield from moving_sources(target.table, reverse.columns)
    known = {c.name: c for c in target.table.columns}
    for name in reverse.columns:
        if name == column.name or (name in known and known[name].generated):
            yield Refusal(
                code="expression",
                object=target.shown,
                message=f"`reverse` names {name}, which has no value yet where it is asked.",
                instead="Write it over the other columns.",
            )


def _dependents(target: InPlace) -> Iterator[Refusal]:
    for member in target.family:
        for dependent in member.dependents_on(target.column.name):
            if dependent.kind not in _TAKEN_ALONG:
                yield Refusal(
                    code="dependent",
                    object=f"{dependent.kind} {dependent.name}",
                    message=f"it depends on {target.shown}: a plain DROP COLUMN would want CASCADE.",
                    instead="Drop or change it first.",
                )


def _functions_of_triggers(target: InPlace) -> Iterator[Refusal]:
    for member, trigger in own_triggers(target.family):
        if _names(trigger.function_body, target.column.name):
            yield Refusal(
                code="trigger_function",
                object=f"trigger {trigger.name} on {member.name}",
                message=f"its function {trigger.function} names {target.column.name}: it would fail every write once "
                "the column is hidden.",
                instead="Let it do without, for example through to_jsonb(NEW).",
                ack=TRIGGERS,
            )


def _names(text: str, identifier: str) -> bool:
    """Whether a text has the identifier in it as a word of its own."""
    return re.search(rf"(?<![\w$]){re.escape(identifier)}(?![\w$])", text, re.IGNORECASE) is not None


def _cautions(target: InPlace) -> Iterator[Caution]:
    table, name = target.table, target.column.name
    constraints = [f"constraint {c.name}" for c in table.constraints_using(name) if c.kind != "not_null"]
    indexes = [f"index {i.name.name}" for i in table.indexes_using(name) if i.constraint is None]
    statistics = [f"statistics {s.name}" for s in table.extended_statistics if name in s.columns]
    sequences = [f"sequence {s}" for s in target.column.owned_sequences]
    gone = (*constraints, *indexes, *statistics, *sequences)
    if gone:
        yield Caution(
            code="goes_along",
            object=target.shown,
            message=f"with the column go, as with a plain DROP COLUMN: {', '.join(gone)}.",
        )
    for function in table.text_functions:
        if function.name.schema != LEDGER_SCHEMA and _names(function.body, name):
            yield Caution(
                code="function_text",
                object=f"function {function.name}",
                message=f"its text names {table.name.name} and {name}; PostgreSQL does not track that. It fails after "
                "contract unless it is replaced before.",
            )

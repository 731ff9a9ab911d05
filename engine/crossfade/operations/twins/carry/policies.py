"""Row security policies that use a column: their expressions are read again in the transaction that exchanges names.

`ALTER POLICY` keeps the policy with its name, roles and comment, so there is no instant without it. A policy of another
table that looks at this one is altered in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psycopg import sql

from crossfade.errors import Refusal
from crossfade.operations.twins.exchange import Carried, Exchange, Move
from crossfade.operations.twins.twin_trials import condition_trial
from crossfade.operations.views.deparsed import repeatable
from crossfade.operations.views.recreate import Around
from crossfade.postgres.statement import Statement, render

if TYPE_CHECKING:
    from crossfade.operations.trial import Trial
    from crossfade.postgres.catalog import Policy, Table


def carry(exchange: Exchange) -> Carried:
    """Every policy over the columns reads them again, there and back."""
    found = over(exchange.family, exchange.columns)
    again = around(found).after
    return Carried(
        before=(Move(do=(), undo=again),),
        renewed=(Move(do=again, undo=()),),
        refusals=tuple(refusals(found)),
        trials=tuple(trial for policy in found for trial in _trials(exchange, policy)),
    )


def over(family: tuple[Table, ...], columns: frozenset[str]) -> tuple[Policy, ...]:
    """The policies that use one of the columns, of whatever member of the family; each once."""
    found = {
        (policy.table, policy.name): policy
        for member in family
        for policy in member.policies_over
        if columns & {*policy.columns}
    }
    return tuple(found.values())


def around(found: tuple[Policy, ...]) -> Around:
    """For a transaction that alters the column: the policies let nothing through, and then what they did."""
    return Around(
        before=tuple(_alter(p, p.using and "false", p.check and "false") for p in found),
        after=tuple(_alter(p, p.using, p.check) for p in found),
    )


def _alter(policy: Policy, using: str | None, check: str | None) -> Statement:
    clauses = [sql.SQL("ALTER POLICY {} ON {}").format(sql.Identifier(policy.name), _table(policy))]
    if using is not None:
        clauses.append(sql.SQL("USING ({})").format(sql.SQL(using)))
    if check is not None:
        clauses.append(sql.SQL("WITH CHECK ({})").format(sql.SQL(check)))
    return Statement(text=repeatable(render(sql.SQL(" ").join(clauses))))


def _table(policy: Policy) -> sql.Identifier:
    return sql.Identifier(policy.table.schema, policy.table.name)


def refusals(found: tuple[Policy, ...]) -> Iterator[Refusal]:
    """Those that this role may not alter."""
    for policy in found:
        if not policy.owned:
            yield Refusal(
                code="not_owner",
                object=f"policy {policy.name} on {policy.table}",
                message="it uses the column, and this role is not (a member of) the owner of its table.",
                instead=f"Grant the owner of {policy.table} to the role crossfade uses, or drop the policy first.",
            )


def _trials(exchange: Exchange, policy: Policy) -> Iterator[Trial]:
    for condition in (policy.using, policy.check):
        if condition is not None:
            yield condition_trial(exchange, f"policy {policy.name} on {policy.table}", condition, policy.table)

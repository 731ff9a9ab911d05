"""All that travels with replaced columns, in the order in which it goes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.twins.carry import (
    checks,
    default,
    foreign_keys,
    functions,
    generated,
    indexes,
    key_not_null,
    not_null,
    policies,
    primary_key,
    publications,
    sequences,
    settings,
    statistics,
    triggers,
    views,
)

if TYPE_CHECKING:
    from crossfade.operations.twins.exchange import Carried, Exchange

_IN_ORDER = (
    # A function or a policy may look at a view: it is read again when that is there.
    views,
    functions,
    policies,
    triggers,
    publications,
    settings,
    default,
    # A primary key needs its columns NOT NULL first, and a virtual column goes when its proof is gone.
    not_null,
    key_not_null,
    # An identity is of a column that is NOT NULL.
    sequences,
    generated,
    checks,
    foreign_keys,
    statistics,
    indexes,
    primary_key,
)


def carried(exchange: Exchange) -> tuple[Carried, ...]:
    """What goes over."""
    return tuple(one.carry(exchange) for one in _IN_ORDER)

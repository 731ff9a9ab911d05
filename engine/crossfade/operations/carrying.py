"""All that travels with replaced columns, in the order in which it goes over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.operations.carry import checks, default, foreign_keys, indexes, not_null, settings

if TYPE_CHECKING:
    from crossfade.operations.exchange import Carried, Exchange


def carried(exchange: Exchange) -> tuple[Carried, ...]:
    """What goes over; a primary key needs its columns NOT NULL first."""
    return tuple(one.carry(exchange) for one in (settings, default, not_null, checks, foreign_keys, indexes))

"""Statements that have a default of the catalog in them. Pure.

What the server deparsed has a schema with every name, and is understood under our own search path. What an earlier
change of the plan has made the default is its text as the plan has it, which only the users' search path explains.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crossfade.operations.sync.paths import OUR_PATH, USERS_PATH

if TYPE_CHECKING:
    from crossfade.postgres.catalog import Default
    from crossfade.postgres.statement import Statement


def readable(statements: Iterable[Statement], *defaults: Default | None) -> tuple[Statement, ...]:
    """The statements, which have these defaults in them, under the search path that all of those are written for."""
    written = tuple(statements)
    if written and any(default is not None and default.of_plan for default in defaults):
        return (USERS_PATH, *written, OUR_PATH)
    return written

"""timestamp in place of timestamptz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from crossfade.lint.declared import declared, is_a
from crossfade.lint.finding import Severity
from crossfade.lint.rule import Rule, Said

if TYPE_CHECKING:
    from crossfade.lint.seen import SeenStatement


def _statement(seen: SeenStatement) -> Iterator[Said]:
    for column in declared(seen):
        if is_a(column, "timestamp"):
            yield Said(
                at=column.at,
                message=f"gives {column.shown} the type timestamp, which does not say in which zone it is meant.",
                instead="timestamptz",
            )


RULE = Rule(
    id="timestamp-without-zone",
    severity=Severity.NOTE,
    opt_in=True,
    summary="a timestamp without time zone is no point in time",
    explanation="""
timestamp keeps what a clock on a wall shows, and forgets where the wall is. A session with another TimeZone, or a
server moved to another place, reads it as another moment. timestamptz takes the same eight bytes and is a point in
time, shown in the zone of the session.
""",
    statement=_statement,
)

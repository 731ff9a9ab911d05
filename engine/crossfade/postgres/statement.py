"""What is sent to the server, as values: a statement's text, the locks it takes, whether it rewrites or scans.

Lock modes and which statement takes which are PostgreSQL's (documentation, "Explicit Locking"), measured on 15 and 18.
Nothing here touches a connection; `render` turns composed SQL into its final text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psycopg import sql


class LockMode(IntEnum):
    """Table lock modes, weakest first, so that `max` gives the strongest."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @property
    def words(self) -> str:
        """As PostgreSQL's documentation writes it: `ACCESS EXCLUSIVE`."""
        return self.name.replace("_", " ")

    @property
    def pg_name(self) -> str:
        """As `pg_locks.mode` spells it: `AccessExclusiveLock`."""
        return "".join(part.capitalize() for part in self.name.split("_")) + "Lock"

    @property
    def blocks(self) -> str:
        """Whom it keeps waiting, in words for `explain`."""
        if self is LockMode.ACCESS_EXCLUSIVE:
            return "reads and writes"
        if self >= LockMode.SHARE:
            return "writes"
        return "other schema changes" if self is LockMode.SHARE_UPDATE_EXCLUSIVE else "nobody"

    def conflicts(self) -> tuple[LockMode, ...]:
        """The modes held by others that make this one wait."""
        return tuple(m for m in LockMode if m in _CONFLICTS[self])


_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    LockMode.ACCESS_SHARE: frozenset({LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_SHARE: frozenset({LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_EXCLUSIVE: frozenset(m for m in LockMode if m >= LockMode.SHARE),
    LockMode.SHARE_UPDATE_EXCLUSIVE: frozenset(m for m in LockMode if m >= LockMode.SHARE_UPDATE_EXCLUSIVE),
    LockMode.SHARE: frozenset(m for m in LockMode if m >= LockMode.ROW_EXCLUSIVE and m is not LockMode.SHARE),
    LockMode.SHARE_ROW_EXCLUSIVE: frozenset(m for m in LockMode if m >= LockMode.ROW_EXCLUSIVE),
    LockMode.EXCLUSIVE: frozenset(m for m in LockMode if m >= LockMode.ROW_SHARE),
    LockMode.ACCESS_EXCLUSIVE: frozenset(LockMode),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on one relation, named as `schema.name` in SQL's quoting."""

    relation: str
    mode: LockMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One SQL statement, ready to be sent."""

    text: str
    """The whole statement, without a semicolon at its end."""
    locks: tuple[Lock, ...] = ()
    """The locks it takes on tables that exist before it."""
    rewrites: bool = False
    """It writes every row of the table anew."""
    scans: bool = False
    """It reads every row of the table."""


def render(composed: sql.Composable) -> str:
    """The text of composed SQL; identifiers and literals are quoted by psycopg."""
    return composed.as_string(None)

"""What of a plan is put before the database by `check`: SQL that is tried and taken back, and rows that are looked for.

Values, as steps are; the workflow tries and looks.
"""

from __future__ import annotations

from dataclasses import dataclass

TRIAL_TABLE = "pg_temp.crossfade_trial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """SQL of the plan that the database has to take before anything is touched, tried and taken back."""

    where: str
    """The place in the plan: `using of change_type on public.orders`."""
    shown: str
    """The SQL as the plan has it."""
    columns: tuple[tuple[str, str], ...]
    """The table's columns: name, and type in SQL's quoting."""
    statement: str
    """What is tried; it names the table `pg_temp.crossfade_trial`."""
    key: tuple[str, ...] = ()
    """The columns of the table's primary key, where a query may turn on it: GROUP BY of them takes the others along."""
    value: str | None = None
    """The expression itself, where it must not be volatile."""
    functions: tuple[tuple[str | None, str], ...] = ()
    """The functions that it calls: the schema, where one is written, and the name."""
    made: tuple[str, ...] = ()
    """Statements before it: types, functions and roles that earlier changes of the plan make. Where one of them cannot
    be tried, since it needs more of what they make, neither is this."""
    prelude: tuple[str, ...] = ()
    """Statements behind these that it needs, and is as wrong as they are."""
    called: tuple[tuple[str, str], ...] = ()
    """Names of ours in it, and what a person calls the columns that have them."""
    instead: str | None = None
    """What to do where it fails; None where the server says it, or nobody can."""
    about: frozenset[str] | None = None
    """The SQLSTATEs that say something of the plan, where others may come of the table on which it is tried."""
    row_functions: tuple[str, ...] = ()
    """Names in it that may be functions of a row, written as if they were columns; where there are such functions,
    it cannot be tried."""
    parts: tuple[Trial, ...] = ()
    """Its parts, each tried by itself where the whole fails, so that the one that is wrong is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueLook:
    """A coming uniqueness: rows with the same values are looked for now, so that nobody is surprised at contract."""

    constraint: str
    table: str
    """In SQL's quoting; its name until contract, as are the columns'."""
    columns: tuple[str, ...]
    where: str | None = None
    """Only among these rows."""
    nulls_equal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ViolationLook:
    """A constraint that is validated in a step: rows that it would refuse are looked for now."""

    table: str
    """In SQL's quoting; its name until contract, as are the columns'."""
    violated: str
    """True for such a row."""
    what: str
    """What they are, in words that follow "rows": `that are not within the bounds of orders_2025`."""
    then: str
    """What that means for the plan, in a sentence."""

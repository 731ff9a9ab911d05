"""Statements of other tools' migrations as entries of a plan's `changes`.

`together` has the two functions that others call; `single` reads one command, `groups/` what several mean together,
`raw` writes the `sql` change for what no other kind does, and `shown` the plans.
"""

from __future__ import annotations

from crossfade.migrations.typed.entry import Entry, as_change
from crossfade.migrations.typed.enums import Enums
from crossfade.migrations.typed.groups.group import Reading
from crossfade.migrations.typed.raw import sql_entry
from crossfade.migrations.typed.shown import as_plan_name, doubt_of, is_sql_of_contract, one_plan, plan_name
from crossfade.migrations.typed.together import Typed, typed, typed_all

__all__ = [
    "Entry",
    "Enums",
    "Reading",
    "Typed",
    "as_change",
    "as_plan_name",
    "doubt_of",
    "is_sql_of_contract",
    "one_plan",
    "plan_name",
    "sql_entry",
    "typed",
    "typed_all",
]

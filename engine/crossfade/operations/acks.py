"""The words of `--ack`: what a person accepts of that which preflight names."""

from __future__ import annotations

BREAKS = "breaks"
"""Statements of the plan's own, before contract, that a live version may fail on."""
CASCADE = "cascade"
"""Foreign keys that delete or change rows of other tables along with those that are meant."""
CDC = "cdc"
"""Logical replication: a subscriber without the new column stops."""
DEPENDENTS = "dependents"
"""Views, policies, foreign keys and other objects follow the column."""
OPAQUE = "opaque"
"""Statements that may do anything, so that nobody can say which locks they take."""
REWRITE = "rewrite"
"""The whole table is written anew while reads and writes wait."""
ROWS = "rows"
"""Rows that a statement changes in one transaction."""
RULES = "rules"
"""Rules that do something else in place of a write, for some of the rows."""
SCAN = "scan"
"""A whole table is read while writes wait."""
STAR = "star"
"""Statements that take the columns by `*`."""
TRIGGERS = "triggers"
"""Triggers that do not see, or do not survive, writes under the new name."""

ACKS = frozenset({BREAKS, CASCADE, CDC, DEPENDENTS, OPAQUE, REWRITE, ROWS, RULES, SCAN, STAR, TRIGGERS})

"""The words of `--ack`: what a person accepts of that which preflight names."""

from __future__ import annotations

CASCADE = "cascade"
"""Foreign keys that delete or change rows of other tables along with those that are meant."""
CDC = "cdc"
"""Logical replication: a subscriber without the new column stops."""
DEPENDENTS = "dependents"
"""Views, policies, foreign keys and other objects follow the column."""
REWRITE = "rewrite"
"""The whole table is written anew while reads and writes wait."""
RULES = "rules"
"""Rules that do something else in place of a write, for some of the rows."""
STAR = "star"
"""Statements that take the columns by `*`."""
TRIGGERS = "triggers"
"""Triggers that do not see, or do not survive, writes under the new name."""

ACKS = frozenset({CASCADE, CDC, DEPENDENTS, REWRITE, RULES, STAR, TRIGGERS})

"""Which changes preflight refuses on which hazard, and by which code; whatever is not here has to go all the way."""

from __future__ import annotations

from .changes import CHANGES

EVERY = frozenset(CHANGES)
REPLACED = frozenset({"change_type", "change_type into"})
GONE = frozenset({"split_column", "drop_column"})
FILLED = REPLACED | {"rename_column", "split_column", "set_not_null"}

REFUSED: dict[str, dict[str, frozenset[str]]] = {
    "foreign keys of several columns in another order": {"referenced_key": REPLACED, "dependent": GONE},
    "its name inside of literals": {"dependent": GONE},
    "mixed case and reserved words": {"dependent": GONE},
    "an identity that is always generated": {
        "identity_column": frozenset({"split_column", "set_default"}),
        "already_not_null": frozenset({"set_not_null"}),
    },
    "a stored generated column over it": {"generated_column": REPLACED, "dependent": GONE},
    "it is a stored generated column": {
        "generated_column": REPLACED | {"rename_column", "split_column", "set_not_null", "set_default"},
    },
    "a virtual generated column over it": {"dependent": GONE},
    "policies": {"dependent": GONE},
    "publications": {"alias_replicated": frozenset({"rename_column by alias"}), "dependent": GONE},
    "a publication that filters by what is no key": {
        "alias_replicated": frozenset({"rename_column by alias"}),
        "dependent": GONE,
        "not_replicable": FILLED,
    },
    "a publication without the key": {
        "alias_replicated": frozenset({"rename_column by alias"}),
        "not_replicable": FILLED,
    },
    "triggers of its updates": {"dependent": GONE},
    "temporary": {"no_such_table": EVERY},
    "foreign": {"not_a_table": EVERY},
    "1,600 columns, one of them dropped": {
        "too_many_columns": REPLACED | {"rename_column", "split_column", "add_column"},
    },
    "views": {"dependent": GONE},
    "a rule": {"rule": frozenset({"rename_column by alias", "rename_table"}), "dependent": REPLACED | GONE},
    "an exclusion and a deferrable uniqueness": {"exclusion_constraint": REPLACED, "dependent": GONE},
    "replica identity by it": {
        "replica_identity": GONE,
        "no_value": frozenset({"drop_column"}),
        "already_not_null": frozenset({"set_not_null"}),
    },
    "a partition key": {
        "partition_key": REPLACED | GONE | {"rename_column", "set_not_null"},
        "no_value": frozenset({"drop_column"}),
        "already_not_null": frozenset({"set_not_null"}),
    },
    "a column of the row's type": {"row_type_in_use": REPLACED | {"split_column", "add_column"}},
    "a table of a type": {
        "unsupported_table": REPLACED | GONE | {"rename_column", "rename_column by alias", "add_column"},
    },
    "a function that keeps its parse tree": {"dependent": GONE},
    "a view in place of a table": {"not_a_table": EVERY},
}
"""By hazard, then by code."""


def codes(hazard: str, change: str) -> frozenset[str]:
    """The codes of the refusals; empty for a change that goes all the way."""
    return frozenset(code for code, changes in REFUSED.get(hazard, {}).items() if change in changes)

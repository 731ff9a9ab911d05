"""Commands that are one change together: a file for each idea, in the order in which they are looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossfade.migrations.typed.groups import (
    built,
    computed,
    exchanged,
    filling,
    key_of_another_kind,
    made_anew,
    new_tables,
    partitioned_key,
    proven,
    rebuilt_enum,
    renamed,
    renamed_constraint,
    renamed_table,
    renumbered,
    retyped_key,
    row_security,
    sequenced,
    set_again,
)

if TYPE_CHECKING:
    from crossfade.migrations.typed.groups.group import Group

GROUPS: tuple[tuple[str, Group], ...] = (
    ("CreateEnumStmt", rebuilt_enum.made_beside),
    ("CreateEnumStmt", rebuilt_enum.old_aside),
    ("CreateEnumStmt", rebuilt_enum.made_again),
    ("DropStmt", renamed_table.dropped_and_created),
    ("DropStmt", made_anew.table_made_anew),
    ("CreateStmt", new_tables.new_tables),
    ("AlterColumnType", key_of_another_kind.key_of_another_kind),
    ("DropColumn", key_of_another_kind.key_of_another_kind),
    ("AlterColumnType", retyped_key.retyped_key),
    ("AddConstraint", proven.not_null_by_check),
    ("AddConstraint", proven.validated_constraint),
    ("AddConstraint", partitioned_key.key_over_partitions),
    ("AlterDomainStmt", proven.validated_domain),
    ("DropConstraint", renamed_constraint.renamed_constraint),
    ("DropConstraint", exchanged.exchanged_constraint),
    ("IndexStmt", built.index_of_constraint),
    ("IndexStmt", built.replaced_index),
    ("AddColumn", renamed.moved_value),
    ("AddColumn", computed.type_by_hand),
    ("DropColumn", renamed.dropped_and_added),
    ("AddColumn", filling.added_columns),
    ("AddColumn", filling.added_column),
    ("UpdateStmt", filling.filled_not_null),
    ("DropIdentity", renumbered.renumbered),
    ("ColumnDefault", renumbered.renumbered),
    ("ColumnDefault", set_again.default_set_again),
    ("EnableRowSecurity", row_security.row_security),
    ("AddColumn", sequenced.serial_column),
    ("DropStmt", made_anew.made_anew),
)
"""The more special ones first, each with what the command does that it is looked for at."""

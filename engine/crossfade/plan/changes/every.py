"""All kinds of change that a plan can list; a new one is one more member of `Change`."""

from typing import Annotated

from crossfade.plan.changes.add_check import AddCheck
from crossfade.plan.changes.add_column import AddColumn
from crossfade.plan.changes.add_domain_check import AddDomainCheck
from crossfade.plan.changes.add_enum_value import AddEnumValue
from crossfade.plan.changes.add_exclusion import AddExclusion
from crossfade.plan.changes.add_foreign_key import AddForeignKey
from crossfade.plan.changes.add_primary_key import AddPrimaryKey
from crossfade.plan.changes.add_unique import AddUnique
from crossfade.plan.changes.attach_partition import AttachPartition
from crossfade.plan.changes.change_type import ChangeType
from crossfade.plan.changes.copy_rows import CopyRows
from crossfade.plan.changes.create_domain import CreateDomain
from crossfade.plan.changes.create_enum import CreateEnum
from crossfade.plan.changes.create_index import CreateIndex
from crossfade.plan.changes.create_table import CreateTable
from crossfade.plan.changes.delete_rows import DeleteRows
from crossfade.plan.changes.detach_partition import DetachPartition
from crossfade.plan.changes.drop_column import DropColumn
from crossfade.plan.changes.drop_constraint import DropConstraint
from crossfade.plan.changes.drop_default import DropDefault
from crossfade.plan.changes.drop_index import DropIndex
from crossfade.plan.changes.drop_not_null import DropNotNull
from crossfade.plan.changes.drop_table import DropTable
from crossfade.plan.changes.enable_row_security import EnableRowSecurity
from crossfade.plan.changes.fields import Prose
from crossfade.plan.changes.merge_columns import MergeColumns
from crossfade.plan.changes.merge_tables import MergeTables
from crossfade.plan.changes.move_columns import MoveColumns
from crossfade.plan.changes.move_table import MoveTable
from crossfade.plan.changes.partition_table import PartitionTable
from crossfade.plan.changes.reindex import Reindex
from crossfade.plan.changes.remove_enum_values import RemoveEnumValues
from crossfade.plan.changes.rename_column import RenameColumn
from crossfade.plan.changes.rename_constraint import RenameConstraint
from crossfade.plan.changes.rename_enum_value import RenameEnumValue
from crossfade.plan.changes.rename_index import RenameIndex
from crossfade.plan.changes.rename_table import RenameTable
from crossfade.plan.changes.replace_index import ReplaceIndex
from crossfade.plan.changes.set_comment import SetComment
from crossfade.plan.changes.set_default import SetDefault
from crossfade.plan.changes.set_generated import SetGenerated
from crossfade.plan.changes.set_identity import SetIdentity
from crossfade.plan.changes.set_not_null import SetNotNull
from crossfade.plan.changes.set_replica_identity import SetReplicaIdentity
from crossfade.plan.changes.set_statistics import SetStatistics
from crossfade.plan.changes.set_storage import SetStorage
from crossfade.plan.changes.set_storage_parameters import SetStorageParameters
from crossfade.plan.changes.split_column import SplitColumn
from crossfade.plan.changes.split_table import SplitTable
from crossfade.plan.changes.sql import RawSql
from crossfade.plan.changes.update_rows import UpdateRows
from crossfade.plan.entries import OneKey

__all__ = [
    "AddCheck",
    "AddColumn",
    "AddDomainCheck",
    "AddEnumValue",
    "AddExclusion",
    "AddForeignKey",
    "AddPrimaryKey",
    "AddUnique",
    "AttachPartition",
    "Change",
    "ChangeEntry",
    "ChangeType",
    "CopyRows",
    "CreateDomain",
    "CreateEnum",
    "CreateIndex",
    "CreateTable",
    "DataEntry",
    "DeleteRows",
    "DetachPartition",
    "DropColumn",
    "DropConstraint",
    "DropDefault",
    "DropIndex",
    "DropNotNull",
    "DropTable",
    "EnableRowSecurity",
    "MergeColumns",
    "MergeTables",
    "MoveColumns",
    "MoveTable",
    "PartitionTable",
    "Prose",
    "RawSql",
    "Reindex",
    "RemoveEnumValues",
    "RenameColumn",
    "RenameConstraint",
    "RenameEnumValue",
    "RenameIndex",
    "RenameTable",
    "ReplaceIndex",
    "SetComment",
    "SetDefault",
    "SetGenerated",
    "SetIdentity",
    "SetNotNull",
    "SetReplicaIdentity",
    "SetStatistics",
    "SetStorage",
    "SetStorageParameters",
    "SplitColumn",
    "SplitTable",
    "UpdateRows",
]

Change = (
    RenameColumn
    | ChangeType
    | SplitColumn
    | MergeColumns
    # indexes and partitions
    | CreateIndex
    | DropIndex
    | ReplaceIndex
    | Reindex
    | RenameIndex
    | AddUnique
    | AddPrimaryKey
    | AddExclusion
    | AttachPartition
    | DetachPartition
    # constraints
    | AddCheck
    | AddForeignKey
    | AddDomainCheck
    | SetNotNull
    | DropConstraint
    | RenameConstraint
    # types
    | CreateEnum
    | CreateDomain
    | AddEnumValue
    | RenameEnumValue
    | RemoveEnumValues
    # columns in place
    | AddColumn
    | DropColumn
    | DropNotNull
    | SetDefault
    | DropDefault
    | SetGenerated
    | SetIdentity
    | SetComment
    | SetStatistics
    | SetStorage
    # anything else
    | RawSql
    # tables
    | CreateTable
    | DropTable
    | EnableRowSecurity
    | MoveTable
    | PartitionTable
    | RenameTable
    | SetReplicaIdentity
    | SetStorageParameters
    | SplitTable
    | MoveColumns
    | MergeTables
    # rows
    | UpdateRows
    | DeleteRows
    | CopyRows
)
"""Every kind of change, as a union; this is the registry."""

DataEntry = UpdateRows | DeleteRows | CopyRows
"""The kinds that change rows and no schema."""

ChangeEntry = Annotated[Change, OneKey("change")]
"""A change as the plan's list has it."""

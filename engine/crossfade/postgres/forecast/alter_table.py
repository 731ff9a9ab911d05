"""ALTER TABLE: which lock each subcommand takes, in what order PostgreSQL works them off, and who is altered besides.

The statement takes the strongest lock that one of its subcommands asks for, on the table and on every partition or
child that one of them reaches (`AlterTableGetLockLevel` in PostgreSQL's source; measured on 15 and 18). The order is
that of its passes: what is dropped goes first, so `SET NOT NULL, DROP CONSTRAINT` finds the proof gone. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from crossfade.postgres.forecast import alter_columns, constraints, partitions, storage
from crossfade.postgres.forecast.draft import Unforeseeable
from crossfade.postgres.forecast.target import Reach, Target
from crossfade.postgres.statement import LockMode

if TYPE_CHECKING:
    from crossfade.postgres.forecast.draft import Draft

SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
SRX = LockMode.SHARE_ROW_EXCLUSIVE
AX = LockMode.ACCESS_EXCLUSIVE


class Pass(IntEnum):
    """In which order subcommands are worked off, whatever their order in the statement."""

    DROP = 1
    ALTER_TYPE = 2
    ADD_COLUMN = 3
    SET_EXPRESSION = 4
    ADD_CONSTRAINT = 5
    COLUMN_ATTRIBUTES = 6
    OTHER = 7


def _nothing(draft: Draft, target: Target, command: Any) -> None:
    """It changes nothing that a later statement's forecast needs."""


@dataclass(frozen=True, slots=True)
class Subcommand:
    """What is known of one kind of subcommand."""

    mode: LockMode | Callable[[Any], LockMode]
    reach: Reach = Reach.ALONE
    act: Callable[[Draft, Target, Any], None] = _nothing
    done_in: Pass = Pass.OTHER
    reaches_since: int = 0
    """The server's version from which on it reaches others."""


_FIRST_WITH_PARTITIONS_IDENTITIES = 170000
_FAMILY, _PARTITIONS = Reach.FAMILY, Reach.PARTITIONS
#: By the name of pglast's `AlterTableType` without its `AT_`.
SUBCOMMANDS: Mapping[str, Subcommand] = {
    # columns
    "AddColumn": Subcommand(AX, _FAMILY, alter_columns.add_column, Pass.ADD_COLUMN),
    "DropColumn": Subcommand(AX, _FAMILY, alter_columns.drop_column, Pass.DROP),
    "AlterColumnType": Subcommand(AX, _FAMILY, alter_columns.change_type, Pass.ALTER_TYPE),
    "ColumnDefault": Subcommand(AX, _FAMILY, alter_columns.set_default),
    "SetNotNull": Subcommand(AX, _FAMILY, alter_columns.set_not_null, Pass.COLUMN_ATTRIBUTES),
    "DropNotNull": Subcommand(AX, _FAMILY, alter_columns.drop_not_null, Pass.DROP),
    "SetExpression": Subcommand(AX, _FAMILY, alter_columns.set_expression, Pass.SET_EXPRESSION),
    "DropExpression": Subcommand(AX, _FAMILY, alter_columns.drop_expression, Pass.DROP),
    "AddIdentity": Subcommand(
        AX, _PARTITIONS, alter_columns.add_identity, reaches_since=_FIRST_WITH_PARTITIONS_IDENTITIES
    ),
    "SetIdentity": Subcommand(
        AX, _PARTITIONS, done_in=Pass.COLUMN_ATTRIBUTES, reaches_since=_FIRST_WITH_PARTITIONS_IDENTITIES
    ),
    "DropIdentity": Subcommand(
        AX, _PARTITIONS, alter_columns.drop_identity, Pass.DROP, reaches_since=_FIRST_WITH_PARTITIONS_IDENTITIES
    ),
    "SetStatistics": Subcommand(SUE, _FAMILY),
    "SetOptions": Subcommand(SUE),
    "ResetOptions": Subcommand(SUE),
    "SetStorage": Subcommand(AX, _FAMILY),
    "SetCompression": Subcommand(AX),
    "AlterColumnGenericOptions": Subcommand(AX),
    # constraints: each kind reaches others in its own way
    "AddConstraint": Subcommand(
        lambda command: SRX if command.def_.contype.name == "CONSTR_FOREIGN" else AX,
        act=constraints.add_constraint,
        done_in=Pass.ADD_CONSTRAINT,
    ),
    "DropConstraint": Subcommand(AX, act=constraints.drop_constraint, done_in=Pass.DROP),
    "AlterConstraint": Subcommand(AX, act=constraints.alter_constraint),
    "ValidateConstraint": Subcommand(SUE, act=constraints.validate_constraint),
    # triggers and rules
    "EnableTrig": Subcommand(SRX, _PARTITIONS),
    "EnableAlwaysTrig": Subcommand(SRX, _PARTITIONS),
    "EnableReplicaTrig": Subcommand(SRX, _PARTITIONS),
    "DisableTrig": Subcommand(SRX, _PARTITIONS),
    "EnableTrigAll": Subcommand(SRX, _PARTITIONS),
    "DisableTrigAll": Subcommand(SRX, _PARTITIONS),
    "EnableTrigUser": Subcommand(SRX, _PARTITIONS),
    "DisableTrigUser": Subcommand(SRX, _PARTITIONS),
    "EnableRule": Subcommand(AX),
    "EnableAlwaysRule": Subcommand(AX),
    "EnableReplicaRule": Subcommand(AX),
    "DisableRule": Subcommand(AX),
    # how rows are kept
    "SetRelOptions": Subcommand(storage.options_lock),
    "ResetRelOptions": Subcommand(storage.options_lock),
    "ReplaceRelOptions": Subcommand(AX),
    "SetTableSpace": Subcommand(AX, act=storage.set_tablespace),
    "SetAccessMethod": Subcommand(AX, act=storage.set_access_method),
    "SetLogged": Subcommand(AX, act=storage.set_logged),
    "SetUnLogged": Subcommand(AX, act=storage.set_unlogged),
    "ClusterOn": Subcommand(SUE),
    "DropCluster": Subcommand(SUE),
    "DropOids": Subcommand(AX),
    # the table as a whole
    "ChangeOwner": Subcommand(AX),
    "ReplicaIdentity": Subcommand(AX),
    "EnableRowSecurity": Subcommand(AX),
    "DisableRowSecurity": Subcommand(AX),
    "ForceRowSecurity": Subcommand(AX),
    "NoForceRowSecurity": Subcommand(AX),
    "AddOf": Subcommand(AX, act=storage.set_row_type),
    "DropOf": Subcommand(AX, act=storage.forget_row_type),
    "GenericOptions": Subcommand(AX),
    "AddInherit": Subcommand(AX, act=partitions.inherit),
    "DropInherit": Subcommand(AX, act=partitions.disinherit),
    "AttachPartition": Subcommand(SUE, act=partitions.attach_partition),
    "DetachPartition": Subcommand(
        lambda command: SUE if command.def_.concurrent else AX, act=partitions.detach_partition
    ),
    "DetachPartitionFinalize": Subcommand(SUE, act=partitions.detach_partition),
}


def alter_table(draft: Draft, node: Any) -> None:
    """An AlterTableStmt: also ALTER VIEW, MATERIALIZED VIEW, FOREIGN TABLE and TYPE … ADD ATTRIBUTE."""
    if node.objtype.name == "OBJECT_TYPE":
        _alter_row_type(draft, node)
        return
    relation = node.relation
    table = draft.schema.find(relation.schemaname, relation.relname)
    if table is None:
        _check_known(draft, node)
        return
    work = sorted(((command, _known(command)) for command in node.cmds), key=lambda pair: pair[1].done_in)
    mode = max(_mode(known, command) for command, known in work)
    target = Target(name=table.name, mode=mode, only=not relation.inh)
    draft.lock(table.name, mode)
    for command, known in work:
        reaches = draft.schema.server_version >= known.reaches_since
        reaching = replace(target, reach=known.reach if reaches else Reach.ALONE)
        draft.lock_all(reaching.members(draft), mode)
        known.act(draft, reaching, command)


def _known(command: Any) -> Subcommand:
    name = command.subtype.name.removeprefix("AT_")
    known = SUBCOMMANDS.get(name)
    if known is None:
        raise Unforeseeable(f"ALTER TABLE has a subcommand that is not known here: {name}")
    return known


def _mode(known: Subcommand, command: Any) -> LockMode:
    return known.mode if isinstance(known.mode, LockMode) else known.mode(command)


def _check_known(draft: Draft, node: Any) -> None:
    """An index, a sequence, a name that IF EXISTS allows not to be there: no table is locked."""
    relation = node.relation
    name = draft.schema.qualify(relation.schemaname, relation.relname)
    is_index = draft.schema.find_index(relation.schemaname, relation.relname) is not None
    if not node.missing_ok and not is_index and name not in draft.schema.other_relations:
        raise Unforeseeable(f"there is no table {name} in the catalog")


def _alter_row_type(draft: Draft, node: Any) -> None:
    """ALTER TYPE on attributes: tables OF the type follow, with CASCADE, as if they were altered themselves."""
    name = str(draft.schema.qualify(node.relation.schemaname, node.relation.relname))
    typed = [t for t in draft.schema.tables.values() if t.typed_of == name]
    draft.lock_all(typed, AX)
    for table in typed:
        for command in node.cmds:
            target = Target(name=table.name, mode=AX, only=False, reach=_FAMILY)
            _known(command).act(draft, target, command)

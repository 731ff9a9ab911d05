"""Changes of tables: CREATE, DROP, RENAME, SET SCHEMA, partitions and how a table is kept, as entries of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from crossfade.migrations.typed.columns import collation_text, constraint_fields, parts_of, value_fields
from crossfade.migrations.typed.constraints import actions, given_name, name_of
from crossfade.migrations.typed.entry import (
    Entry,
    NotTyped,
    entry,
    expression_text,
    printed,
    type_text,
    unless,
)
from crossfade.migrations.typed.parameters import parameter_name, parameters
from crossfade.postgres.forecast.chosen_names import chosen_name
from crossfade.postgres.forecast.trees import columns_of, kind, names

if TYPE_CHECKING:
    from crossfade.migrations.typed.command import Command
    from crossfade.postgres.catalog import QualifiedName

_IDENTITIES = {"d": "default", "f": "full", "n": "nothing", "i": "index"}


def create_table(command: Command) -> Iterator[Entry]:
    """CREATE TABLE of columns and constraints; anything else that it can be made from stays SQL."""
    node = command.node
    if node.if_not_exists and command.table is not None:
        return
    if node.partbound is not None:
        yield from _partition(command)
        return
    unless(
        (bool(node.inhRelations or node.partspec or node.partbound or node.ofTypename), "a table made from another"),
        (bool(node.options or node.tablespacename or node.accessMethod), "how it is stored"),
        (node.relation.relpersistence != "p", "a table that is not logged"),
        (node.oncommit.name != "ONCOMMIT_NOOP", "ON COMMIT"),
    )
    made = _Made(command)
    for element in node.tableElts or ():
        if kind(element) == "ColumnDef":
            made.column(element)
    for element in (*(node.tableElts or ()), *(node.constraints or ())):
        if kind(element) == "Constraint":
            made.constraint(element)
        elif kind(element) != "ColumnDef":
            raise NotTyped("LIKE")
    yield entry(
        "create_table",
        name=command.table_text,
        columns=made.columns,
        primary_key=made.primary_key,
        constraints=tuple(made.constraints),
    )


def _partition(command: Command) -> Iterator[Entry]:
    """CREATE TABLE … PARTITION OF a table that is there: a table with its columns, which is then attached."""
    node = command.node
    parent = command.before.find(node.inhRelations[0].schemaname, node.inhRelations[0].relname)
    unless(
        (parent is None or not parent.columns, "a parent that is not known"),
        (bool(node.tableElts or node.constraints or node.partspec or node.options), "columns of its own"),
        (node.relation.relpersistence != "p" or bool(node.tablespacename or node.accessMethod), "how it is stored"),
    )
    assert parent is not None
    unless(
        (any(c.default or c.identity or c.generated or c.collation for c in parent.columns), "more than types"),
        (any(c.type == "unknown" for c in parent.columns), "types that are not known"),
        (any(c.kind in {"check", "exclusion"} for c in parent.constraints), "constraints of the parent"),
    )
    columns = {c.name: {"type": c.type, **({"nullable": False} if c.not_null else {})} for c in parent.columns}
    yield entry("create_table", name=command.table_text, columns=columns)
    yield entry(
        "attach_partition",
        table=command.text_of(node.inhRelations[0]),
        partition=command.table_text,
        bounds=_bounds(node.partbound),
    )


class _Made:
    """The parts of a table as they are read."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._table = command.relation.relname
        self.columns: dict[str, dict[str, Any]] = {}
        self.constraints: list[dict[str, Any]] = []
        self.primary_key: tuple[str, ...] | None = None

    def column(self, definition: Any) -> None:
        """A ColumnDef."""
        parts = parts_of(definition)
        fields: dict[str, Any] = {"type": type_text(definition.typeName)}
        if "CONSTR_NOTNULL" in parts:
            fields["nullable"] = False
        fields |= value_fields(parts, self._table) | constraint_fields(self._command, parts, self._table)
        fields["collation"] = collation_text(definition)
        self.columns[definition.colname] = {key: value for key, value in fields.items() if value is not None}
        for part in parts.values():
            is_named = given_name(part) is not None and part.contype.name not in {"CONSTR_NOTNULL", "CONSTR_DEFAULT"}
            if is_named or part.contype.name == "CONSTR_PRIMARY":
                self.constraint(part, definition.colname)

    def constraint(self, node: Any, column: str | None = None) -> None:
        """A Constraint, of the table or with a name behind a column."""
        unless(
            (
                bool(node.deferrable or node.including or node.options or node.indexspace),
                "a constraint of its own kind",
            ),
            (bool(node.skip_validation or node.is_no_inherit), "a constraint of its own kind"),
            (bool(node.nulls_not_distinct or node.without_overlaps), "a constraint of its own kind"),
        )
        own = (column,) if column else names(node.keys)
        match node.contype.name:
            case "CONSTR_PRIMARY":
                usual = chosen_name(self._table, (), "pkey", ())
                unless((given_name(node) not in (None, usual), "a primary key with a name of its own"))
                self.primary_key = own
            case "CONSTR_UNIQUE":
                self._add(node, "key", own, unique=own)
            case "CONSTR_CHECK":
                unless((not node.is_enforced, "a CHECK that is not enforced"))
                check = expression_text(node.raw_expr, self._table)
                self._add(node, "check", (column,) if column else columns_of(node.raw_expr)[:1], check=check)
            case "CONSTR_FOREIGN":
                own = (column,) if column else names(node.fk_attrs)
                self._add(node, "fkey", own, foreign_key=self._foreign_key(node, own))
            case other:
                raise NotTyped(other)

    def _foreign_key(self, node: Any, own: tuple[str, ...]) -> dict[str, Any]:
        unless(
            (node.fk_matchtype == "f" or bool(node.fk_del_set_cols), "a foreign key of its own kind"),
            (not node.is_enforced, "a foreign key that is not enforced"),
        )
        found: dict[str, Any] = {"columns": own, "table": self._command.text_of(node.pktable)}
        if node.pk_attrs:
            found["referenced"] = names(node.pk_attrs)
        return found | actions(node)

    def _add(self, node: Any, label: str, columns: tuple[str, ...], **fields: Any) -> None:
        taken = {c["name"] for c in self.constraints}
        name = given_name(node) or name_of(self._command, node, label, columns)
        unless((name in taken, "two constraints without names"))
        self.constraints.append({"name": name, **fields})


def drop_table(command: Command) -> Iterator[Entry]:
    """DROP TABLE."""
    node = command.node
    *above, name = names(node.objects[0])
    table = command.before.find(above[-1] if above else None, name)
    needed = table is None or bool(table.dependents) or bool(command.before.incoming(table.name))
    unless(
        (node.missing_ok and table is None, "a table that may not be there"),
        (node.behavior.name == "DROP_CASCADE" and needed, "what goes with it"),
        (table is not None and bool(table.inherits), "a child whose rows its parents show"),
    )
    if table is not None and table.partition_parent is not None:
        parent = command.text_of_known(table.partition_parent)
        yield entry("detach_partition", table=parent, partition=command.text_of_name(node.objects[0]))
    yield entry("drop_table", table=command.text_of_name(node.objects[0]))


def rename_table(command: Command) -> Iterator[Entry]:
    """ALTER TABLE … RENAME."""
    node, relation = command.node, command.relation
    is_index = command.table is None and command.before.find_index(relation.schemaname, relation.relname) is not None
    unless(
        (bool(node.missing_ok), "a table that may not be there"),
        (command.table is None and not is_index and relation.relname.endswith("_seq"), "what may be a sequence"),
    )
    yield entry("rename_index" if is_index else "rename_table", from_=command.table_text, to=node.newname)


def move_table(command: Command) -> Iterator[Entry]:
    """ALTER TABLE … SET SCHEMA."""
    unless((bool(command.node.missing_ok), "a table that may not be there"))
    yield entry("move_table", table=command.table_text, to_schema=command.node.newschema)


def commented(command: Command) -> QualifiedName | None:
    """The table that a COMMENT is about, or about a column of."""
    what = command.node.objtype.name
    if what not in {"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"}:
        return None
    *above, name = names(command.node.object)
    if what != "OBJECT_TABLE":
        name = above.pop() if above else name
    return command.before.qualify(above[-1] if above else None, name)


def comment(command: Command) -> Iterator[Entry]:
    """COMMENT ON TABLE and COLUMN."""
    node = command.node
    parts = [*names(node.object)]
    column = parts.pop() if node.objtype.name == "OBJECT_COLUMN" else None
    yield entry("set_comment", table=command.text_of_name(parts), column=column, comment=node.comment or "")


def attach_partition(command: Command) -> Iterator[Entry]:
    """ATTACH PARTITION."""
    given = command.action.def_
    partition = command.text_of(given.name)
    yield entry("attach_partition", table=command.table_text, partition=partition, bounds=_bounds(given.bound))


def _bounds(bound: Any) -> str:
    from pglast import parse_sql
    from pglast.ast import RangeVar

    frame: Any = parse_sql("ALTER TABLE p ATTACH PARTITION c DEFAULT")[0].stmt
    frame.cmds[0].def_.bound = bound
    frame.cmds[0].def_.name = RangeVar(relname="c", inh=True, relpersistence="p")
    return printed(frame).removeprefix("ALTER TABLE p ATTACH PARTITION c ")


def detach_partition(command: Command) -> Iterator[Entry]:
    """DETACH PARTITION, with CONCURRENTLY or without."""
    yield entry("detach_partition", table=command.table_text, partition=command.text_of(command.action.def_.name))


def replica_identity(command: Command) -> Iterator[Entry]:
    """REPLICA IDENTITY."""
    given = command.action.def_
    to = _IDENTITIES[given.identity_type]
    yield entry("set_replica_identity", table=command.table_text, to=to, index=given.name)


def set_parameters(command: Command) -> Iterator[Entry]:
    """SET (…)."""
    yield entry("set_storage_parameters", table=command.table_text, set=parameters(command.action.def_))


def reset_parameters(command: Command) -> Iterator[Entry]:
    """RESET (…)."""
    reset = tuple(parameter_name(option) for option in command.action.def_)
    yield entry("set_storage_parameters", table=command.table_text, reset=reset)


def enable_row_security(command: Command) -> Iterator[Entry]:
    """ENABLE ROW LEVEL SECURITY."""
    yield entry("enable_row_security", table=command.table_text)


SUBCOMMANDS = {
    "AttachPartition": attach_partition,
    "DetachPartition": detach_partition,
    "ReplicaIdentity": replica_identity,
    "SetRelOptions": set_parameters,
    "ResetRelOptions": reset_parameters,
    "EnableRowSecurity": enable_row_security,
}
